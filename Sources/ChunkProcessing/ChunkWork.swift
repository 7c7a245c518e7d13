import Splitting

/// A chunk as a processor sees it.
public struct ChunkWork: Sendable {
    /// Bytes that a result may have at most: 16 MiB.
    public static var maximumResult: Int { 16 << 20 }

    /// Job, request type, number of chunks (*Total Shards*), client and virtual address.
    public var terms: JobTerms
    /// The chunk's place (*Shard ID*), 0 ..< `terms.total`.
    public var index: Int
    /// Which copy of the chunk this is, from 0.
    public var replica: UInt8
    /// The bytes.
    public var payload: [UInt8]

    /// All fields.
    public init(terms: JobTerms, index: Int, replica: UInt8, payload: [UInt8]) {
        self.terms = terms
        self.index = index
        self.replica = replica
        self.payload = payload
    }
}
