import Tracking
import Wire

@testable import Splitter

/// A fragment as a test makes it.
struct TestFragment: Hashable {
    var info: FragmentInfo
    var bytes: [UInt8]
    var original: UInt32

    init(_ offset: Int, _ bytes: [UInt8], more: Bool, original: UInt32) {
        info = FragmentInfo(identification: 1, offset: offset, length: bytes.count, more: more)
        self.bytes = bytes
        self.original = original
    }

    /// `length` bytes of a fixed pattern, so that copies are equal and shifted ones are not.
    init(_ offset: Int, length: Int, more: Bool, original: UInt32) {
        self.init(offset, pattern(offset..<offset + length), more: more, original: original)
    }
}

func pattern(_ range: Range<Int>) -> [UInt8] { range.map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

/// Cuts a payload as a sender does; originals are numbered from `first` on.
func fragments(of payload: [UInt8], every size: Int, first: UInt32 = 0) -> [TestFragment] {
    stride(from: 0, to: payload.count, by: size).enumerated().map { index, offset in
        let end = min(offset + size, payload.count)
        return TestFragment(
            offset, Array(payload[offset..<end]), more: end < payload.count, original: first + UInt32(index))
    }
}

func key(_ number: Int, from source: IPAddress = IPAddress(192, 0, 2, 1)) -> FragmentKey {
    let destination = source.family == .ipv4 ? IPAddress(10, 0, 0, 1) : IPAddress("fd00::1")!
    return FragmentKey(source: source, destination: destination, transport: 17, identification: UInt32(number))
}

func source(_ number: Int) -> IPAddress { IPAddress(10, 1, UInt8(number >> 8), UInt8(number & 0xFF)) }

/// A collector that expectations can look into: they cannot hold a value that is not copied.
final class Collector {
    private var its: PayloadCollector

    init(_ limits: CollectorLimits = CollectorLimits()) { its = PayloadCollector(limits) }

    func add(_ key: FragmentKey, _ fragment: TestFragment, now: Int64 = 0) -> CollectedFragment {
        unsafe its.add(
            key, fragment.info, payload: fragment.bytes.span.bytes, original: fragment.original,
            wireLength: fragment.bytes.count + 20, now: now)
    }

    func refuse(_ key: FragmentKey, now: Int64) -> Bool { its.refuse(key, now: now) }
    func condemn(_ key: FragmentKey, now: Int64) -> [UInt32] { its.condemn(key, now: now) }
    func expire(now: Int64) { its.expire(now: now) }
    func takeGivenUp() -> [GivenUpPacket] { its.takeGivenUp() }
    func withdraw(after patience: Int64, now: Int64, _ isWanted: (FragmentKey) -> Bool) -> [WithdrawnPacket] {
        its.withdraw(after: patience, now: now, isWanted)
    }
    func giveUpAll() { its.giveUpAll() }
    var nextExpiry: Int64? { its.nextExpiry }
    var statistics: CollectorStatistics { its.statistics }

    /// What holds after every call.
    func isConsistent() -> Bool {
        let statistics = its.statistics
        let known = its.packets.compactMap { $0 }
        let live = known.filter { $0.fate == .collecting }
        let bytes = known.reduce(0) { $0 + $1.partial.cost + PayloadCollector.packetCost }
        let weights = its.sources.compactMap { $0 }
        let ended =
            statistics.fragmentsOfWhole + statistics.duplicates + statistics.fragmentsPoisoned
            + statistics.fragmentsRefused + statistics.fragmentsGivenUp
        return bytes == statistics.bytes && bytes <= its.limits.bytes && known.count == statistics.packets
            && known.count <= its.limits.packets && known.count == its.places.count && live.count == its.collected.count
            && known.count - live.count == its.remembered.count && weights.count == its.sourcePlaces.count
            && weights.reduce(0) { $0 + $1.packets } == live.count
            && weights.reduce(0) { $0 + $1.bytes }
                == live.reduce(0) { $0 + $1.partial.cost + PayloadCollector.packetCost }
            && statistics.waiting == live.reduce(0) { $0 + $1.partial.pieces.count }
            && statistics.fragments == ended + UInt64(statistics.waiting)
    }

    /// Nothing is held any more.
    var isEmpty: Bool {
        statistics.bytes == 0 && statistics.packets == 0 && statistics.waiting == 0 && its.byBytes.isEmpty
            && its.byPackets.isEmpty && nextExpiry == nil
    }
}

/// Every order of so many things.
func permutations(_ count: Int) -> [[Int]] {
    if count == 0 { return [[]] }
    return permutations(count - 1).flatMap { shorter in
        (0...shorter.count).map { place in
            var longer = shorter
            longer.insert(count - 1, at: place)
            return longer
        }
    }
}

/// What the rules come to for one packet, by definition: every fragment is compared with every other.
struct CollectorModel {
    var accepted: [TestFragment] = []

    enum Judgement: Equatable {
        case kept
        case whole([UInt8], [UInt32])
        case duplicate
        case fault(FragmentFault)
    }

    mutating func add(_ fragment: TestFragment) -> Judgement {
        let info = fragment.info
        if info.length == 0 { return .fault(.empty) }
        if info.more && info.length % 8 != 0 { return .fault(.unalignedLength) }
        if info.end > 65_515 { return .fault(.tooLong) }
        if info.offset == 0 && info.length < 8 { return .fault(.tinyFirst) }
        if accepted.contains(where: { $0.info == info && $0.bytes == fragment.bytes }) { return .duplicate }
        for other in accepted {
            let last = other.info.more ? nil : other.info
            if let last, info.end > last.end || info.more && info.end == last.end || !info.more && info.end != last.end
            {
                return .fault(.contradictoryLength)
            }
        }
        if !info.more, accepted.contains(where: { $0.info.end > info.end }) { return .fault(.contradictoryLength) }
        if accepted.contains(where: { $0.info.offset < info.end && info.offset < $0.info.end }) {
            return .fault(.overlap)
        }
        accepted.append(fragment)
        let ordered = accepted.sorted { $0.info.offset < $1.info.offset }
        guard let last = ordered.last, !last.info.more else { return .kept }
        let bytes = ordered.flatMap(\.bytes)
        return bytes.count == last.info.end ? .whole(bytes, ordered.map(\.original)) : .kept
    }
}

/// A fixed sequence of random numbers (SplitMix64).
struct FixedRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
