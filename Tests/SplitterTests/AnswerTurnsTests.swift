import Splitting
import Testing
import Wire

@testable import Splitter

struct AnswerTurnsTests {
    private static func client(_ number: UInt8) -> Endpoint {
        Endpoint(address: IPAddress(192, 0, 2, number), port: 7)
    }

    private static func answer(_ job: UInt64, to number: UInt8, _ lengths: [Int], until deadline: Int64 = 9)
        -> WaitingAnswer
    {
        WaitingAnswer(
            job: JobID(origin: 1, number: job), client: client(number),
            datagrams: lengths.map { [UInt8](repeating: UInt8(truncatingIfNeeded: job), count: $0) }, deadline: deadline
        )
    }

    /// Sends all; gives the jobs by datagram, and the jobs in the order in which they were done.
    private static func drain(_ turns: inout AnswerTurns) -> (datagrams: [UInt64], done: [UInt64]) {
        var datagrams: [UInt64] = []
        var done: [UInt64] = []
        while let next = turns.next {
            datagrams.append(UInt64(next.datagram[0]))
            if let answer = turns.advance() { done.append(answer.job.number) }
        }
        return (datagrams, done)
    }

    @Test func clientsTakeTurnsAndKeepTheirOrder() {
        var turns = AnswerTurns()
        turns.append(Self.answer(1, to: 1, [65_507, 65_507, 65_507]))
        turns.append(Self.answer(2, to: 1, [10]))
        turns.append(Self.answer(3, to: 2, [65_507, 65_507]))
        turns.append(Self.answer(4, to: 3, [100]))
        let (datagrams, done) = Self.drain(&turns)
        #expect(datagrams == [1, 3, 4, 1, 3, 1, 2])
        #expect(done == [4, 3, 1, 2])
        #expect(turns.isEmpty && turns.next == nil && turns.firstDeadline == nil)
    }

    @Test func turnsAreMeasuredInBytes() {
        var turns = AnswerTurns()
        turns.append(Self.answer(1, to: 1, [Int](repeating: 65_507, count: 20)))
        for job in 2..<62 { turns.append(Self.answer(UInt64(job), to: 2, [1000])) }
        let (datagrams, done) = Self.drain(&turns)
        // Sixty short answers are together less than one long datagram.
        #expect(datagrams == [1] + (2..<62).map { $0 } + [UInt64](repeating: 1, count: 19))
        #expect(done == (2..<62).map { $0 } + [1])
    }

    @Test func whatIsGivenUpTakesNobodyElseAlong() {
        var turns = AnswerTurns()
        turns.append(Self.answer(1, to: 1, [10, 10], until: 5))
        turns.append(Self.answer(2, to: 1, [10], until: 20))
        turns.append(Self.answer(3, to: 2, [10], until: 4))
        turns.append(Self.answer(4, to: 3, [10], until: 30))
        #expect(turns.advance() == nil)
        #expect(turns.firstDeadline == 4)
        let expired = turns.removeExpired(now: 5)
        #expect(expired.map(\.job.number) == [1, 3])
        #expect(expired.map(\.sent) == [1, 0])
        #expect(turns.firstDeadline == 20)
        #expect(turns.giveUp().job.number == 2)
        #expect(turns.removeAll().map(\.job.number) == [4])
        #expect(turns.isEmpty)
    }

    /// Against a model: every answer ends once, a client's in their order, whatever happens in between.
    @Test(arguments: 0..<8)
    func everyAnswerEndsOnce(seed: Int) {
        var random = FixedRandom(state: UInt64(seed) &+ 77)
        var turns = AnswerTurns()
        var waiting: [UInt8: [UInt64]] = [:]
        var left: [UInt64: Int] = [:]
        func end(_ answer: WaitingAnswer) {
            let number = answer.client.address.networkBytes[3]
            waiting[number]?.removeAll { $0 == answer.job.number }
            #expect(left.removeValue(forKey: answer.job.number) != nil)
        }
        for job in UInt64(1)..<3000 {
            if Int.random(in: 0..<2, using: &random) == 0 {
                let number = UInt8.random(in: 0..<6, using: &random)
                let lengths = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                    Int.random(in: 1...65_507, using: &random)
                }
                turns.append(Self.answer(job, to: number, lengths, until: Int64.random(in: 0...9000, using: &random)))
                waiting[number, default: []].append(job)
                left[job] = lengths.count
            }
            for _ in 0..<Int.random(in: 0..<4, using: &random) {
                guard let next = turns.next else { break }
                let number = next.client.address.networkBytes[3]
                let first = waiting[number]![0]
                if Int.random(in: 0..<20, using: &random) == 0 {
                    let given = turns.giveUp()
                    #expect(given.job.number == first)
                    end(given)
                } else {
                    left[first]! -= 1
                    let done = turns.advance()
                    #expect(done?.job.number == (left[first] == 0 ? first : nil))
                    if let done { end(done) }
                }
            }
            if job % 50 == 0 { for answer in turns.removeExpired(now: Int64(job)) { end(answer) } }
            #expect(turns.isEmpty == left.isEmpty && (turns.next == nil) == left.isEmpty)
        }
        for answer in turns.removeAll() { end(answer) }
        #expect(left.isEmpty && turns.isEmpty)
    }
}
