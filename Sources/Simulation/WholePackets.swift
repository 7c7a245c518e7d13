import Tracking
import Wire

/// Honest packets of three fragments, some out of order, and a flood of hostile ones between them.
struct WholePackets {
    private static var fragments: Int { 3 }
    private static var fragmentLength: Int { 1480 }
    /// Between two fragments of one packet, in nanoseconds.
    private static var gap: Int64 { 1_000_000 }

    private let options: FragmentSimulation.Options
    private let keys: PacketSource
    private let orders = [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    private var random: SplitMix
    private(set) var now: Int64 = 0
    private var released = [ReleasedFragment](repeating: ReleasedFragment(), count: 64)
    private var dropped = [DroppedFragment](repeating: DroppedFragment(), count: 64)

    init(_ options: FragmentSimulation.Options) {
        self.options = options
        let distance = 4 * options.rate * Double(options.limits.ttl) * 1e-9
        keys = PacketSource(
            order: options.randomKeys ? .random : .sequential(hosts: PacketSource.hosts(distance: distance)),
            seed: options.seed)
        random = SplitMix(state: options.seed &+ 77)
    }

    /// Events of one kind at their times.
    private struct Stream {
        var clock: VirtualClock
        let delay: Int64
        var number: UInt64 = 0

        var time: Int64 { clock.now + delay }

        mutating func advance() {
            clock.advance()
            number += 1
        }
    }

    /// Runs to the end, until the time of the last packet is over.
    mutating func run(
        _ tracker: borrowing FragmentTracker, progress: (Double) -> Void
    ) -> (sent: UInt64, whole: UInt64) {
        let total = UInt64(options.rate * options.duration)
        let end = Int64(options.duration * 1e9)
        // The nth fragments of all packets are one stream: they come in the packets' order.
        var honest = (0..<Self.fragments).map { place in
            Stream(
                clock: VirtualClock(rate: options.rate, arrivals: options.arrivals, seed: options.seed),
                delay: Int64(place) * Self.gap)
        }
        var flood = Stream(
            clock: VirtualClock(rate: max(options.flood, 1e-6), arrivals: options.arrivals, seed: options.seed &+ 1),
            delay: 0)
        var reported: Int64 = 0
        while honest[Self.fragments - 1].number < total {
            var next = 0
            for place in 1..<Self.fragments where honest[place].time < honest[next].time { next = place }
            if options.flood > 0, flood.time < honest[next].time {
                now = flood.time
                attack(tracker, flood.number)
                flood.advance()
            } else {
                now = honest[next].time
                let packet = honest[next].number
                if packet < total { send(tracker, packet, fragment: fragment(packet, at: next)) }
                honest[next].advance()
            }
            take(tracker)
            if now - reported > end / 100 {
                reported = now
                progress(min(1, Double(now) / Double(end)))
            }
        }
        let whole = tracker.statistics(now: now).reassembled
        for _ in 0..<4 {
            now += options.limits.ttl
            while take(tracker) > 0 {}
        }
        return (total, whole)
    }

    /// Which fragment of a packet comes at a place in its order.
    private func fragment(_ packet: UInt64, at place: Int) -> Int {
        var dice = SplitMix(state: options.seed ^ packet &* 0x9E6C_63D0_876A_68EF)
        let isReordered = Double(dice.next() >> 11) * 0x1p-53 * 100 < options.reorder
        return isReordered ? orders[Int(dice.next() % UInt64(orders.count))][place] : place
    }

    private func send(_ tracker: borrowing FragmentTracker, _ packet: UInt64, fragment: Int) {
        let key = keys.key(packet)
        let info = FragmentInfo(
            identification: 0, offset: fragment * Self.fragmentLength, length: Self.fragmentLength,
            more: fragment + 1 < Self.fragments)
        let arrival = FragmentArrival(
            info, transport: TransportProtocol.udp, decision: packet, token: packet * 4 + UInt64(fragment))
        _ = tracker.track(arrival, key: key, hash: tracker.hash(key), now: now, worker: 0)
    }

    /// One hostile packet: half of them begin and never end, the others have no beginning, overlap, or are empty.
    private mutating func attack(_ tracker: borrowing FragmentTracker, _ number: UInt64) {
        let bits = random.next()
        let host =
            options.floodSources == 0
            ? UInt32(truncatingIfNeeded: bits >> 32)
            : 0xC612_0000 + UInt32(truncatingIfNeeded: number % UInt64(options.floodSources))
        let key = FragmentKey(
            source: IPAddress(ipv4: host.bigEndian), destination: keys.destination, transport: TransportProtocol.udp,
            identification: UInt32(truncatingIfNeeded: bits & 0xFFFF))
        let hash = tracker.hash(key)
        let now = now
        func send(_ offset: Int, _ length: Int, _ tracker: borrowing FragmentTracker) {
            let info = FragmentInfo(identification: 0, offset: offset, length: length, more: true)
            let arrival = FragmentArrival(info, transport: TransportProtocol.udp, token: number)
            _ = tracker.track(arrival, key: key, hash: hash, now: now, worker: 0)
        }
        switch (number >> 4) & 7 {
        case 0, 1, 2, 3: send(0, 1480, tracker)
        case 4, 5: send(1480 * Int(1 + (bits >> 16 & 31)), 1480, tracker)
        case 6:
            send(0, 1480, tracker)
            send(8, 1480, tracker)
        default: send(0, 0, tracker)
        }
    }

    /// Takes what the tracker hands over; gives the number of fragments.
    @discardableResult
    private mutating func take(_ tracker: borrowing FragmentTracker) -> Int {
        let now = now
        var releasedSpan = released.mutableSpan
        let count = tracker.takeReleased(into: &releasedSpan, now: now, worker: 0)
        var droppedSpan = dropped.mutableSpan
        return count + tracker.takeDropped(into: &droppedSpan, now: now, worker: 0)
    }
}
