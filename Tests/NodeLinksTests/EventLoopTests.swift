import Foundation
import Glibc
import NodeLinks
import Splitting
import Testing

@Suite("The event loop")
struct EventLoopTests {
    @Test func timersComeInTheOrderOfTheirDeadlines() throws {
        let loop = try EventLoop()
        var order: [Int] = []
        let start = MonotonicClock.now
        let delays = (0..<300).map { ($0 &* 7919) % 300 }
        for delay in delays { loop.schedule(at: start + Int64(delay) * 100_000) { order.append(delay) } }
        let cancelled = loop.schedule(at: start + 1) { order.append(-1) }
        cancelled.cancel()
        #expect(!cancelled.isPending)
        while order.count < 300 { loop.turn(waitingAtMost: .milliseconds(50)) }
        #expect(order == delays.sorted())
    }

    @Test func aTimerIsNeitherEarlyNorLongLate() throws {
        let loop = try EventLoop()
        var fired: Int64 = 0
        let deadline = MonotonicClock.now + 3_000_000
        loop.schedule(at: deadline) { fired = MonotonicClock.now }
        while fired == 0 { loop.turn() }
        #expect(fired >= deadline)
        #expect(fired < deadline + 500_000_000)
    }

    @Test func manyCancelledTimersLeaveNothingBehind() throws {
        let loop = try EventLoop()
        weak var last: LoopTimer?
        for _ in 0..<10_000 {
            let timer = loop.schedule(after: .seconds(3600)) {}
            timer.cancel()
            last = timer
        }
        for _ in 0..<200 { loop.schedule(after: .seconds(3600)) {} }
        #expect(last == nil)
    }

    @Test func messagesOfManyThreadsArriveEachInItsOrder() throws {
        let loop = try EventLoop()
        var seen: [Int: [Int]] = [:]
        var count = 0
        let box: Mailbox<(Int, Int)> = loop.mailbox { sender, number in
            seen[sender, default: []].append(number)
            count += 1
        }
        for sender in 0..<4 {
            Thread.detachNewThread {
                for number in 0..<2_000 { while !box.post((sender, number)) { usleep(50) } }
            }
        }
        while count < 8_000 { loop.turn() }
        for sender in 0..<4 { #expect(seen[sender] == Array(0..<2_000)) }
    }

    @Test func aFullMailboxRefuses() throws {
        let loop = try EventLoop()
        var got: [Int] = []
        let box: Mailbox<Int> = loop.mailbox(capacity: 3) { got.append($0) }
        #expect((0..<5).map { box.post($0) } == [true, true, true, false, false])
        loop.turn()
        #expect(got == [0, 1, 2])
        #expect(box.post(9))
    }

    @Test func whatHoldsTheLoopGoesWhenTheLoopForgetsIt() throws {
        final class Owner {
            let loop: EventLoop
            var box: Mailbox<Int>?
            var got: [Int] = []
            init(_ loop: EventLoop) {
                self.loop = loop
                box = loop.mailbox { self.got.append($0) }
                loop.schedule(after: .seconds(3600)) { self.got.append(-1) }
                loop.atEndOfTurn { self.got.append(-2) }
            }
        }
        weak var owner: Owner?
        weak var loop: EventLoop?
        do {
            let made = Owner(try EventLoop())
            owner = made
            loop = made.loop
            #expect(made.box?.post(1) == true)
            made.loop.forgetAll()
            made.loop.turn(waitingAtMost: .zero)
            #expect(made.got == [])
        }
        #expect(owner == nil && loop == nil)
    }

    @Test func stopEndsTheLoopFromAnotherThread() throws {
        let loop = try EventLoop()
        let handle = loop.handle
        Thread.detachNewThread {
            usleep(20_000)
            handle.stop()
        }
        loop.run()
    }

    @Test func aDescriptorThatIsNoLongerWatchedIsNotReported() throws {
        let loop = try EventLoop()
        var ends: [[Int32]] = []
        for _ in 0..<2 {
            var pair: [Int32] = [-1, -1]
            let made = unsafe pipe(&pair)
            #expect(made == 0)
            ends.append(pair)
        }
        defer { for pair in ends { for end in pair { close(end) } } }
        // Both are ready in the same turn, and whichever comes first takes the other away.
        var calls = 0
        for index in 0..<2 {
            try loop.watch(ends[index][0], for: .readable) { _ in
                calls += 1
                loop.unwatch(ends[1 - index][0])
            }
            var byte: UInt8 = 1
            let written = unsafe write(ends[index][1], &byte, 1)
            #expect(written == 1)
        }
        loop.turn(waitingAtMost: .milliseconds(100))
        #expect(calls == 1)
    }

    @Test func aRegularFileCannotBeWatched() throws {
        let loop = try EventLoop()
        let file = unsafe open("/proc/self/exe", O_RDONLY)
        defer { close(file) }
        #expect(throws: LinkSetupError.self) { try loop.watch(file, for: .readable) { _ in } }
    }
}
