import Testing

@testable import Tracking

/// The same questions answered slowly: one flag per byte, and a list of what has been accepted.
private struct NaivePacket {
    struct Piece: Equatable {
        var offset: Int
        var length: Int
        var more: Bool
    }

    var bytes = [Bool](repeating: false, count: 65_536)
    var pieces: [Piece] = []
    var total: Int? { pieces.first { !$0.more }.map { $0.offset + $0.length } }
    var isWhole: Bool { total.map { bytes[..<$0].allSatisfy { $0 } } ?? false }
    var isRegular: Bool {
        guard let stride = pieces.first(where: \.more)?.length else { return true }
        return pieces.allSatisfy {
            $0.offset % stride == 0 && ($0.more ? $0.length == stride : $0.length <= stride)
        }
    }

    enum Answer { case new, duplicate, poison, duplicateOrPoison }

    mutating func accept(_ piece: Piece) -> Answer {
        let end = piece.offset + piece.length
        if pieces.contains(piece) { return .duplicate }
        if let total, end > total || piece.more == (end == total) { return .poison }
        if total == nil, !piece.more, pieces.contains(where: { $0.offset + $0.length > piece.offset }) {
            return .poison
        }
        let known = bytes[piece.offset..<end]
        if known.contains(true) {
            if known.contains(false) { return .poison }
            // All bytes known, but in other pieces.
            return isRegular ? .poison : .duplicateOrPoison
        }
        for index in piece.offset..<end { bytes[index] = true }
        pieces.append(piece)
        return .new
    }
}

extension FragmentState {
    mutating func accept(
        offset: Int, length: Int, more: Bool, _ lender: borrowing TestLender
    ) -> Acceptance {
        accept(offset: offset, length: length, more: more, lender, 0)
    }
}

@Suite struct FragmentStateTests {
    private typealias Piece = NaivePacket.Piece

    private func cut(_ length: Int, _ size: Int) -> [Piece] {
        stride(from: 0, to: length, by: size).map { offset in
            Piece(offset: offset, length: min(size, length - offset), more: offset + size < length)
        }
    }

    /// Feeds a piece to both; false when the packet is poisoned.
    private func feed(
        _ piece: Piece, _ state: inout FragmentState, _ model: inout NaivePacket, _ lender: borrowing TestLender,
        _ what: String
    ) -> Bool {
        let answer = state.accept(offset: piece.offset, length: piece.length, more: piece.more, lender)
        switch (answer, model.accept(piece)) {
        case (.new, .new), (.duplicate, .duplicate), (.duplicate, .duplicateOrPoison):
            if state.isWhole != model.isWhole { Issue.record("\(what): whole \(state.isWhole) after \(piece)") }
            return true
        case (.fault, .poison), (.fault, .duplicateOrPoison): return false
        case let (mine, wanted):
            Issue.record("\(what): \(piece) gives \(mine), expected \(wanted) after \(model.pieces)")
            return false
        }
    }

    @Test(arguments: [1480, 1232, 1400, 576, 256, 8, 64])
    func everyOrderWithCopiesMakesThePacketWhole(size: Int) throws {
        let lender = try TestLender()
        var random = SplitMix(state: UInt64(size))
        for round in 0..<300 {
            // Up to 65,535 bytes, and at most as many pieces as 128 holes are enough for.
            let length = 1 + Int(random.next() % UInt64(min(65_535, size * 256)))
            var pieces = cut(length, size)
            if pieces.count == 1 { continue }
            for _ in 0..<Int(random.next() % 5) { pieces.append(pieces.randomElement(using: &random)!) }
            pieces.shuffle(using: &random)
            var state = FragmentState()
            var model = NaivePacket()
            for piece in pieces {
                guard feed(piece, &state, &model, lender, "round \(round)") else {
                    Issue.record("an honest packet was poisoned in round \(round): \(pieces.count) pieces of \(size)")
                    break
                }
                // The entry of a whole packet is gone: a copy would begin a new one.
                if state.isWhole { break }
            }
            #expect(state.isWhole)
            #expect(lender.pool.free == 64)
        }
    }

    /// Each order of `pieces`, by Heap's algorithm.
    private func everyOrder(_ pieces: [Piece], _ visit: ([Piece]) -> Void) {
        var pieces = pieces
        func permute(_ count: Int) {
            if count == 1 { return visit(pieces) }
            for index in 0..<count {
                permute(count - 1)
                pieces.swapAt(count % 2 == 0 ? index : 0, count - 1)
            }
        }
        permute(pieces.count)
    }

    @Test(arguments: [[8, 8, 8, 8, 8, 8, 3], [1480, 8, 64, 256, 1480, 16, 1], [32, 32, 32, 32, 32, 32, 32]])
    func sevenFragmentsAreWholeInEachOfTheirOrdersAndNotBefore(lengths: [Int]) throws {
        let lender = try TestLender()
        var pieces: [Piece] = []
        for (index, length) in lengths.enumerated() {
            let offset = pieces.last.map { $0.offset + $0.length } ?? 0
            pieces.append(Piece(offset: offset, length: length, more: index + 1 < lengths.count))
        }
        var orders = 0
        var wrong = 0
        everyOrder(pieces) { order in
            var state = FragmentState()
            for (index, piece) in order.enumerated() {
                let answer = state.accept(offset: piece.offset, length: piece.length, more: piece.more, lender)
                if answer != .new || state.isWhole != (index == order.count - 1) { wrong += 1 }
            }
            orders += 1
        }
        #expect(orders == 5040)
        #expect(wrong == 0)
    }

    @Test func anythingElseIsJudgedAsABitmapDoes() throws {
        let lender = try TestLender()
        var random = SplitMix(state: 7)
        for round in 0..<20_000 {
            var state = FragmentState()
            var model = NaivePacket()
            let length = 16 + Int(random.next() % 400)
            let size = 8 * (1 + Int(random.next() % 6))
            for _ in 0..<12 {
                var piece = cut(length, size).randomElement(using: &random)!
                if random.next() % 4 == 0 {
                    piece.offset = 8 * Int(random.next() % 40)
                    piece.more = random.next() % 4 != 0
                    piece.length = piece.more ? 8 * (1 + Int(random.next() % 8)) : 1 + Int(random.next() % 64)
                }
                if !feed(piece, &state, &model, lender, "round \(round)") || state.isWhole { break }
            }
        }
    }

    @Test func theShortFormOfAFirstFragmentIsTheSame() throws {
        let lender = try TestLender()
        for length in stride(from: 8, through: 1480, by: 8) {
            var short = FragmentState()
            short.begin(source: 3, enlisted: 5, sequence: 6, decision: 9, end: UInt16(length >> 3))
            var long = FragmentState()
            long.reset(source: 3, enlisted: 5, sequence: 6)
            #expect(long.accept(offset: 0, length: length, more: true, lender) == .new)
            long.keep(decision: 9)
            // Both go on alike: a copy, an overlap and the rest.
            for piece in [(0, length, true), (length, 8, true), (length + 8, 3, false), (8, length, true)] {
                let one = short.accept(offset: piece.0, length: piece.1, more: piece.2, lender)
                let other = long.accept(offset: piece.0, length: piece.1, more: piece.2, lender)
                #expect(one == other)
            }
            #expect(short.isWhole == long.isWhole && short.decision == 9 && long.decision == 9)
            #expect(short.enlisted == 5 && long.enlisted == 5)
        }
    }

    @Test func aPacketMayBeAsLongAsAPacketCanBe() throws {
        let lender = try TestLender()
        var state = FragmentState()
        for offset in stride(from: 0, to: 65_528, by: 1456) {
            let last = offset + 1456 >= 65_535
            let length = last ? 65_535 - offset : 1456
            #expect(state.accept(offset: offset, length: length, more: !last, lender) == .new)
        }
        #expect(state.isWhole)
    }

    @Test func anEntryFillsTwoCacheLines() {
        #expect(MemoryLayout<Entry<FragmentState>>.stride == 128)
        #expect(MemoryLayout<Bucket<FragmentKey>>.stride == 64)
        #expect(MemoryLayout<Bucket<PinnedKey>>.stride == 64)
        #expect(MemoryLayout<SourceLedger.Record>.stride == 16)
        #expect(MemoryLayout<StoredFragment>.stride == 64)
    }
}
