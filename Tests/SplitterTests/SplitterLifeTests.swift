import Dataplane
import Glibc
import NetfilterQueue
import NodeLinks
import StateStore
import Testing
import Tracking
import Wire

@testable import Splitter
@testable import Splitting

/// In CI a privileged test that cannot run has to fail, not to be skipped.
private let inCI = unsafe getenv("CI") != nil

@Suite("From the splitting thread's start to its end", .serialized, .enabled(if: geteuid() == 0 || inCI))
struct SplitterLifeTests {
    /// Two workers and the splitting thread, with queues of their own: 0 and 1, their parking queues 2 and 3, the
    /// splitting thread's 4 and 5, and the full-copy queue 6.
    private struct Threads {
        let queues: QueueGroup
        let splitter: Splitter

        init() throws {
            let publisher = SnapshotPublisher(
                try Snapshot(SnapshotPlan(), generation: 1, capacity: CounterCapacity()))
            let fragments = try FragmentTracking(FragmentLimits(workers: 3))
            let settings = (0..<3).map { number in
                var queue = QueueSettings(number: number < 2 ? UInt16(number) : 6)
                queue.parking = UInt16(2 + number)
                return queue
            }
            queues = QueueGroup(
                Array(settings[..<2]), publisher: publisher,
                counters: (0..<2).map { _ in WorkerCounters(capacity: CounterCapacity()) }, fragments: fragments,
                guests: [settings[2]])
            let key = try LinkKey(bytes: [UInt8](repeating: 7, count: 32))
            splitter = Splitter(
                SplitterSettings(
                    queue: settings[2], originals: 5, maximumOriginals: 64, collectedBytes: 1 << 20,
                    fragmentTime: 200_000_000, splitting: SplittingSettings(),
                    identity: LinkIdentity(name: "lb", role: .balancer, key: key), store: try EmbeddedStore()),
                plan: SplitterPlan(), publisher: publisher,
                counters: WorkerCounters(capacity: CounterCapacity()), fragments: fragments, number: 2)
        }

        func start() throws {
            try queues.start()
            try splitter.start(parking: queues.parking)
        }

        func stop() {
            splitter.stop()
            queues.stop()
        }
    }

    private struct Unreadable: Error { let file: String }

    private static func lines(_ file: String) throws -> [[Substring]] {
        guard let stream = unsafe fopen("/proc/thread-self/net/\(file)", "r") else { throw Unreadable(file: file) }
        defer { unsafe _ = fclose(stream) }
        var text: [UInt8] = []
        while case let byte = unsafe fgetc(stream), byte != EOF { text.append(UInt8(truncatingIfNeeded: byte)) }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map { $0.split(separator: " ") }
    }

    /// Sockets in this network namespace that queues are bound with: those of NETLINK_NETFILTER (column "Eth") but for the
    /// kernel's own (column "Pid").
    private static func queueSockets() throws -> Int {
        try lines("netlink").count { $0.count > 2 && $0[1] == "12" && $0[2] != "0" }
    }

    /// The numbers of the queues that are bound in this network namespace.
    private static func boundQueues() throws -> [Int] {
        try lines("netfilter/nfnetlink_queue").compactMap { $0.first.flatMap { Int($0) } }.sorted()
    }

    /// The plan with a node that nobody listens for.
    private static func plan(_ node: String) -> SplitterPlan {
        SplitterPlan(nodes: [node: Endpoint(address: TwoHosts.client4, port: 9470)])
    }

    @Test func everySocketIsClosedWhenTheThreadsHaveEnded() throws {
        try TwoHosts.run { _ in
            let threads = try Threads()
            try threads.start()
            #expect(try Self.boundQueues() == [0, 1, 2, 3, 4, 5, 6])
            #expect(try Self.queueSockets() == 7)
            threads.splitter.take(Self.plan("b1"))
            #expect(threads.splitter.report()?.nodes.map(\.name) == ["b1"])
            threads.splitter.stop()
            // Its parking queue for fragments is the group's.
            #expect(try Self.boundQueues() == [0, 1, 2, 3, 4])
            #expect(try Self.queueSockets() == 5)
            threads.queues.stop()
            // The workers' descriptors of their own go with their threads, which is a moment after they are joined.
            for _ in 0..<1000 where try Self.queueSockets() > 0 { usleep(1000) }
            #expect(try Self.boundQueues() == [])
            #expect(try Self.queueSockets() == 0)
            withExtendedLifetime(threads) {}
        }
    }

    @Test func aPlanThatComesBeforeTheStartIsTakenWithIt() throws {
        try TwoHosts.run { _ in
            let threads = try Threads()
            threads.splitter.take(Self.plan("b1"))
            threads.splitter.take(Self.plan("b2"))
            try threads.start()
            defer { threads.stop() }
            #expect(threads.splitter.report()?.nodes.map(\.name) == ["b2"])
        }
    }

    @Test func noPlanIsLostToAFullMailbox() throws {
        let loop = try EventLoop()
        let door = SplitterDoor(Self.plan("first"))
        var taken: [SplitterPlan] = []
        var reports = 0
        door.open(on: loop, take: { taken.append($0) }) { _ in
            reports += 1
            return Self.empty
        }
        #expect(taken == [Self.plan("first")])
        let asked = (0..<300).map { _ in door.ask(traces: false) != nil }
        #expect(asked.count { $0 } == SplitterDoor.capacity && asked.last == false)
        door.leave(Self.plan("second"))
        door.leave(Self.plan("third"))
        loop.turn(waitingAtMost: .zero)
        #expect(taken == [Self.plan("first"), Self.plan("third")] && reports == SplitterDoor.capacity)
        door.leave(Self.plan("fourth"))
        loop.turn(waitingAtMost: .zero)
        #expect(taken.last == Self.plan("fourth"))
        door.close()
        loop.forgetAll()
    }

    private static let empty = SplitReport(
        counters: SplitCounters(), jobs: 0, jobBytes: 0, originals: 0, collecting: 0, collectedBytes: 0,
        waitingAnswers: 0,
        waitingAnswerBytes: 0, strays: 0,
        unsent: 0, refusals: RefusalCounts(), nodes: [], traces: [])
}
