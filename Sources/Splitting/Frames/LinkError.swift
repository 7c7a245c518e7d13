/// A part of a message, for errors.
public enum LinkField: String, Sendable {
    case origin, number, requestType, total, clientAddress, clientPort, virtualAddress, virtualPort, timeLeft
    case checksums, takeover, holders, holder, replication, reconciliation, retryAfter, maximumRetries, aggregation
    case hedgeAfter, hedgeBudget, overdueAfter, overdue
    case index, replica, standby, reassembly, payload, checksum, status, waited, worked, reason, tried
    case traces, node, arrived, retries, processor, memory, workers, waiting, queueSize, credit, types, microseconds
    case nanosecondsPerByte, token, version, role, name, instance, nonce, proof
}

/// Why bytes are no frame, or a message does not fit into one. Places are bytes from the beginning of the body.
public enum LinkError: Error, Equatable, Sendable {
    /// The stream does not begin with the magic number: no peer of ours, or one that has lost its place.
    case notAFrame(magic: UInt32)
    /// The peer speaks another version.
    case version(UInt8)
    /// A kind that this version does not have.
    case unknownKind(UInt8)
    /// Flags that this version does not have; it has none.
    case unknownFlags(UInt16)
    /// The header promises more than a frame of its kind may have.
    case frameTooLong(FrameKind, length: Int, limit: Int)
    /// The body ends inside the field.
    case truncated(LinkField, at: Int)
    /// The body goes on behind the message.
    case trailing(FrameKind, count: Int)
    /// A text or a run of bytes is longer than it may be.
    case tooLong(LinkField, length: Int, limit: Int, at: Int)
    /// A list has more entries than it may have.
    case tooMany(LinkField, count: Int, limit: Int, at: Int)
    /// A text that may not be empty is.
    case empty(LinkField, at: Int)
    /// A text is not UTF-8, or has control characters.
    case badText(LinkField, at: Int)
    /// A number stands for nothing, or is outside its range.
    case badValue(LinkField, value: Int, at: Int)
    /// A frame of the handshake on a link that is up, or a message before it is.
    case outOfPlace(FrameKind)
}

extension LinkError: CustomStringConvertible {
    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .notAFrame(let magic): "no frame begins with \(String(magic, radix: 16))"
        case .version(let version): "frame of version \(version); this side speaks version \(LinkFrame.version)"
        case .unknownKind(let kind): "frame of unknown kind \(kind)"
        case .unknownFlags(let flags): "frame with unknown flags \(String(flags, radix: 16))"
        case .frameTooLong(let kind, let length, let limit):
            "\(kind): a body of \(length) bytes is announced, \(limit) are allowed"
        case .truncated(let field, let place): "the body ends inside \(field), which begins at byte \(place)"
        case .trailing(let kind, let count): "\(kind): \(count) bytes behind the message"
        case .tooLong(let field, let length, let limit, let place):
            "\(field) at byte \(place) has \(length) bytes, \(limit) are allowed"
        case .tooMany(let field, let count, let limit, let place):
            "\(field) at byte \(place) has \(count) entries, \(limit) are allowed"
        case .empty(let field, let place): "\(field) at byte \(place) is empty"
        case .badText(let field, let place): "\(field) at byte \(place) is no text in UTF-8 without control characters"
        case .badValue(let field, let value, let place): "\(field) at byte \(place) is \(value), which is not allowed"
        case .outOfPlace(let kind): "\(kind) is out of place here"
        }
    }
}
