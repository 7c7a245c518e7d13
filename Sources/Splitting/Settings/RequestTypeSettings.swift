/// How payloads of one request type are cut and joined. What is nil is as in ``SplittingSettings``.
public struct RequestTypeSettings: Equatable, Sendable {
    /// The type's name, 1 … 63 bytes.
    public var name: String
    /// `num_chunks` for this type.
    public var chunks: Int?
    /// `max_chunks` for this type.
    public var maximumChunks: Int?
    /// `min_chunk_size` for this type.
    public var minimumChunkSize: Int?
    /// `deadline` for this type.
    public var deadline: Duration?
    /// `align`: chunks begin at multiples of this many bytes; 1 … 32,768; 1: anywhere.
    public var alignment = 1
    /// `split_at`: chunks end behind this, 1 … 16 bytes; empty: anywhere. A record, which is what lies between two of
    /// them, is never cut: where one is longer than a chunk should be, the chunk is as long as the record.
    public var delimiter: [UInt8] = []
    /// `client_shards`: whether the payload begins with the header of ``ClientShards``, which says where to cut.
    public var clientShards = false
    /// `aggregation`: the processor that joins the results; nil: concatenation in order.
    public var aggregation: String?

    /// A type with the defaults.
    public init(name: String) { self.name = name }

    /// The first setting that is out of its range.
    public func validate(within settings: SplittingSettings) throws(SettingsError) {
        try SettingsError.check("request type's name in bytes", name.utf8.count, 1...LinkFrame.maximumName)
        let most = maximumChunks ?? settings.maximumChunks
        try SettingsError.check("max_chunks", most, 1...JobTerms.maximumTotal)
        try SettingsError.check("num_chunks", chunks ?? min(settings.chunks, most), 1...most)
        if let minimumChunkSize { try SettingsError.check("min_chunk_size", minimumChunkSize, 1...65_535) }
        if let deadline { try SettingsError.check("deadline", deadline, .milliseconds(1)...(.seconds(600))) }
        try SettingsError.check("align", alignment, 1...32_768)
        try SettingsError.check("split_at in bytes", delimiter.count, 0...16)
        if alignment > 1 && !delimiter.isEmpty {
            throw SettingsError(key: "split_at", problem: "a chunk cannot be aligned too: remove align or split_at")
        }
        if clientShards && (alignment > 1 || !delimiter.isEmpty) {
            throw SettingsError(
                key: "client_shards", problem: "the client says where to cut: remove align and split_at")
        }
    }
}
