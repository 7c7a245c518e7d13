/// The frames of the control protocol: a length of 4 bytes, big-endian, then that many bytes of JSON (RFC 8259).
///
/// A request is `{"version": 1, "command": ["show", "status"], "arguments": {…}}`. Its answer is
/// `{"ok": true, "data": …}` or `{"ok": false, "error": {"code": "unknown_backend", "message": "…"}}`. A connection
/// carries any number of requests, one after the other. A frame that breaks a limit is answered with an error and ends
/// the connection, because nothing tells where the next one begins.
public enum Frame {
    /// Bytes of the length field.
    public static var headerLength: Int { 4 }
    /// The longest request: far above any command, far below what could hurt.
    public static var maximumRequest: Int { 64 << 10 }
    /// The longest answer: tables of 65,535 backends fit.
    public static var maximumAnswer: Int { 64 << 20 }

    /// The frame that carries a text.
    public static func encode(_ body: [UInt8]) -> [UInt8] {
        let length = UInt32(body.count)
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + body
    }
}

/// Why bytes are no frame.
public enum FrameError: Error, Equatable, Sendable {
    /// The length is 0.
    case empty
    /// The length is above the limit.
    case tooLong(length: Int, limit: Int)
}

/// Cuts a stream of bytes into frames. Holds at most one frame and what came behind it.
public struct FrameDecoder: Sendable {
    private let limit: Int
    private var bytes: [UInt8] = []

    /// - Parameter limit: the longest frame body that is taken, in bytes.
    public init(limit: Int) { self.limit = limit }

    /// Whether a frame has begun that is not complete.
    public var isInside: Bool { !bytes.isEmpty }

    /// Takes in what was read.
    public mutating func append(_ more: some Collection<UInt8>) { bytes += more }

    /// The next whole frame's body, or nil while bytes are missing.
    ///
    /// - Throws: `FrameError` as soon as the length is known to be bad; the stream is of no use from there on.
    public mutating func next() throws(FrameError) -> [UInt8]? {
        guard bytes.count >= Frame.headerLength else { return nil }
        let length = bytes[..<Frame.headerLength].reduce(0) { $0 << 8 | Int($1) }
        if length == 0 { throw .empty }
        if length > limit { throw .tooLong(length: length, limit: limit) }
        guard bytes.count >= Frame.headerLength + length else { return nil }
        let body = Array(bytes[Frame.headerLength..<Frame.headerLength + length])
        bytes.removeFirst(Frame.headerLength + length)
        return body
    }
}
