import Splitting

/// Why a peer is refused or cut.
public enum LinkRefusal: UInt8, CaseIterable, Error, Sendable {
    /// So many connections wait for their handshake that this one, the longest waiting of its address, had to go.
    case crowded = 0
    /// The handshake took too long.
    case handshakeTimeout = 1
    /// It does not have the key.
    case wrongKey = 2
    /// It speaks another version.
    case wrongVersion = 3
    /// It plays a part that links of this kind are not made with.
    case wrongRole = 4
    /// It has this side's own name, or sent this side's own words back.
    case mirrored = 5
    /// It is not the peer that was meant.
    case unexpectedName = 6
    /// It has as many links as a peer may have.
    case tooManyLinks = 7
    /// What it sent is no frame, or no good one.
    case badFrame = 8
    /// It announced a frame that is longer than allowed.
    case frameTooLong = 9
    /// It sent a message before its handshake, or the other way round.
    case outOfPlace = 10
    /// It sent less of a frame than it must.
    case slowSender = 11
    /// It took less of what is sent to it than it must.
    case slowReceiver = 12
    /// It did not answer.
    case silent = 13
    /// TLS failed: no certificate, one of another authority, or no TLS at all.
    case tls = 14
    /// Its certificate is for another name.
    case certificateName = 15

    /// The reason in words, for the log and as a label of metrics.
    public var name: String {
        switch self {
        case .crowded: "crowded"
        case .handshakeTimeout: "handshake timeout"
        case .wrongKey: "wrong key"
        case .wrongVersion: "wrong version"
        case .wrongRole: "wrong role"
        case .mirrored: "own name or nonce sent back"
        case .unexpectedName: "unexpected name"
        case .tooManyLinks: "too many links"
        case .badFrame: "bad frame"
        case .frameTooLong: "frame too long"
        case .outOfPlace: "frame out of place"
        case .slowSender: "slow sender"
        case .slowReceiver: "slow receiver"
        case .silent: "silent"
        case .tls: "TLS"
        case .certificateName: "certificate for another name"
        }
    }

    /// What a frame that could not be read means for its sender.
    init(_ error: LinkError) {
        switch error {
        case .version: self = .wrongVersion
        case .frameTooLong: self = .frameTooLong
        case .outOfPlace: self = .outOfPlace
        default: self = .badFrame
        }
    }
}

/// How often each refusal happened.
public struct RefusalCounts: Equatable, Sendable {
    private var counts = [UInt64](repeating: 0, count: LinkRefusal.allCases.count)

    /// None.
    public init() {}

    /// How often that one happened.
    public internal(set) subscript(reason: LinkRefusal) -> UInt64 {
        get { counts[Int(reason.rawValue)] }
        set { counts[Int(reason.rawValue)] = newValue }
    }

    /// All of them.
    public var total: UInt64 { counts.reduce(0, +) }
}

/// How a connection came to its end.
public enum LinkEnd: Equatable, Sendable {
    /// This side was done with it.
    case closed
    /// The peer closed it in good order.
    case closedByPeer
    /// This side refused or cut it.
    case refused(LinkRefusal)
    /// The peer refused it and said why.
    case refusedByPeer(LinkRefusal)
    /// The network or the kernel ended it: an errno value.
    case failed(Int32)
}
