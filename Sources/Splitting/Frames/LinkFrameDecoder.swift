/// Cuts a stream of bytes into frames and reads the messages in them.
///
/// Bytes come in pieces of any size. A frame's header is judged as soon as its twelve bytes are there, so nothing is
/// ever stored or allocated for a frame that is refused. Holds at most one frame and what came behind it in the last
/// piece; the memory behind it is at most twice that.
public struct LinkFrameDecoder: Sendable {
    /// The longest body that is taken, whatever the kind: small before the handshake is done.
    public var limit: Int
    private var bytes: [UInt8] = []
    private var start = 0

    /// Above this much memory, a decoder that has nothing left to hold gives it back.
    private static var keptMemory: Int { 256 << 10 }

    /// A decoder at the beginning of a stream.
    public init(limit: Int = .max) { self.limit = limit }

    /// Bytes that wait for the rest of their frame.
    public var pending: Int { bytes.count - start }

    /// Takes in what was read.
    public mutating func append(_ more: some Collection<UInt8>) {
        makeRoom()
        bytes.append(contentsOf: more)
    }

    /// Takes in what was read.
    public mutating func append(_ more: UnsafeRawBufferPointer) {
        makeRoom()
        unsafe bytes.append(contentsOf: more)
    }

    /// Moves what is left to the front when that is cheap for what it gains.
    private mutating func makeRoom() {
        if start == bytes.count {
            if bytes.capacity > Self.keptMemory { bytes = [] } else { bytes.removeAll(keepingCapacity: true) }
            start = 0
        } else if start > 65_536 && start > pending {
            bytes.removeSubrange(..<start)
            start = 0
        }
    }

    /// The next frame's header, if it is whole.
    private func header() throws(LinkError) -> (kind: FrameKind, length: Int)? {
        guard pending >= LinkFrame.headerLength else { return nil }
        var reader = FrameReader(bytes, start..<start + LinkFrame.headerLength)
        let magic = try reader.number(.version, as: UInt32.self)
        guard magic == LinkFrame.magic else { throw .notAFrame(magic: magic) }
        let version = try reader.number(.version, as: UInt8.self)
        guard version == LinkFrame.version else { throw .version(version) }
        let number = try reader.number(.version, as: UInt8.self)
        guard let kind = FrameKind(rawValue: number) else { throw .unknownKind(number) }
        let flags = try reader.number(.version, as: UInt16.self)
        guard flags == 0 else { throw .unknownFlags(flags) }
        let length = Int(try reader.number(.version, as: UInt32.self))
        let allowed = min(limit, LinkFrame.maximumBody(of: kind))
        guard length <= allowed else { throw .frameTooLong(kind, length: length, limit: allowed) }
        return (kind, length)
    }

    /// The next whole frame as it is, or nil while bytes are missing.
    ///
    /// - Throws: `LinkError` as soon as the header is known to be bad. The stream is of no use from there on.
    public mutating func nextFrame() throws(LinkError) -> (kind: FrameKind, body: FrameReader)? {
        guard let (kind, length) = try header() else { return nil }
        let body = start + LinkFrame.headerLength
        guard bytes.count >= body + length else { return nil }
        start = body + length
        return (kind, FrameReader(bytes, body..<body + length))
    }

    /// The next whole message, or nil while bytes are missing.
    ///
    /// - Throws: `LinkError`. The stream is of no use from there on.
    public mutating func nextMessage() throws(LinkError) -> LinkMessage? {
        guard let (kind, body) = try nextFrame() else { return nil }
        return try LinkMessage(kind, body)
    }
}
