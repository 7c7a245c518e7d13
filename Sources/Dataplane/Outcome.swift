/// What finally happened to a packet. Every packet taken from a queue ends in exactly one outcome, and the sum of
/// the outcomes equals the packets received.
public enum Outcome: UInt8, CaseIterable, Sendable {
    /// Marked for the backend that its shard's slot names.
    case forwarded = 0
    /// A fragment, marked by its addresses so that all fragments of a packet meet.
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
        }
    }
}
