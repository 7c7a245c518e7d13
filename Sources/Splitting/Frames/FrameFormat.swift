/// What a frame holds. The numbers are the format's; messages have those below 64, the handshake the others.
public enum FrameKind: UInt8, CaseIterable, Sendable {
    case opening = 1
    case chunk = 2
    case result = 3
    case demand = 4
    case answer = 5
    case settled = 6
    case load = 7
    case probe = 8
    case echo = 9
    case overdue = 10
    /// Handshake: who a side is, and its nonce.
    case hello = 64
    /// Handshake: that a side has the key.
    case proof = 65
    /// Handshake: why the connection ends.
    case refusal = 66

    /// Whether it belongs to the handshake and not to a link that is up.
    public var isHandshake: Bool { rawValue >= 64 }
}

/// The layout of frames, and its limits. All numbers are in network byte order.
public enum LinkFrame {
    /// Bytes before the body: magic (4), version (1), kind (1), flags (2), length of the body (4).
    public static var headerLength: Int { 12 }
    /// The first four bytes of each frame: "ABLK".
    public static var magic: UInt32 { 0x4142_4C4B }
    /// The version spoken here.
    public static var version: UInt8 { 1 }

    /// The longest name of a node, a request type or a processor, in bytes.
    public static var maximumName: Int { 63 }
    /// The most chunks a job has.
    public static var maximumChunks: Int { 1024 }
    /// The most nodes that hold a chunk.
    public static var maximumHolders: Int { 16 }
    /// The most nodes that are named in a demand as tried: all copies and all retries fit.
    public static var maximumTried: Int { 64 }
    /// The most request types in a load report.
    public static var maximumTypes: Int { 64 }
    /// The longest payload of a chunk: that of the largest IP packet.
    public static var maximumChunk: Int { 65_535 }
    /// The longest result of a chunk, and the longest answer.
    public static var maximumResult: Int { 16 << 20 }
    /// The longest body of a handshake frame: with the header 512 bytes.
    public static var maximumHandshake: Int { 500 }

    /// The longest body of each kind; a header that promises more is refused before any of it is stored.
    public static func maximumBody(of kind: FrameKind) -> Int {
        let name = 1 + maximumName
        let terms = 16 + name + 2 + 2 * 19 + 4 + 1
        let checksum = 1 + ChecksumAlgorithm.maximumLength
        switch kind {
        case .opening:
            return terms + 1 + 2 + maximumChunks * (1 + maximumHolders * name) + 1 + 1 + 4 + 1 + 1 + name + 4 + 2 + 4
        case .chunk: return terms + 2 + 1 + 1 + name + checksum + 4 + maximumChunk
        case .result: return 16 + 2 + 1 + 1 + 4 + 4 + checksum + 4 + maximumResult
        case .demand: return 16 + 2 + 1 + 1 + maximumTried * name
        case .overdue: return 16 + 2 + maximumChunks * (2 + 1 + maximumHolders * name)
        case .answer: return 16 + 1 + checksum + 2 + maximumChunks * (name + 4 + 4 + 4 + 1) + 4 + maximumResult
        case .settled: return 16
        case .load: return 2 + 2 + 2 + 4 + 4 + 4 + 1 + maximumTypes * (name + 4 + 4)
        case .probe, .echo: return 8
        case .hello, .proof, .refusal: return maximumHandshake
        }
    }
}
