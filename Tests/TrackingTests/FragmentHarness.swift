import Testing
import Wire

@testable import Tracking

/// A tracker with a clock and short ways to send fragments. When it goes, all that it lent must have come back.
final class FragmentHarness {
    let tracker: FragmentTracker
    var now: Int64 = 1_000_000_000

    static let millisecond: Int64 = 1_000_000

    init(_ limits: FragmentLimits = FragmentLimits(size: 16, buckets: 16, parked: 32)) throws {
        tracker = try FragmentTracker(limits, hashing: KeyedHash(seed: 5))
    }

    deinit {
        let limits = tracker.limits
        now += 10 * limits.ttl
        for _ in 0..<3 {
            _ = released()
            _ = dropped()
            now += 3 * limits.ttl
        }
        _ = tracker.table.expire(tracker.table.size, now: now, worker: 0, owner: tracker)
        check()
        let sum = statistics
        #expect(
            sum.active == 0 && sum.bucketsStale == 0 && sum.parked == 0 && sum.borrowed == 0 && sum.unaccounted == 0)
        #expect(tracker.table.orphans == 0)
        #expect(tracker.table.extraPool.free == Int(tracker.table.extraPool.count))
        #expect(tracker.table.entryPool.free == Int(tracker.table.entryPool.count))
        #expect(tracker.recordPool.free == Int(tracker.recordPool.count))
        #expect(tracker.ledger.total == 0 && tracker.parkedLedger.total == 0)
    }

    func key(_ id: UInt32, from host: UInt8 = 1, _ transport: UInt8 = TransportProtocol.udp) -> FragmentKey {
        FragmentKey(
            source: IPAddress(10, 0, 0, host), destination: IPAddress(192, 0, 2, 1), transport: transport,
            identification: id)
    }

    /// Sends a fragment; its token is its offset.
    @discardableResult
    func send(
        _ key: FragmentKey, _ offset: Int, _ length: Int = 1480, more: Bool = true, decision: UInt64 = 77,
        transport: UInt8 = TransportProtocol.udp, complete: Bool = true, token: UInt64?? = .none
    ) -> FragmentOutcome {
        let info = FragmentInfo(identification: 0, offset: offset, length: length, more: more)
        let arrival = FragmentArrival(
            info, transport: transport, decision: decision, headersComplete: complete,
            token: token ?? UInt64(offset))
        return tracker.track(arrival, key: key, hash: tracker.hash(key), now: now, worker: 0)
    }

    func confirm(_ name: ParkedFragment, token: UInt64) -> Bool { tracker.confirm(name, token: token) }

    func condemn(_ key: FragmentKey) -> Bool { tracker.condemn(key, now: now, worker: 0) }

    func hold(_ key: FragmentKey) -> UInt32? { tracker.table.hold(key, now: now, worker: 0, owner: tracker) }

    func letGo(_ entry: UInt32) { tracker.table.letGo(entry, 0) }

    func released() -> [ReleasedFragment] {
        var all: [ReleasedFragment] = []
        var buffer = [ReleasedFragment](repeating: ReleasedFragment(), count: 3)
        while true {
            var span = buffer.mutableSpan
            let count = tracker.takeReleased(into: &span, now: now, worker: 0)
            if count == 0 { return all }
            all += buffer[..<count]
        }
    }

    func dropped() -> [DroppedFragment] {
        var all: [DroppedFragment] = []
        var buffer = [DroppedFragment](repeating: DroppedFragment(), count: 3)
        while true {
            var span = buffer.mutableSpan
            let count = tracker.takeDropped(into: &span, now: now, worker: 0)
            if count == 0 { return all }
            all += buffer[..<count]
        }
    }

    var statistics: FragmentStatistics { tracker.statistics(now: now) }

    /// All is as it should be, and the sum of what became of packets is the number of packets.
    func check(_ location: SourceLocation = #_sourceLocation) {
        #expect(tracker._checkInvariants() == nil, sourceLocation: location)
        let sum = statistics
        let fates = sum.rejected + UInt64(sum.active) + sum.objGC + sum.reassembled + sum.evicted
        #expect(sum.inserts == fates, sourceLocation: location)
        let parkedFates = sum.released + sum.discarded + sum.lost + UInt64(sum.parked)
        #expect(sum.stored == parkedFates, sourceLocation: location)
    }
}
