/// Why all fragments of a packet are dropped.
public enum FragmentFault: UInt8, CaseIterable, Sendable {
    /// Brings bytes that another fragment has brought, with other bounds (RFC 5722, RFC 8200 §4.5).
    case overlap
    /// Two fragments disagree on how long the packet is, or one lies beyond its end.
    case contradictoryLength
    /// The packet would be longer than an IP packet can be, 65,535 bytes ("ping of death").
    case tooLong
    /// Not the last fragment, and its length is not a multiple of 8 (RFC 791, RFC 8200 §4.5).
    case unalignedLength
    /// Brings no bytes.
    case empty
    /// A first fragment too small for the ports and flags that filters go by, or a second one that would overwrite
    /// them (RFC 1858, RFC 3128).
    case tinyFirst
    /// A first fragment without its whole header chain (RFC 7112, RFC 8200 §4.5).
    case incompleteHeaders
    /// More gaps between its fragments than fragments of 256 bytes can leave.
    case tooManyHoles
    /// More fragments arrived before the first than one packet may park.
    case tooManyParked
    /// No record was free to park a fragment, or to note one more gap; the packet cannot become whole any more.
    case noRecord
    /// The first fragment did not come within the ttl.
    case expired
    /// Given up, because its source had the most unfinished packets when room ran short.
    case evicted
    /// The caller said so.
    case condemned

    /// The name used in statistics, `snake_case`.
    public var name: String {
        switch self {
        case .overlap: "overlap"
        case .contradictoryLength: "contradictory_length"
        case .tooLong: "too_long"
        case .unalignedLength: "unaligned_length"
        case .empty: "empty"
        case .tinyFirst: "tiny_first"
        case .incompleteHeaders: "incomplete_headers"
        case .tooManyHoles: "too_many_holes"
        case .tooManyParked: "too_many_parked"
        case .noRecord: "no_record"
        case .expired: "expired"
        case .evicted: "evicted"
        case .condemned: "condemned"
        }
    }
}
