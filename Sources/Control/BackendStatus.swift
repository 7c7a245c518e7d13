import Configuration

/// A backend as it stands: what the file says, what an operator changed at run time, what its checks say.
public struct BackendStatus: Sendable {
    /// Pool and name.
    public let key: BackendKey
    /// The file's entry.
    public let configuration: BackendConfiguration
    /// State now.
    public let state: BackendConfiguration.State
    /// Weight now, health and state left aside.
    public let weight: UInt32
    /// False when its checks say it is dead. True without checks.
    public let healthy: Bool
    /// Whether state or weight were changed at run time.
    public let overridden: Bool
    /// Slots of the pool's table that are its own.
    public let slots: Int
    /// Where its packets are counted.
    public let counterSlot: Int

    /// The weight its table is built with.
    public var effectiveWeight: UInt32 { state == .active && healthy ? weight : 0 }
    /// Whether flows that are pinned to it stay.
    public var keepsFlows: Bool { state != .inactive && healthy }
    /// Whether it takes new shards.
    public var isUp: Bool { effectiveWeight > 0 }

    /// Why it takes shards or not, in a word.
    public var condition: String {
        switch state {
        case .draining: "draining"
        case .inactive: "inactive"
        case .active: !healthy ? "down" : weight == 0 ? "weight 0" : "up"
        }
    }
}
