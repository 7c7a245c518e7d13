import Tracking
import Wire

/// A fragment that was collected and is not to be any more.
struct WithdrawnFragment: Equatable {
    /// The name of the parked packet.
    var original: UInt32
    /// Where it belongs.
    var fragment: FragmentInfo
    /// Its bytes behind the IPv4 header or the IPv6 fragment header.
    var bytes: [UInt8]
}

/// An unfinished packet that is withdrawn from the collector.
struct WithdrawnPacket: Equatable {
    /// Which packet.
    var key: FragmentKey
    /// What has come of it, in offset order.
    var fragments: [WithdrawnFragment]
}

extension PayloadCollector {
    /// Takes the unfinished packets back that the caller names. What still comes of them makes them known anew.
    ///
    /// - Parameters:
    ///   - patience: Only packets are asked for that no fragment has come for in so many nanoseconds.
    ///   - isWanted: Whether the caller wants this one back.
    mutating func withdraw(
        after patience: Int64, now: Int64, _ isWanted: (FragmentKey) -> Bool
    ) -> [WithdrawnPacket] {
        var withdrawn: [WithdrawnPacket] = []
        var place = collected.oldest
        while place >= 0, let packet = packets[place], now - packet.progress > patience {
            if isWanted(packet.key) {
                leaveSource(place)
                collected.remove(place, in: &packets)
                statistics.waiting -= packet.partial.pieces.count
                statistics.bytes -= packet.partial.cost
                statistics.withdrawn += 1
                statistics.fragmentsGivenUp += UInt64(packet.partial.pieces.count)
                erase(place)
                withdrawn.append(
                    WithdrawnPacket(
                        key: packet.key, fragments: packet.partial.fragments(of: packet.key.identification)))
            }
            place = packet.newer
        }
        return withdrawn
    }
}
