/// What finally happened to a packet. Every packet taken from a queue ends in exactly one outcome, and the sum of
/// the outcomes equals the packets received.
public enum Outcome: UInt8, CaseIterable, Sendable {
    /// Marked for the backend that its shard's slot names.
    case forwarded = 0
    /// A fragment, marked as the first of its packet was, at once or after it had waited for that one.
    case forwardedFragment
    /// An ICMP error, marked for the backend of the flow that the inner packet belongs to.
    case forwardedError
    /// No service matched; the configured policy `on_no_service` was carried out.
    case noService
    /// A service matched, but its pool has no backend that takes shards; `on_no_backend` was carried out.
    case noBackend
    /// The packet breaks a rule of its protocol (the reason is counted beside); `on_malformed` was carried out.
    case malformed
    /// The headers reach beyond the part that the kernel copied; `on_malformed` was carried out.
    case unreadable
    /// A fragment, marked for the load balancer that its packet's fragments are brought together on.
    case forwardedPeer
    /// An exact copy of a fragment that has passed: dropped, and its packet not harmed.
    case fragmentDuplicate
    /// A fragment of a packet that must not be, or that did not become whole in time: dropped (the reason is counted
    /// beside).
    case fragmentRejected
    /// A fragment of a packet that there was no room to follow: dropped.
    case fragmentNoRoom
    /// Its payload was split over the nodes, and the client has the answer: dropped.
    case splitAnswered
    /// Its payload was split over the nodes without an answer, and the configuration says `on_failure: drop`.
    case splitDropped
    /// A fragment that was parked and never seen again: the kernel had no room for it, or dropped it with its device.
    case fragmentLost

    /// The name in metrics, tables and `replay`: stable, `snake_case`.
    public var name: String {
        switch self {
        case .forwarded: "forwarded"
        case .forwardedFragment: "forwarded_fragment"
        case .forwardedError: "forwarded_icmp_error"
        case .noService: "no_service"
        case .noBackend: "no_backend"
        case .malformed: "malformed"
        case .unreadable: "unreadable"
        case .forwardedPeer: "forwarded_peer"
        case .fragmentDuplicate: "fragment_duplicate"
        case .fragmentRejected: "fragment_rejected"
        case .fragmentNoRoom: "fragment_no_room"
        case .splitAnswered: "split_answered"
        case .splitDropped: "split_dropped"
        case .fragmentLost: "fragment_lost"
        }
    }
}
