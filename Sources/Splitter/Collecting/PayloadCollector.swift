import Tracking
import Wire

/// Collects the fragments of flagged packets while the originals are parked in the kernel.
///
/// A packet is whole when nothing is missing (RFC 815). Copies are told apart from overlaps byte for byte; overlaps,
/// contradictory lengths and what else no sender makes poison the packet (RFC 1858, 5722, 8200 §4.5). Memory is bounded:
/// when it runs short the source that holds most gives up its oldest packet, so a flood starves itself. A packet that was
/// refused or poisoned is remembered for a ttl, so that its last fragments fare as the first ones did.
///
/// For one thread. Time is an argument, in nanoseconds of a clock that never goes back.
///
/// ```
/// switch collector.add(key, info, payload: bytes, original: name, wireLength: length, now: now) { … }
/// for packet in collector.takeGivenUp() { … }       // after add and expire
/// ```
public struct PayloadCollector: ~Copyable {
    /// How a known packet's fragments fare.
    enum Fate: Equatable {
        case collecting
        case refused
        case poisoned(FragmentFault)
    }

    /// One known packet, and its neighbours in two lists: of all that are collected, or of all that are remembered, by
    /// their last progress; and of its source by their age.
    struct Packet {
        var key: FragmentKey
        var fate = Fate.collecting
        var partial = PartialPayload()
        var source: Int
        /// Counts packets: lower is older.
        var age: UInt64
        var began: Int64
        var progress: Int64
        var older = -1, newer = -1
        var sourceOlder = -1, sourceNewer = -1
    }

    /// One source of packets that are collected.
    struct Source {
        var name: FragmentSource
        var packets = 0
        var bytes = 0
        var oldest = -1, newest = -1
    }

    /// The ends of a list of packets.
    struct Chain {
        var oldest = -1, newest = -1
        var count = 0

        mutating func append(_ place: Int, in packets: inout [Packet?]) {
            packets[place]!.older = newest
            packets[place]!.newer = -1
            if newest >= 0 { packets[newest]!.newer = place } else { oldest = place }
            newest = place
            count += 1
        }

        mutating func remove(_ place: Int, in packets: inout [Packet?]) {
            let (older, newer) = (packets[place]!.older, packets[place]!.newer)
            if older >= 0 { packets[older]!.newer = newer } else { oldest = newer }
            if newer >= 0 { packets[newer]!.older = older } else { newest = older }
            count -= 1
        }
    }

    /// What one packet costs beside its payload: its record, its places in the tables, and its source's.
    static var packetCost: Int {
        2 * (MemoryLayout<Packet?>.stride + MemoryLayout<Source?>.stride)
            + 4
            * (MemoryLayout<FragmentKey>.stride + MemoryLayout<FragmentSource>.stride + 8 * MemoryLayout<Int>.stride)
    }

    /// The limits it was made with.
    public let limits: CollectorLimits
    /// What was done, and what is held.
    public internal(set) var statistics = CollectorStatistics()
    var packets: [Packet?] = []
    var freePackets: [Int] = []
    var places: [FragmentKey: Int] = [:]
    var sources: [Source?] = []
    var freeSources: [Int] = []
    var sourcePlaces: [FragmentSource: Int] = [:]
    var byBytes = SourceHeap()
    var byPackets = SourceHeap()
    /// Packets that are collected, and those that are only remembered, each by their last progress.
    var collected = Chain(), remembered = Chain()
    var nextAge: UInt64 = 0
    var clock: Int64 = 0
    var givenUp: [GivenUpPacket] = []

    /// An empty collector. The limits must be good (``CollectorLimits/fault``).
    public init(_ limits: CollectorLimits = CollectorLimits()) {
        precondition(limits.fault == nil, limits.fault ?? "")
        self.limits = limits
    }

    /// Takes one fragment.
    ///
    /// - Parameters:
    ///   - key: which packet it is of.
    ///   - fragment: where it belongs; its `length` is the payload's. An atomic fragment is none (RFC 6946).
    ///   - payload: its bytes behind the IPv4 header or the IPv6 fragment header: in a first fragment the transport
    ///     header, and before it, in IPv6, whatever extension headers were cut along.
    ///   - original: the name of the parked packet; the collector does not look into it.
    ///   - wireLength: the fragment's bytes, IP header included.
    public mutating func add(
        _ key: FragmentKey, _ fragment: FragmentInfo, payload: borrowing RawSpan, original: UInt32, wireLength: Int,
        now: Int64
    ) -> CollectedFragment {
        precondition(fragment.length == payload.byteCount, "the fragment is not there in full")
        expire(now: now)
        statistics.fragments += 1
        defer { statistics.peakBytes = max(statistics.peakBytes, statistics.bytes) }
        if let place = places[key] {
            switch packets[place]!.fate {
            case .collecting: break
            case .refused:
                statistics.fragmentsRefused += 1
                return .refused
            case .poisoned(let fault):
                statistics.fragmentsPoisoned += 1
                return .poisoned(fault, originals: [original])
            }
        }
        let place = places[key] ?? enter(key)
        if let fault = PartialPayload.violation(fragment, isIPv4: key.isIPv4) {
            return poison(place, fault, original, fragment)
        }
        switch packets[place]!.partial.judge(fragment, payload) {
        case .duplicate:
            statistics.duplicates += 1
            return .duplicate
        case .fault(let fault):
            return poison(place, fault, original, fragment)
        case .new(let index):
            guard packets[place]!.partial.pieces.count < limits.fragments,
                makeRoom(for: packets[place]!.partial.growth(fragment.length), keeping: place)
            else {
                refuse(place)
                statistics.fragmentsRefused += 1
                return .refused
            }
            let before = packets[place]!.partial.cost
            packets[place]!.partial.keep(fragment, payload, at: index, original: original, wireLength: wireLength)
            charge(place, packets[place]!.partial.cost - before)
            statistics.waiting += 1
            if packets[place]!.partial.isWhole { return finish(place) }
            progress(place)
            return .kept
        }
    }

    /// Gives up the packets that no fragment came for within the ttl.
    public mutating func expire(now: Int64) {
        clock = now
        while collected.oldest >= 0, now - packets[collected.oldest]!.progress > limits.ttl {
            giveUp(collected.oldest, .expired)
        }
        while remembered.oldest >= 0, now - packets[remembered.oldest]!.progress > limits.ttl {
            forget(remembered.oldest)
        }
    }

    /// When ``expire(now:)`` has something to do next, in the clock's nanoseconds; nil if nothing is known.
    public var nextExpiry: Int64? {
        let times = [collected.oldest, remembered.oldest].compactMap { $0 < 0 ? nil : packets[$0]!.progress }
        return times.min().map { $0 + limits.ttl + 1 }
    }

    /// The packets that were given up since the last call. Nothing is lost if it is called late.
    public mutating func takeGivenUp() -> [GivenUpPacket] {
        let taken = givenUp
        givenUp = []
        return taken
    }

    /// Refuses a packet from outside, for want of room for its originals: what has come is given up, and what still
    /// comes is refused for a ttl.
    ///
    /// - Returns: False if it had been refused or poisoned before.
    @discardableResult
    public mutating func refuse(_ key: FragmentKey, now: Int64) -> Bool {
        expire(now: now)
        let place = places[key] ?? enter(key)
        guard packets[place]!.fate == .collecting else { return false }
        refuse(place)
        return true
    }

    /// Poisons a packet for a reason that the collector cannot see: one of its fragments cannot be read. Does nothing if
    /// nothing of it is collected.
    ///
    /// - Returns: The originals that are to be dropped, in offset order.
    public mutating func condemn(_ key: FragmentKey, now: Int64) -> [UInt32] {
        expire(now: now)
        guard let place = places[key], packets[place]!.fate == .collecting else { return [] }
        let originals = empty(place, .poisoned(.condemned))
        statistics.faults[Int(FragmentFault.condemned.rawValue)] += 1
        statistics.fragmentsPoisoned += UInt64(originals.count)
        return originals
    }

    /// Gives up everything, when the collector is to end.
    public mutating func giveUpAll() {
        while collected.oldest >= 0 { giveUp(collected.oldest, .ended) }
        while remembered.oldest >= 0 { forget(remembered.oldest) }
    }

    // MARK: Ends of a packet

    private mutating func finish(_ place: Int) -> CollectedFragment {
        let packet = packets[place]!
        statistics.waiting -= packet.partial.pieces.count
        statistics.whole += 1
        statistics.fragmentsOfWhole += UInt64(packet.partial.pieces.count)
        leaveSource(place)
        collected.remove(place, in: &packets)
        statistics.bytes -= packet.partial.cost
        erase(place)
        let originals = packet.partial.originals
        let wireLength = packet.partial.wireLength
        return .whole(
            CollectedPayload(
                bytes: packet.partial.payload(), originals: originals, wireLength: wireLength, began: packet.began))
    }

    private mutating func poison(
        _ place: Int, _ fault: FragmentFault, _ original: UInt32, _ fragment: FragmentInfo
    ) -> CollectedFragment {
        let originals = insert(original, fragment, into: place, .poisoned(fault))
        statistics.faults[Int(fault.rawValue)] += 1
        statistics.fragmentsPoisoned += UInt64(originals.count)
        return .poisoned(fault, originals: originals)
    }

    /// Ends the collecting of a packet for want of room.
    private mutating func refuse(_ place: Int) {
        let packet = packets[place]!
        let originals = empty(place, .refused)
        statistics.refused += 1
        statistics.fragmentsRefused += UInt64(originals.count)
        givenUp.append(GivenUpPacket(packet, .refused))
    }

    /// Ends the collecting of a packet; gives its originals and one that was not kept, in offset order.
    private mutating func insert(
        _ original: UInt32, _ fragment: FragmentInfo, into place: Int, _ fate: Fate
    ) -> [UInt32] {
        let pieces = packets[place]!.partial.pieces
        var originals = empty(place, fate)
        originals.insert(original, at: pieces.firstIndex { Int($0.offset) > fragment.offset } ?? pieces.count)
        return originals
    }
}
