import Testing
import Wire

@testable import Tracking

/// The largest packets in the smallest fragments that senders make.
@Suite struct SmallFragmentTests {
    /// One fragment: where it begins, how long it is, whether more follow.
    private typealias Piece = (offset: Int, length: Int, more: Bool)

    /// Cuts a payload; `size` gives the length of each piece, a multiple of 8.
    private func cut(_ length: Int, _ size: () -> Int) -> [Piece] {
        var pieces: [Piece] = []
        var offset = 0
        while offset < length {
            let next = min(size(), length - offset)
            pieces.append((offset, next, offset + next < length))
            offset += next
        }
        return pieces
    }

    /// Sends all pieces in their order; every one must pass, at once or when the first has come, and nothing be left.
    private func send(_ pieces: [Piece], _ key: FragmentKey, _ harness: FragmentHarness, _ what: String) {
        var passed = 0
        for piece in pieces {
            switch harness.send(key, piece.offset, piece.length, more: piece.more) {
            case .useDecision: passed += 1
            case .park: break
            case let other: Issue.record("\(what): \(other) at \(piece.offset)")
            }
            let released = harness.released()
            #expect(released.map(\.offset) == released.map(\.offset).sorted())
            passed += released.count
        }
        if passed != pieces.count { Issue.record("\(what): \(passed) of \(pieces.count) fragments passed") }
        let sum = harness.statistics
        #expect(sum.active == 0 && sum.parked == 0 && sum.borrowed == 0 && sum.poisoned == 0)
    }

    private func ipv6Key(_ id: UInt32) -> FragmentKey {
        FragmentKey(
            source: IPAddress("2001:db8::1")!, destination: IPAddress("2001:db8::2")!, transport: 17,
            identification: id)
    }

    @Test(arguments: [256, 280, 552, 1232, 1480])
    func theLongestPacketPassesInAnyOrderOfItsFragments(size: Int) throws {
        let harness = try FragmentHarness(FragmentLimits(size: 16, buckets: 16, parked: 512))
        var random = SplitMix(state: UInt64(size))
        for round in UInt32(0)..<60 {
            var pieces = cut(65_535) { size }
            pieces.shuffle(using: &random)
            send(pieces, ipv6Key(round), harness, "round \(round)")
        }
        #expect(harness.statistics.reassembled == 60)
        harness.check()
    }

    @Test func fragmentsOfUnequalSizesPassInAnyOrder() throws {
        let harness = try FragmentHarness(FragmentLimits(size: 16, buckets: 16, parked: 512))
        var random = SplitMix(state: 4)
        for round in UInt32(0)..<60 {
            var pieces = cut(65_515) { 256 + 8 * Int(random.next() % 40) }
            pieces.shuffle(using: &random)
            send(pieces, harness.key(round), harness, "round \(round)")
        }
        #expect(harness.statistics.reassembled == 60)
        harness.check()
    }

    @Test func everySecondFragmentFirstIsTheMostGapsAPacketCanHave() throws {
        let harness = try FragmentHarness(FragmentLimits(size: 16, buckets: 16, parked: 512))
        let pieces = cut(65_535) { 256 }
        let even = pieces.indices.filter { $0 % 2 == 0 }.map { pieces[$0] }
        let odd = pieces.indices.filter { $0 % 2 == 1 }.map { pieces[$0] }
        for (round, order) in [even + odd, odd + even, even.reversed() + odd, odd + even.reversed()].enumerated() {
            send(order, ipv6Key(UInt32(round)), harness, "order \(round)")
        }
        harness.check()
    }
}
