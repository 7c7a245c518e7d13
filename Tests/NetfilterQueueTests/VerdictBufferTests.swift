import CNetfilterQueue
import Dataplane
import Testing

@testable import NetfilterQueue

/// Carries verdict messages out as the kernel does: a list of waiting ids, a batch verdict for all up to its id.
struct ModelKernel {
    var waiting: [UInt32]
    var answered: [UInt32: Verdict] = [:]
    var order: [UInt32] = []

    mutating func receive(_ bytes: [UInt8]) {
        var offset = 0
        while offset + 32 <= bytes.count {
            let length = Int(native32(bytes, offset))
            let type = UInt16(bytes[offset + 4]) | UInt16(bytes[offset + 5]) << 8
            let code = big32(bytes, offset + 24)
            let id = big32(bytes, offset + 28)
            let verdict: Verdict =
                code == 0 ? .drop : length == 40 ? .accept(mark: big32(bytes, offset + 36)) : .accept
            if type == 0x0303 {
                while let first = waiting.first, Int32(bitPattern: first &- id) <= 0 { answer(first, verdict) }
            } else {
                #expect(type == 0x0301)
                answer(id, verdict)
            }
            offset += length
        }
        #expect(offset == bytes.count)
    }

    private mutating func answer(_ id: UInt32, _ verdict: Verdict) {
        guard let index = waiting.firstIndex(of: id) else {
            Issue.record("verdict for \(id), which does not wait")
            return
        }
        waiting.remove(at: index)
        answered[id] = verdict
        order.append(id)
    }

    private func native32(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        bytes[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    private func big32(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
}

@Suite("Verdicts of a batch")
struct VerdictBufferTests {
    @Test func everyPacketGetsItsOwnVerdictInTheOrderOfArrival() {
        var random = SeededGenerator(state: 5)
        let choices: [Verdict] = [.accept, .drop, .accept(mark: 0), .accept(mark: 1), .accept(mark: 0xFFFF_FFFF)]
        for _ in 0..<2_000 {
            let count = Int.random(in: 1...64, using: &random)
            // Ids run over the end of their 32 bits now and then.
            let first = Bool.random(using: &random) ? UInt32.max - 5 : UInt32.random(in: 0...100, using: &random)
            let ids = (0..<count).map { first &+ UInt32($0) }
            let verdicts = ids.map { _ in choices.randomElement(using: &random)! }
            var buffer = VerdictBuffer(queue: 3, capacity: 64)
            for (id, verdict) in zip(ids, verdicts) {
                let isFull = buffer.isFull
                #expect(!isFull)
                buffer.append(id, verdict)
            }
            buffer.finish()
            var kernel = ModelKernel(waiting: ids)
            let bytes = copy(buffer.bytes)
            kernel.receive(bytes)
            #expect(kernel.order == ids)
            for (id, verdict) in zip(ids, verdicts) { #expect(kernel.answered[id] == verdict) }
        }
    }

    @Test func aRunOfEqualVerdictsIsOneMessage() {
        var buffer = VerdictBuffer(queue: 3, capacity: 64)
        for id in 1...50 { buffer.append(UInt32(id), .accept(mark: 9)) }
        buffer.append(51, .drop)
        buffer.finish()
        let messages = buffer.messages
        let bytes = copy(buffer.bytes)
        #expect(messages == 2 && bytes.count == 40 + 32)
        buffer.removeAll()
        buffer.finish()
        let left = buffer.messages
        let rest = copy(buffer.bytes)
        #expect(left == 0 && rest.isEmpty)
    }

    @Test func aFullBufferSaysSoBeforeItOverflows() {
        var buffer = VerdictBuffer(queue: 3, capacity: 4)
        var appended = 0
        while !buffer.isFull {
            buffer.append(UInt32(appended), .accept(mark: UInt32(appended)))
            appended += 1
        }
        buffer.finish()
        let messages = buffer.messages
        #expect(appended == 4 && messages == 4)
    }

    private func copy(_ bytes: RawSpan) -> [UInt8] {
        unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    }
}
