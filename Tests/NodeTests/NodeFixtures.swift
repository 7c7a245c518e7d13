import ChunkProcessing
import Configuration
import Foundation
import NodeLinks
import Splitting
import Synchronization
import Wire

@testable import Node

/// A key file that goes with the value.
final class KeyFile: Sendable {
    static let bytes = Array("a key that is long enough for tests".utf8)
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "ab-\(UUID().uuidString).key"
        try Data(Self.bytes).write(to: URL(fileURLWithPath: path))
        unsafe chmod(path, 0o600)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A configuration with this key that listens where the kernel wants.
    func configuration(
        _ name: String, _ keys: String = "", linked: [String] = []
    ) throws -> NodeConfiguration {
        let types = keys.contains("request_types") ? "" : "request_types: {default: {processor: \"identity\"}},"
        var configuration = try NodeConfiguration.parse(
            text: """
                {
                    name: "\(name)", links: {address: "127.0.0.1", key_file: "\(path)"}, \(types)
                    \(keys.contains("workers") ? "" : "workers: 1,") metrics: {enabled: false}, \(keys)
                }
                """, file: "test", linked: linked)
        configuration.links.port = 0
        return configuration
    }
}

/// What a scripted peer has heard, for the test's thread.
final class Heard: Sendable {
    private let messages = Mutex<[(from: String, message: LinkMessage)]>([])
    private let results = Atomic<Int>(0)
    private let answers = Atomic<Int>(0)

    func add(_ message: LinkMessage, from peer: String) {
        if case .result = message { results.add(1, ordering: .relaxed) }
        if case .answer = message { answers.add(1, ordering: .relaxed) }
        messages.withLock { $0.append((peer, message)) }
    }

    /// Results, and answers, that were heard so far.
    var count: Int { results.load(ordering: .relaxed) }
    var answerCount: Int { answers.load(ordering: .relaxed) }

    var all: [(from: String, message: LinkMessage)] { messages.withLock { $0 } }

    /// Waits for something that is picked out of what was heard.
    func first<Value>(within limit: Duration = .seconds(10), _ pick: (String, LinkMessage) -> Value?) async -> Value? {
        let end = ContinuousClock.now + limit
        while true {
            for (peer, message) in all { if let value = pick(peer, message) { return value } }
            if ContinuousClock.now >= end { return nil }
            try? await Task.sleep(for: .milliseconds(2))
        }
    }

    func result(_ job: JobID, _ index: Int, within limit: Duration = .seconds(10)) async -> ChunkResult? {
        await first(within: limit) { _, message in
            if case .result(let result) = message, result.job == job, result.index == index { result } else { nil }
        }
    }

    func results(_ job: JobID) -> [ChunkResult] {
        all.compactMap { if case .result(let result) = $0.message, result.job == job { result } else { nil } }
    }

    func answer(_ job: JobID, within limit: Duration = .seconds(10)) async -> JobAnswer? {
        await first(within: limit) { _, message in
            if case .answer(let answer) = message, answer.job == job { answer } else { nil }
        }
    }

    func answers(_ job: JobID) -> [JobAnswer] {
        all.compactMap { if case .answer(let answer) = $0.message, answer.job == job { answer } else { nil } }
    }

    var lastLoad: LoadReport? {
        all.last { if case .load = $0.message { true } else { false } }
            .flatMap { if case .load(let report) = $0.message { report } else { nil } }
    }
}

/// A load balancer or node that says what the test wants and keeps what it hears, on a thread of its own.
final class ScriptedPeer: Sendable {
    private enum Order: Sendable {
        case send(LinkMessage, to: String)
        case close(String)
        case stop
    }

    let heard = Heard()
    private let orders: Mailbox<Order>
    /// Where it listens, for nodes that connect to it.
    let address: Endpoint
    private let ended = Semaphore()

    struct NotUp: Error {}

    private struct Ready: Sendable {
        var orders: Mailbox<Order>?
        var address: Endpoint?
        var up: Set<String> = []
    }

    private final class State: Sendable {
        let ready = Mutex(Ready())
    }

    /// A peer that listens, with links to these nodes, which are up when this returns.
    ///
    /// - Parameter instance: which load balancer of the name it is; nil: one of its own.
    init(
        _ name: String = "lb", role: LinkRole = .balancer, instance: UInt64? = nil,
        nodes: [(name: String, address: Endpoint)] = []
    ) async throws {
        let state = State()
        let heard = heard
        let ended = ended
        Thread.detachNewThread {
            let identity = LinkIdentity(
                name: name, role: role, key: try! LinkKey(bytes: KeyFile.bytes),
                instance: instance ?? .random(in: 1...(.max)))
            try! Self.run(identity, nodes, heard, state)
            ended.signal()
        }
        let end = ContinuousClock.now + .seconds(10)
        while state.ready.withLock({ $0.up.count < nodes.count || $0.orders == nil }), ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(2))
        }
        let ready = state.ready.withLock { $0 }
        guard let orders = ready.orders, let address = ready.address, ready.up.count == nodes.count else {
            throw NotUp()
        }
        self.orders = orders
        self.address = address
    }

    private static func run(
        _ identity: LinkIdentity, _ nodes: [(name: String, address: Endpoint)], _ heard: Heard, _ state: State
    ) throws {
        let loop = try EventLoop()
        let context = try LinkContext(loop: loop, identity: identity)
        var links: [String: NodeLink] = [:]
        let listener = try LinkListener(context, at: Endpoint("127.0.0.1:0")!) { link in
            link.onMessage = { heard.add($1, from: $0.peer.name) }
            links[link.peer.name] = link
        }
        for node in nodes {
            let link = NodeLink(context, to: node.address, peer: LinkPeer(name: node.name, role: .node))
            link.onMessage = { heard.add($1, from: $0.peer.name) }
            link.onChange = { link in
                if link.isUp { state.ready.withLock { _ = $0.up.insert(link.peer.name) } }
            }
            links[node.name] = link
            link.connect()
        }
        let orders: Mailbox<Order> = loop.mailbox { order in
            switch order {
            case .send(let message, let name): _ = links[name]?.send(message)
            case .close(let name): links[name]?.close()
            case .stop:
                for link in links.values { link.close() }
                listener.close()
                loop.handle.stop()
            }
        }
        state.ready.withLock {
            $0.orders = orders
            $0.address = listener.address
        }
        loop.run()
    }

    func send(_ message: LinkMessage, to node: String) { orders.post(.send(message, to: node)) }

    func send(_ messages: [LinkMessage], to node: String) { for message in messages { send(message, to: node) } }

    /// Cuts a link for good.
    func close(_ node: String) { orders.post(.close(node)) }

    func stop() {
        orders.post(.stop)
        ended.wait()
    }
}

private let jobNumbers = Atomic<UInt64>(1)

/// A job of a test with its chunks.
struct TestJob {
    let terms: JobTerms
    let parts: [[UInt8]]

    init(
        _ parts: [[UInt8]], type: String = "t", timeLeft: Duration = .seconds(20), checksums: ChecksumAlgorithm = .xxh3
    ) {
        self.parts = parts
        terms = JobTerms(
            job: JobID(origin: 77, number: jobNumbers.add(1, ordering: .relaxed).newValue), requestType: type,
            total: parts.count,
            endpoints: JobEndpoints(client: Endpoint("192.0.2.1:1000")!, virtual: Endpoint("192.0.2.2:2000")!),
            timeLeft: UInt32(timeLeft.wholeNanoseconds / 1000), checksums: checksums)
    }

    var id: JobID { terms.job }

    func chunk(
        _ index: Int, to reassembly: String, replica: UInt8 = 0, standby: Bool = false, damaged: Bool = false
    ) -> LinkMessage {
        var payload = parts[index]
        let checksum = terms.checksums.checksum(of: payload)
        if damaged { payload[payload.count / 2] ^= 1 }
        return .chunk(
            Chunk(
                terms: terms, index: index, replica: replica, standby: standby, reassembly: reassembly,
                payload: payload, checksum: checksum))
    }

    func opening(
        _ holders: [[String]], retryAfter: Duration = .seconds(3), retries: UInt8 = 30,
        replication: ReplicationMode = .standby, aggregation: String? = nil, takeover: UInt8 = 0
    ) -> LinkMessage {
        .opening(
            JobOpening(
                terms: terms, takeover: takeover, holders: holders, replication: replication, reconciliation: .first,
                retryAfter: UInt32(retryAfter.wholeNanoseconds / 1000), maximumRetries: retries,
                aggregation: aggregation))
    }
}

/// Bytes that do not repeat soon.
func testBytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var random = TestRandom(state: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
}

/// The value of a sample of a metrics page, by its name with labels.
func sample(_ page: String?, _ name: String) -> Double? {
    page?.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        .flatMap { Double($0.dropFirst(name.count + 1)) }
}

/// Waits until something is so.
func eventually(within limit: Duration = .seconds(10), _ isSo: () -> Bool) async -> Bool {
    let end = ContinuousClock.now + limit
    while !isSo() {
        if ContinuousClock.now >= end { return false }
        try? await Task.sleep(for: .milliseconds(2))
    }
    return true
}

/// Keeps workers until the test opens it, then returns chunks as they are.
final class Gate: ChunkProcessor {
    private let isOpen = Atomic<Bool>(false)
    private let began = Atomic<Int>(0)
    /// Chunks that came so far.
    var count: Int { began.load(ordering: .relaxed) }

    func open() { isOpen.store(true, ordering: .relaxed) }

    func process(_ chunk: ChunkWork, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
        began.add(1, ordering: .relaxed)
        while !isOpen.load(ordering: .relaxed) {
            try limit.check()
            usleep(1000)
        }
        return chunk.payload
    }
}
