import CZlib

/// The CRC-32 of each chunk as gzip has it (RFC 1952 §8), as 4 bytes, the most significant first.
public struct CRC32Processor: ChunkProcessor {
    /// The processor.
    public init() {}

    /// The checksum.
    public func process(_ chunk: ChunkWork, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
        let value = unsafe chunk.payload.withUnsafeBufferPointer { bytes in
            unsafe bytes.isEmpty ? 0 : crc32_z(0, bytes.baseAddress, bytes.count)
        }
        return (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }
}
