import Splitting

/// Returns each chunk as it is.
public struct IdentityProcessor: ChunkProcessor {
    /// The processor.
    public init() {}

    /// The chunk.
    public func process(_ chunk: ChunkWork, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] { chunk.payload }
}
