import Splitting
import Wire

/// Random numbers that are the same in every run (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

/// Messages of all kinds that are within the limits, at random.
struct MessageSource {
    var numbers: SeededNumbers
    /// The longest payload, in bytes.
    var longest = 300

    init(seed: UInt64) { numbers = SeededNumbers(seed) }

    mutating func upTo(_ bound: Int) -> Int { Int.random(in: 0...bound, using: &numbers) }

    mutating func number<Number: FixedWidthInteger & UnsignedInteger>() -> Number {
        switch upTo(5) {
        case 0: .min
        case 1: .max
        default: Number.random(in: .min ... .max, using: &numbers)
        }
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in number() } }

    mutating func name() -> String {
        let letters = ["a", "Z", "7", "-", ".", "é", "節", "🛶"]
        var name = letters[upTo(7)]
        for _ in 0..<upTo(40) {
            let more = name + letters[upTo(7)]
            if more.utf8.count > LinkFrame.maximumName { break }
            name = more
        }
        return name
    }

    mutating func job() -> JobID { JobID(origin: number(), number: number()) }

    mutating func endpoint() -> Endpoint {
        let address = IPAddress(networkBytes: bytes(upTo(1) == 0 ? 4 : 16))!
        return Endpoint(address: address, port: number())
    }

    mutating func terms(total: Int) -> JobTerms {
        JobTerms(
            job: job(), requestType: upTo(9) == 0 ? "" : name(), total: total,
            endpoints: JobEndpoints(client: endpoint(), virtual: endpoint()), timeLeft: number(),
            checksums: ChecksumAlgorithm.allCases.randomElement(using: &numbers)!)
    }

    mutating func message(_ kind: FrameKind) -> LinkMessage {
        switch kind {
        case .opening:
            let total = 1 + upTo(8)
            return .opening(
                JobOpening(
                    terms: terms(total: total), takeover: number(),
                    holders: (0..<total).map { _ in (0..<upTo(4)).map { _ in name() } },
                    replication: ReplicationMode.allCases.randomElement(using: &numbers)!,
                    reconciliation: Reconciliation.allCases.randomElement(using: &numbers)!, retryAfter: number(),
                    maximumRetries: number(), aggregation: upTo(1) == 0 ? nil : name(),
                    hedgeAfter: number(), hedgeBudget: number(), overdueAfter: number()))
        case .chunk:
            let total = 1 + upTo(1023)
            let terms = terms(total: total)
            let payload = bytes(upTo(longest))
            return .chunk(
                Chunk(
                    terms: terms, index: upTo(total - 1), replica: number(), standby: upTo(1) == 0,
                    reassembly: upTo(3) == 0 ? "" : name(), payload: payload,
                    checksum: terms.checksums.checksum(of: payload)))
        case .result:
            return .result(
                ChunkResult(
                    job: job(), index: upTo(1023), replica: number(),
                    status: ChunkResult.Status.allCases.randomElement(using: &numbers)!, waited: number(),
                    worked: number(), payload: bytes(upTo(longest)), checksum: bytes(upTo(32))))
        case .demand:
            return .demand(
                ChunkDemand(
                    job: job(), index: upTo(1023),
                    reason: ChunkDemand.Reason.allCases.randomElement(using: &numbers)!,
                    tried: (0..<upTo(6)).map { _ in name() }))
        case .overdue:
            return .overdue(
                OverdueChunks(
                    job: job(),
                    chunks: (0..<upTo(8)).map { _ in
                        OverdueChunks.Line(index: upTo(1023), nodes: (0..<upTo(16)).map { _ in name() })
                    }))
        case .answer:
            return .answer(
                JobAnswer(
                    job: job(), status: JobAnswer.Status.allCases.randomElement(using: &numbers)!,
                    payload: bytes(upTo(longest)), checksum: bytes(upTo(32)),
                    chunks: (0..<upTo(6)).map { _ in
                        JobAnswer.ChunkTrace(
                            node: upTo(3) == 0 ? "" : name(), arrived: number(), waited: number(), worked: number(),
                            retries: number())
                    }))
        case .load:
            return .load(
                LoadReport(
                    processor: number(), memory: number(), workers: number(), waiting: number(), queueSize: number(),
                    credit: number(),
                    types: (0..<upTo(5)).map { _ in
                        LoadReport.TypeTime(requestType: name(), microseconds: number(), nanosecondsPerByte: number())
                    }))
        case .settled: return .settled(job())
        case .probe: return .probe(number())
        case .echo, .hello, .proof, .refusal: return .echo(number())
        }
    }

    static let kinds = FrameKind.allCases.filter { !$0.isHandshake }
    mutating func message() -> LinkMessage { message(Self.kinds[upTo(Self.kinds.count - 1)]) }
}
