import Testing

@testable import Node

private typealias Queue = WorkQueue<String>

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on each run.
struct TestRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

@Suite struct WorkQueueTests {
    private func job(_ queue: inout Queue, _ name: String, urgency: Int = 0) -> Queue.Ticket? {
        var displaced: Queue.Entry?
        guard queue.reserve(urgency: urgency, displaced: &displaced) else { return nil }
        return queue.redeem(name, urgency: urgency, now: 0)
    }

    private func chunk(_ queue: inout Queue, _ name: String, urgency: Int = 0) -> Queue.Admission {
        queue.add(name, urgency: urgency, now: 0)
    }

    private func order(_ queue: inout Queue) -> [String] {
        var names: [String] = []
        while let entry = queue.take() { names.append(entry.work) }
        return names
    }

    @Test func urgentClassesComeFirstAndThenAge() {
        var queue = Queue(size: 100, weight: 1)
        for (name, urgency) in [("a", 3), ("b", 1), ("c", 3), ("d", 0), ("e", 1)] {
            _ = chunk(&queue, name, urgency: urgency)
        }
        #expect(order(&queue) == ["d", "b", "e", "a", "c"])
    }

    @Test(arguments: [1, 2, 4, 10]) func theWeightIsTheShareOfReassemblyJobs(weight: Int) {
        var queue = Queue(size: 1000, weight: weight)
        for number in 0..<200 {
            _ = job(&queue, "j\(number)")
            _ = chunk(&queue, "c\(number)")
        }
        let turns = (0..<10 * (weight + 1)).compactMap { _ in queue.take()?.kind }
        // In any window of weight + 1 turns, not only on average.
        for start in 0...(turns.count - weight - 1) {
            let window = turns[start..<start + weight + 1]
            #expect(window.count { $0 == .chunk } == 1)
        }
    }

    @Test func aKindThatWaitedAloneOwesNothing() {
        var queue = Queue(size: 1000, weight: 3)
        for number in 0..<50 { _ = chunk(&queue, "c\(number)") }
        for _ in 0..<20 { #expect(queue.take()?.kind == .chunk) }
        for number in 0..<50 { _ = job(&queue, "j\(number)") }
        let turns = (0..<8).compactMap { _ in queue.take()?.kind }
        #expect(
            turns == [.reassembly, .reassembly, .reassembly, .chunk, .reassembly, .reassembly, .reassembly, .chunk])
    }

    @Test func noClassStarves() {
        var queue = Queue(size: 1000, weight: 1)
        _ = chunk(&queue, "patient", urgency: 7)
        for number in 0..<20 { _ = chunk(&queue, "urgent \(number)", urgency: 0) }
        // One urgent chunk comes for each that is taken.
        var turns = 0
        while let entry = queue.take(), entry.work != "patient" {
            turns += 1
            _ = chunk(&queue, "more \(turns)", urgency: 0)
            #expect(turns < 8)
            if turns > 100 { break }
        }
        #expect(turns == 7)
    }

    @Test func aFullQueueRefusesItsEqualsAndDisplacesTheLeastUrgent() {
        var queue = Queue(size: 3, weight: 1)
        for (name, urgency) in [("a", 5), ("b", 2), ("c", 5)] { _ = chunk(&queue, name, urgency: urgency) }
        guard case .refused = chunk(&queue, "d", urgency: 5) else {
            Issue.record("an equal got in")
            return
        }
        guard case .displaced(let entry, _) = chunk(&queue, "e", urgency: 4) else {
            Issue.record("nothing displaced")
            return
        }
        // The youngest of the least urgent class.
        #expect(entry.work == "c")
        #expect(queue.waiting == 3)
        #expect(order(&queue) == ["b", "e", "a"])
    }

    @Test func aJobKeepsItsPlaceFromItsOpening() {
        var queue = Queue(size: 2, weight: 1)
        var displaced: Queue.Entry?
        #expect(queue.reserve(urgency: 3, displaced: &displaced))
        _ = chunk(&queue, "a", urgency: 3)
        #expect(queue.free == 0)
        guard case .refused = chunk(&queue, "b", urgency: 3) else {
            Issue.record("the place was given away")
            return
        }
        // A more urgent chunk displaces the chunk, a second one finds only the job, which stays.
        guard case .displaced(let entry, _) = chunk(&queue, "c", urgency: 0) else {
            Issue.record("not displaced")
            return
        }
        #expect(entry.work == "a")
        guard case .refused = chunk(&queue, "d", urgency: 0) else {
            Issue.record("the job was displaced")
            return
        }
        _ = queue.redeem("job", urgency: 3, now: 1)
        #expect(queue.waiting == 2 && queue.reserved == 0)
        #expect(order(&queue) == ["job", "c"])
    }

    @Test func aJobDisplacesLessUrgentChunksAlone() {
        var queue = Queue(size: 1, weight: 1)
        _ = chunk(&queue, "a", urgency: 4)
        var displaced: Queue.Entry?
        #expect(!queue.reserve(urgency: 4, displaced: &displaced))
        #expect(displaced == nil)
        #expect(queue.reserve(urgency: 3, displaced: &displaced))
        #expect(displaced?.work == "a")
        queue.release()
        #expect(queue.free == 1)
    }

    @Test func settledAndExpiredWorkLeavesWithoutATurn() throws {
        var queue = Queue(size: 100, weight: 1)
        var tickets: [Queue.Ticket] = []
        for number in 0..<10 {
            if case .waits(let ticket) = queue.add("\(number)", urgency: number % 3, now: Int64(number)) {
                tickets.append(ticket)
            }
        }
        #expect(queue.remove(tickets[0])?.work == "0")
        #expect(queue.remove(tickets[0]) == nil)
        #expect(queue.removeAll { $0.since < 5 }.map(\.work) == ["1", "2", "3", "4"])
        #expect(order(&queue) == ["6", "9", "7", "5", "8"])
    }

    /// Against a plain list that follows the documented rules word for word.
    @Test func itDoesWhatAPlainListDoes() {
        struct Item {
            let number: Int
            let kind: Queue.Kind
            let urgency: Int
        }
        var random = TestRandom(state: 4)
        for weight in [1, 3] {
            let size = 40
            var queue = WorkQueue<Int>(size: size, weight: weight)
            var list: [Item] = []
            var tickets: [Int: WorkQueue<Int>.Ticket] = [:]
            var turns = [0, 0]
            var jobTurns = 0
            for number in 0..<20_000 {
                let urgency = Int.random(in: 0..<8, using: &random)
                switch Int.random(in: 0..<10, using: &random) {
                case 0..<3, 3..<5:
                    let kind: Queue.Kind = Bool.random(using: &random) ? .chunk : .reassembly
                    var expectation: Int? = -1
                    if list.count >= size {
                        let least = list.filter { $0.kind == .chunk && $0.urgency > urgency }.max {
                            ($0.urgency, $0.number) < ($1.urgency, $1.number)
                        }
                        expectation = least?.number
                    }
                    var outcome: Int?
                    if kind == .chunk {
                        switch queue.add(number, urgency: urgency, now: 0) {
                        case .waits(let ticket): (outcome, tickets[number]) = (-1, ticket)
                        case .displaced(let entry, let ticket): (outcome, tickets[number]) = (entry.work, ticket)
                        case .refused: outcome = nil
                        }
                    } else {
                        var displaced: WorkQueue<Int>.Entry?
                        if queue.reserve(urgency: urgency, displaced: &displaced) {
                            tickets[number] = queue.redeem(number, urgency: urgency, now: 0)
                            outcome = displaced?.work ?? -1
                        }
                    }
                    #expect(outcome == expectation)
                    guard let outcome else { continue }
                    list.removeAll { $0.number == outcome }
                    list.append(Item(number: number, kind: kind, urgency: urgency))
                case 5..<7:
                    guard let item = list.randomElement(using: &random) else { continue }
                    #expect(queue.remove(tickets[item.number]!)?.work == item.number)
                    list.removeAll { $0.number == item.number }
                default:
                    let jobs = list.filter { $0.kind == .reassembly }
                    let chunks = list.filter { $0.kind == .chunk }
                    let isJob = chunks.isEmpty || (!jobs.isEmpty && jobTurns < weight)
                    let kind = isJob ? 0 : 1
                    jobTurns = isJob && !chunks.isEmpty ? jobTurns + 1 : 0
                    let items = isJob ? jobs : chunks
                    if items.isEmpty {
                        jobTurns = 0
                        #expect(queue.take() == nil)
                        continue
                    }
                    turns[kind] += 1
                    let expected =
                        turns[kind] % 8 == 0
                        ? items.min { $0.number < $1.number }
                        : items.min { ($0.urgency, $0.number) < ($1.urgency, $1.number) }
                    #expect(queue.take()?.work == expected?.number)
                    list.removeAll { $0.number == expected?.number }
                }
                #expect(queue.waiting == list.count)
            }
        }
    }
}
