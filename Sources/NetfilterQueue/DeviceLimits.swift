import CLinuxShims

/// The longest packets that devices carry, looked up when a long one comes.
///
/// A packet longer than its device carries, and not an aggregate, has been put together from fragments by the kernel:
/// connection tracking does so.
struct DeviceLimits {
    /// No device carries less (RFC 894); most carry just this.
    static let ordinary = 1500

    private var device: UInt32 = 0
    private var limit = Int.max
    private var until: Int64 = .min

    /// How long an answer is good for, in nanoseconds.
    private static let lifetime: Int64 = 1_000_000_000

    /// Whether a packet was longer than `ordinary` because the kernel joined its fragments.
    mutating func isJoined(_ packet: PacketMessage, now: Int64) -> Bool {
        if packet.device != device || now >= until {
            device = packet.device
            until = now &+ Self.lifetime
            let mtu = Int(ab_device_mtu(packet.device))
            limit = mtu > 0 ? mtu : .max
        }
        return packet.wireLength > limit
    }
}
