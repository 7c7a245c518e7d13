import Selection
import Splitting
import Testing
import Wire

/// A desk whose messages are collected, and nodes that are played by the test.
final class DeskHarness {
    var desk: SplitDesk
    let ring: ShardTable
    var sent: [(message: LinkMessage, node: String)] = []
    var ends: [JobEnd] = []
    var now: UInt64 = 0
    /// Whether answers reach their clients; nil: they are on their way.
    var reached: Bool? = true

    init(nodes: [String] = ["a", "b", "c"], _ change: (inout SplittingSettings) -> Void = { _ in }) throws {
        var settings = SplittingSettings()
        settings.chunks = 2
        settings.updateInterval = .seconds(60)
        change(&settings)
        try settings.validate()
        desk = SplitDesk(settings: settings, origin: 9, checksum: testChecksum)
        ring = try ShardTable.build(members: nodes.map { TableMember(name: $0) }, size: 251)
        for node in nodes { desk.linkUp(node, now: 0) }
    }

    func perform(_ body: (inout SplitDesk, UInt64, inout [SplitAction]) -> Void) {
        var actions: [SplitAction] = []
        body(&desk, now, &actions)
        for action in actions {
            switch action {
            case .send(let message, let node): sent.append((message, node))
            case .ended(let end):
                ends.append(end)
                if end.outcome == .answered, let reached { _ = desk.answered(end.job, reached: reached, now: now) }
            }
        }
    }

    func submit(_ size: Int = 4000, type: RequestTypeSettings = RequestTypeSettings(name: "t")) -> JobID? {
        submit(ShardManagerTests.request(size, type: type))
    }

    /// A payload whose client has cut it in so many pieces of 2,000 bytes: the number does not change as the desk learns.
    func submit(shards: Int) throws -> JobID? {
        var type = RequestTypeSettings(name: "cut")
        type.clientShards = true
        var request = ShardManagerTests.request(type: type)
        request.payload = try ClientShards.payload(of: (0..<shards).map { _ in [UInt8](repeating: 7, count: 2000) })
        return submit(request)
    }

    private func submit(_ request: SplitRequest) -> JobID? {
        var id: JobID?
        let ring = ring
        perform { desk, now, actions in id = try? desk.submit(request, ring: ring, now: now, into: &actions) }
        return id
    }

    func receive(_ message: LinkMessage, from node: String) {
        perform { $0.receive(message, from: node, now: $1, into: &$2) }
    }

    func tick() { perform { $0.tick(now: $1, into: &$2) } }

    /// Messages since the last call.
    func take() -> [(message: LinkMessage, node: String)] {
        defer { sent = [] }
        return sent
    }

    static func answer(_ job: JobID, _ payload: [UInt8]) -> LinkMessage {
        .answer(JobAnswer(job: job, status: .done, payload: payload, checksum: testChecksum(.xxh3, payload)))
    }
}

extension [(message: LinkMessage, node: String)] {
    var openings: [(opening: JobOpening, node: String)] {
        compactMap { if case .opening(let opening) = $0.message { (opening, $0.node) } else { nil } }
    }

    var chunks: [(chunk: Chunk, node: String)] {
        compactMap { if case .chunk(let chunk) = $0.message { (chunk, $0.node) } else { nil } }
    }

    var settled: [String] {
        compactMap { if case .settled = $0.message { $0.node } else { nil } }
    }
}
