import Splitting
import Testing
import Wire

@Suite("Frames on links")
struct LinkFrameTests {
    /// The message in a frame that is given in one piece.
    private func decode(_ frame: [UInt8]) throws(LinkError) -> LinkMessage? {
        var decoder = LinkFrameDecoder()
        decoder.append(frame)
        return try decoder.nextMessage()
    }

    @Test(arguments: MessageSource.kinds)
    func everyMessageComesBackAsItWas(_ kind: FrameKind) throws {
        var source = MessageSource(seed: UInt64(kind.rawValue))
        for _ in 0..<300 {
            let message = source.message(kind)
            let frame = try message.encoded()
            #expect(frame[5] == kind.rawValue)
            #expect(frame.count <= LinkFrame.headerLength + LinkFrame.maximumBody(of: kind))
            #expect(try decode(frame) == message)
        }
    }

    @Test func aStreamInPiecesOfAnySizeGivesTheSameMessages() throws {
        var source = MessageSource(seed: 11)
        let messages = (0..<60).map { _ in source.message() }
        var stream: [UInt8] = []
        for message in messages { stream += try message.encoded() }
        for size in [1, 2, 3, 7, 11, 12, 13, 100, 1000, stream.count] {
            var decoder = LinkFrameDecoder()
            var decoded: [LinkMessage] = []
            for start in stride(from: 0, to: stream.count, by: size) {
                decoder.append(stream[start..<min(stream.count, start + size)])
                while let message = try decoder.nextMessage() { decoded.append(message) }
            }
            #expect(decoded == messages)
            #expect(decoder.pending == 0)
        }
    }

    @Test(arguments: MessageSource.kinds)
    func aFrameCutAtAnyByteOfItsBodyIsRefusedWithThePlace(_ kind: FrameKind) throws {
        var source = MessageSource(seed: 100 + UInt64(kind.rawValue))
        source.longest = 40
        for _ in 0..<10 {
            let frame = try source.message(kind).encoded()
            let body = Array(frame[LinkFrame.headerLength...])
            for length in 0..<body.count {
                var decoder = LinkFrameDecoder()
                // Not whole: the decoder waits.
                decoder.append(frame[..<(LinkFrame.headerLength + length)])
                #expect(try decoder.nextMessage() == nil)
                // Whole, but the header says that it ends early.
                var cut = Array(frame[..<(LinkFrame.headerLength + length)])
                for index in 0..<4 { cut[8 + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index)) }
                do throws(LinkError) {
                    _ = try decode(cut)
                    Issue.record("\(kind) of \(body.count) bytes was taken with \(length)")
                } catch {
                    guard case .truncated(_, let place) = error else {
                        Issue.record("\(kind) cut at \(length): \(error)")
                        continue
                    }
                    #expect(place <= length)
                }
            }
        }
    }

    @Test func aByteBehindTheMessageIsRefused() throws {
        var source = MessageSource(seed: 3)
        for kind in MessageSource.kinds {
            var frame = try source.message(kind).encoded() + [0]
            let length = frame.count - LinkFrame.headerLength
            for index in 0..<4 { frame[8 + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index)) }
            // Kinds of one length are refused by their header already.
            let limit = LinkFrame.maximumBody(of: kind)
            let error: LinkError =
                length > limit ? .frameTooLong(kind, length: length, limit: limit) : .trailing(kind, count: 1)
            #expect(throws: error) { try decode(frame) }
        }
    }

    @Test func eachKindTakesItsLongestMessageAndNotAByteMore() throws {
        var source = MessageSource(seed: 4)
        let name = String(repeating: "n", count: LinkFrame.maximumName)
        var terms = source.terms(total: LinkFrame.maximumChunks)
        terms.requestType = name
        terms.endpoints.client = Endpoint("[2001:db8::1]:1")!
        terms.endpoints.virtual = Endpoint("[2001:db8::2]:1")!
        terms.checksums = .sha256
        let sum = [UInt8](repeating: 1, count: 32)
        let holders = Array(
            repeating: Array(repeating: name, count: LinkFrame.maximumHolders), count: LinkFrame.maximumChunks)
        let traces = Array(
            repeating: JobAnswer.ChunkTrace(node: name, arrived: 0, waited: 0, worked: 0, retries: 0),
            count: LinkFrame.maximumChunks)
        let types = Array(
            repeating: LoadReport.TypeTime(requestType: name, microseconds: 1, nanosecondsPerByte: 1),
            count: LinkFrame.maximumTypes)
        let longest: [LinkMessage] = [
            .opening(
                JobOpening(
                    terms: terms, takeover: 0, holders: holders, replication: .standby, reconciliation: .first,
                    retryAfter: 0, maximumRetries: 0, aggregation: name)),
            .chunk(
                Chunk(
                    terms: terms, index: 0, replica: 0, standby: true, reassembly: name,
                    payload: [UInt8](repeating: 0, count: LinkFrame.maximumChunk), checksum: sum)),
            .result(
                ChunkResult(
                    job: terms.job, index: 0, replica: 0, status: .done,
                    payload: [UInt8](repeating: 0, count: LinkFrame.maximumResult), checksum: sum)),
            .demand(
                ChunkDemand(
                    job: terms.job, index: 0, reason: .late,
                    tried: Array(repeating: name, count: LinkFrame.maximumTried))),
            .answer(
                JobAnswer(
                    job: terms.job, status: .done, payload: [UInt8](repeating: 0, count: LinkFrame.maximumResult),
                    checksum: sum, chunks: traces)),
            .settled(terms.job),
            .load(
                LoadReport(
                    processor: 0, memory: 0, workers: 0, waiting: 0, queueSize: 0, credit: 0, types: types)),
            .probe(0), .echo(0),
            .overdue(
                OverdueChunks(
                    job: terms.job,
                    chunks: Array(
                        repeating: OverdueChunks.Line(
                            index: 0, nodes: Array(repeating: name, count: LinkFrame.maximumHolders)),
                        count: LinkFrame.maximumChunks))),
        ]
        #expect(longest.map(\.kind) == MessageSource.kinds)
        for message in longest {
            let frame = try message.encoded()
            // The limit is exact: what the header may announce is what the longest message has.
            #expect(frame.count == LinkFrame.headerLength + LinkFrame.maximumBody(of: message.kind))
            #expect(try decode(frame) == message)
        }
    }

    @Test func whatIsOverALimitIsRefusedBeforeItIsSent() {
        var source = MessageSource(seed: 5)
        let long = String(repeating: "n", count: LinkFrame.maximumName + 1)
        let terms = source.terms(total: 4)
        func chunk(_ change: (inout Chunk) -> Void) -> LinkMessage {
            var chunk = Chunk(
                terms: terms, index: 0, replica: 0, standby: false, reassembly: "n1", payload: [1], checksum: [])
            change(&chunk)
            return .chunk(chunk)
        }
        #expect(throws: LinkError.self) { try chunk { $0.payload = .init(repeating: 0, count: 65_536) }.encoded() }
        #expect(throws: LinkError.self) { try chunk { $0.index = 4 }.encoded() }
        #expect(throws: LinkError.self) { try chunk { $0.index = -1 }.encoded() }
        #expect(throws: LinkError.self) { try chunk { $0.terms.total = 1025 }.encoded() }
        #expect(throws: LinkError.self) { try chunk { $0.terms.total = 0 }.encoded() }
        #expect(throws: LinkError.self) { try chunk { $0.reassembly = long }.encoded() }
        #expect(throws: LinkError.self) { try chunk { $0.reassembly = "a\u{1B}[2J" }.encoded() }
        #expect(throws: LinkError.self) { try chunk { $0.terms.requestType = long }.encoded() }
        #expect(throws: LinkError.self) { try chunk { $0.checksum = .init(repeating: 0, count: 33) }.encoded() }
        let opening = JobOpening(
            terms: terms, takeover: 0, holders: Array(repeating: Array(repeating: "n", count: 17), count: 4),
            replication: .standby, reconciliation: .first, retryAfter: 0, maximumRetries: 0)
        #expect(throws: LinkError.self) { try LinkMessage.opening(opening).encoded() }
        var fewer = opening
        fewer.holders = [["n"]]
        #expect(throws: LinkError.self) { try LinkMessage.opening(fewer).encoded() }
        let result = ChunkResult(
            job: terms.job, index: 0, replica: 0, status: .done,
            payload: .init(repeating: 0, count: LinkFrame.maximumResult + 1))
        #expect(throws: LinkError.self) { try LinkMessage.result(result).encoded() }
    }

    @Test func aFrameOfFourGigabytesIsRefusedByItsHeaderAlone() {
        for kind in FrameKind.allCases {
            var decoder = LinkFrameDecoder()
            decoder.append([0x41, 0x42, 0x4C, 0x4B, 1, kind.rawValue, 0, 0, 0xFF, 0xFF, 0xFF])
            #expect(throws: Never.self) { try decoder.nextMessage() }
            decoder.append([0xFF])
            let limit = LinkFrame.maximumBody(of: kind)
            #expect(throws: LinkError.frameTooLong(kind, length: 0xFFFF_FFFF, limit: limit)) {
                try decoder.nextMessage()
            }
        }
    }

    @Test func aHeaderThatIsNotOursIsNamed() {
        func header(_ magic: UInt32, _ version: UInt8, _ kind: UInt8, _ flags: UInt16) -> [UInt8] {
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: magic >> $0) }
                + [version, kind, UInt8(flags >> 8), UInt8(flags & 255), 0, 0, 0, 8] + [UInt8](repeating: 0, count: 8)
        }
        #expect(throws: LinkError.notAFrame(magic: 0x4745_5420)) { try decode(header(0x4745_5420, 1, 8, 0)) }
        #expect(throws: LinkError.version(2)) { try decode(header(LinkFrame.magic, 2, 8, 0)) }
        #expect(throws: LinkError.unknownKind(77)) { try decode(header(LinkFrame.magic, 1, 77, 0)) }
        #expect(throws: LinkError.unknownFlags(0x0100)) { try decode(header(LinkFrame.magic, 1, 8, 0x0100)) }
        #expect(throws: LinkError.outOfPlace(.hello)) { try decode(header(LinkFrame.magic, 1, 64, 0)) }
        #expect(throws: Never.self) { try decode(header(LinkFrame.magic, 1, 8, 0)) }
    }

    @Test func twoHundredThousandDamagedFramesNeverTrapAndNeverSlipThrough() throws {
        var source = MessageSource(seed: 42)
        source.longest = 60
        let frames = try (0..<400).map { _ in try source.message().encoded() }
        var (refused, taken, waiting) = (0, 0, 0)
        for round in 0..<200_000 {
            var frame = frames[round % frames.count]
            for _ in 0...source.upTo(3) { mutate(&frame, &source) }
            var decoder = LinkFrameDecoder()
            decoder.append(frame)
            do throws(LinkError) {
                while let message = try decoder.nextMessage() {
                    taken += 1
                    // What is taken is within all limits, so that it can be sent on.
                    var again = LinkFrameDecoder()
                    again.append(try message.encoded())
                    #expect(try again.nextMessage() == message)
                }
                waiting += 1
            } catch {
                refused += 1
            }
        }
        // Each way out is taken often; otherwise the test would say nothing.
        #expect(refused > 20_000)
        #expect(taken > 20_000)
        #expect(waiting > 20_000)
    }

    private func mutate(_ frame: inout [UInt8], _ source: inout MessageSource) {
        guard !frame.isEmpty else { return frame = source.bytes(20) }
        let place = source.upTo(frame.count - 1)
        switch source.upTo(5) {
        case 0: frame[place] ^= 1 << UInt8(source.upTo(7))
        case 1: frame[place] = source.number()
        case 2: frame.removeSubrange(place...)
        case 3: frame.insert(contentsOf: source.bytes(1 + source.upTo(4)), at: place)
        case 4: frame[min(place, frame.count - 1)] = [0, 1, 127, 128, 255][source.upTo(4)]
        default:
            // The length, so that the rest of the body is judged and not the length alone.
            guard frame.count >= LinkFrame.headerLength else { return }
            let length = frame.count - LinkFrame.headerLength
            for index in 0..<4 { frame[8 + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index)) }
        }
    }
}
