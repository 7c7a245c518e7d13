import ChunkProcessing
import Configuration
import Wire

/// The processors of one configuration by name, and what request types do with them. They are ended when the last work
/// with them is done: a reload makes another set and forgets this one. Ending them may take a while, so that is done by
/// a thread of ``ProcessorEndings``.
final class ProcessorSet: Sendable {
    private let processors: [String: any ChunkProcessor]
    private let types: [String: RequestTypeConfiguration]
    /// Those that this set made, and has to end.
    private let own: [any ChunkProcessor]
    private let endings: ProcessorEndings

    /// - Parameters:
    ///   - workers: how many pieces of work there are at once.
    ///   - linked: processors that the program brings along, by name; they are not ended.
    ///   - endings: ends them, when that time has come.
    /// - Throws: `unavailable` when the system has nothing left for a processor.
    init(
        _ configuration: NodeConfiguration, workers: Int, linked: [String: any ChunkProcessor],
        endings: ProcessorEndings
    ) throws(ProcessorError) {
        var processors: [String: any ChunkProcessor] = [
            "identity": IdentityProcessor(), "sha256": SHA256Processor(), "crc32": CRC32Processor(),
            "gzip": GzipProcessor(),
        ]
        for (name, processor) in linked { processors[name] = processor }
        var own: [any ChunkProcessor] = []
        do throws(ProcessorError) {
            // Those that wait call one of the others.
            for entry in configuration.processors where entry.kind != .delay {
                let processor = try Self.processor(entry, workers: workers)
                processors[entry.name] = processor
                own.append(processor)
            }
        } catch {
            for processor in own { processor.stop() }
            throw error
        }
        for entry in configuration.processors where entry.kind == .delay {
            processors[entry.name] = DelayProcessor(
                perChunk: entry.perChunk, perByte: entry.perByte, then: processors[entry.then] ?? IdentityProcessor())
        }
        self.processors = processors
        self.own = own
        self.endings = endings
        types = Dictionary(configuration.requestTypes.map { ($0.name, $0) }) { first, _ in first }
    }

    deinit { endings.end(own) }

    /// How a type's chunks are worked on; nil when the node does not know the type.
    func plan(for requestType: String) -> RequestPlan? {
        guard let type = types[requestType] ?? types[RequestTypeConfiguration.fallbackName],
            let processor = processors[type.processor]
        else { return nil }
        let (seconds, attoseconds) = type.timeLimit.components
        return RequestPlan(
            name: type.name, processor: processor, aggregation: type.aggregation,
            joiner: type.aggregation.flatMap { processors[$0] },
            urgency: type.urgency, timeLimit: seconds * 1_000_000_000 + attoseconds / 1_000_000_000, processors: self)
    }

    /// How a job is joined: as the load balancer says, else as the type says. Nil when the node does not know the type
    /// or the processor.
    func joining(_ requestType: String, aggregation: String?) -> RequestPlan? {
        guard var plan = plan(for: requestType) else { return nil }
        if let aggregation {
            guard let joiner = processors[aggregation] else { return nil }
            plan.aggregation = aggregation
            plan.joiner = joiner
        }
        return plan
    }

    private static func processor(
        _ entry: ProcessorConfiguration, workers: Int
    ) throws(ProcessorError) -> any ChunkProcessor {
        switch entry.kind {
        case .gzip: return GzipProcessor(level: entry.level)
        case .exec:
            return try ExecProcessor(
                entry.name,
                ExecSettings(
                    command: entry.command, environment: entry.environment, children: entry.children ?? workers))
        case .socket, .delay: return try application(entry, workers: workers)
        }
    }

    private static func application(
        _ entry: ProcessorConfiguration, workers: Int
    ) throws(ProcessorError) -> any ChunkProcessor {
        guard let address = ApplicationAddress(entry.address) else {
            throw .unavailable("processor \(entry.name): \"\(entry.address)\" is no address")
        }
        return SocketProcessor(address, connections: entry.connections ?? workers)
    }
}
