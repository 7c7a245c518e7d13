import Glibc
import Simulation
import Synchronization
import Testing
import Wire

@testable import Tracking

/// A tracker, and where the threads of a test leave word for each other.
private final class Desk: Sendable {
    let tracker: FragmentTracker
    /// The names of parked fragments, two for each packet; 0 before they are parked.
    let names: [Word]
    /// Packets whose later fragments have all been parked.
    let parked = Atomic<Int>(0)
    let faults = Atomic<Int>(0)

    final class Word: Sendable {
        let value = Atomic<UInt32>(0)
    }

    init(_ limits: FragmentLimits, packets: Int) throws {
        tracker = try FragmentTracker(limits, hashing: KeyedHash(seed: 3))
        names = (0..<2 * packets).map { _ in Word() }
    }

    func key(_ packet: Int) -> FragmentKey {
        FragmentKey(
            source: IPAddress(10, 0, 0, UInt8(packet % 7)), destination: IPAddress(192, 0, 2, 1), transport: 17,
            identification: UInt32(packet))
    }

    /// Sends fragment `place` of three.
    func send(_ packet: Int, _ place: Int, worker: Int) -> FragmentOutcome {
        let info = FragmentInfo(identification: 0, offset: place * 800, length: 800, more: place < 2)
        let arrival = FragmentArrival(info, transport: 17, decision: UInt64(packet), token: nil)
        let key = key(packet)
        return tracker.track(arrival, key: key, hash: tracker.hash(key), now: Int64(packet), worker: worker)
    }

    func wrong() { faults.add(1, ordering: .relaxed) }
}

@Suite(.serialized) struct AcrossThreadsTests {
    #if DEBUG
        static let packets = 2000
    #else
        static let packets = 50_000
    #endif

    @Test func whatOneWorkerParksAnotherReleasesAndAThirdThreadConfirms() throws {
        let limits = FragmentLimits(size: 512, buckets: 512, ttl: 1_000_000_000, parked: 256, workers: 2)
        let desk = try Desk(limits, packets: Self.packets)
        let done = Atomic<Int>(0)
        onThreads(3) { thread in
            switch thread {
            case 0:
                for packet in 0..<Self.packets {
                    // Not more packets ahead than there are records.
                    while packet - done.load(ordering: .acquiring) > 64 { sched_yield() }
                    for place in [2, 1] {
                        guard case .park(let name) = desk.send(packet, place, worker: 0) else {
                            desk.wrong()
                            continue
                        }
                        desk.names[2 * packet + place - 1].value.store(name.rawValue, ordering: .releasing)
                    }
                    desk.parked.store(packet + 1, ordering: .releasing)
                }
            case 1:
                var buffer = [ReleasedFragment](repeating: ReleasedFragment(), count: 3)
                for packet in 0..<Self.packets {
                    while desk.parked.load(ordering: .acquiring) <= packet { sched_yield() }
                    if desk.send(packet, 0, worker: 1) != .useDecision(UInt64(packet), released: true) { desk.wrong() }
                    var tokens: [UInt64] = []
                    while tokens.count < 2 {
                        var span = buffer.mutableSpan
                        let count = desk.tracker.takeReleased(into: &span, now: Int64(packet), worker: 1)
                        for place in 0..<count where buffer[place].decision != UInt64(packet) { desk.wrong() }
                        tokens += buffer[..<count].map(\.token)
                        if count == 0 { sched_yield() }
                    }
                    // The confirming thread may be between the two, so each may come first.
                    if tokens.sorted() != [UInt64(2 * packet), UInt64(2 * packet + 1)] { desk.wrong() }
                    done.store(packet + 1, ordering: .releasing)
                }
            default:
                for (token, word) in desk.names.enumerated() {
                    var name: UInt32 = 0
                    while true {
                        name = word.value.load(ordering: .acquiring)
                        if name != 0 { break }
                        sched_yield()
                    }
                    if !desk.tracker.confirm(ParkedFragment(rawValue: name), token: UInt64(token)) { desk.wrong() }
                }
            }
        }
        #expect(desk.faults.load(ordering: .relaxed) == 0)
        let sum = desk.tracker.statistics(now: Int64(Self.packets))
        #expect(sum.reassembled == UInt64(Self.packets))
        #expect(sum.stored == sum.released && sum.released == UInt64(2 * Self.packets))
        #expect(sum.parked == 0 && sum.active == 0 && sum.lost == 0)
        #expect(desk.tracker.recordPool.free == Int(desk.tracker.recordPool.count))
        #expect(desk.tracker._checkInvariants() == nil)
    }

    @Test func whatOneWorkerParksAnotherMayDropAndEitherMayExpire() throws {
        let limits = FragmentLimits(size: 64, buckets: 64, ttl: 1_000_000, parked: 64, workers: 2)
        let desk = try Desk(limits, packets: 1)
        guard case .park(let first) = desk.send(0, 1, worker: 0), case .park(let second) = desk.send(1, 1, worker: 0)
        else {
            Issue.record("not parked")
            return
        }
        let confirmed = [desk.tracker.confirm(first, token: 5), desk.tracker.confirm(second, token: 6)]
        #expect(confirmed == [true, true])
        func dropped(_ worker: Int, _ now: Int64) -> [DroppedFragment] {
            var buffer = [DroppedFragment](repeating: DroppedFragment(), count: 4)
            var span = buffer.mutableSpan
            let count = desk.tracker.takeDropped(into: &span, now: now, worker: worker)
            return Array(buffer[..<count])
        }
        // The worker that condemns a packet is given its fragments; the one that parked them, those whose time is over.
        let isCondemned = desk.tracker.condemn(desk.key(0), now: 2, worker: 1)
        #expect(isCondemned)
        #expect(dropped(0, 2).isEmpty)
        #expect(dropped(1, 2) == [DroppedFragment(token: 5, fault: .condemned)])
        #expect(dropped(1, 5_000_000).isEmpty)
        #expect(dropped(0, 5_000_000) == [DroppedFragment(token: 6, fault: .expired)])
        #expect(desk.tracker._checkInvariants() == nil)
    }
}
