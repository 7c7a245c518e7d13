import Splitting
import Wire

/// What a node and a child or local application say to each other: one frame asks, one frame answers, in turn.
///
/// All numbers are in network order. A request is
///
/// | offset | bytes | |
/// |---|---|---|
/// | 0 | 4 | bytes that follow |
/// | 4 | 1 | version, 1 |
/// | 5 | 1 | kind: 1 work on a chunk, 2 join the results of all chunks |
/// | 6 | 2 | offset of the body |
/// | 8 | 8 | tag, to be returned |
/// | 16 | 8, 8 | the job: origin, number |
/// | 32 | 4 | the chunk's place, from 0 (*Shard ID*); 0 for a join |
/// | 36 | 4 | chunks of the job (*Total Shards*) |
/// | 40 | 4 | microseconds that are left |
/// | 44 | 1 | the chunk's copy, from 0 |
/// | 45 | 1 | length of the request type's name |
/// | 46 | 16, 2 | the client's address (an IPv4 address as `::ffff:a.b.c.d`) and port |
/// | 64 | 16, 2 | the virtual address and port that the client asked |
/// | 82 | n | the request type's name, UTF-8 |
/// | body | … | the chunk; for a join 4 bytes of length for each result, then the results |
///
/// A reader takes the body's offset from the frame, so that later versions can add fields before it. An answer is
///
/// | offset | bytes | |
/// |---|---|---|
/// | 0 | 4 | bytes that follow |
/// | 4 | 1 | version, 1 |
/// | 5 | 1 | 0: the body is the result; 1: failed, the body says why in UTF-8 |
/// | 6 | 2 | 0 |
/// | 8 | 8 | the request's tag |
/// | 16 | … | the body |
public enum ProcessorFrame {
    /// The version of both frames.
    public static var version: UInt8 { 1 }
    /// Bytes of an answer's header, its length included.
    public static var answerHeader: Int { 16 }
    /// Bytes that an answer may have behind its length.
    public static var maximumAnswer: Int { ChunkWork.maximumResult + answerHeader - 4 }

    /// What a request asks for.
    public enum Request: Sendable {
        /// To work on a chunk.
        case chunk(ChunkWork)
        /// To join the results of all chunks.
        case join([[UInt8]], JobTerms)
    }

    /// The frame of a request.
    ///
    /// - Parameters:
    ///   - tag: returned with the answer.
    ///   - timeLeft: nanoseconds.
    public static func encode(_ request: Request, tag: UInt64, timeLeft: Int64) -> [UInt8] {
        var frame: [UInt8] = []
        switch request {
        case .chunk(let chunk):
            frame.reserveCapacity(128 + chunk.payload.count)
            header(1, chunk.terms, index: chunk.index, replica: chunk.replica, tag, timeLeft, into: &frame)
            frame += chunk.payload
        case .join(let results, let terms):
            frame.reserveCapacity(128 + results.reduce(0) { $0 + $1.count + 4 })
            header(2, terms, index: 0, replica: 0, tag, timeLeft, into: &frame)
            for result in results { frame.append(number: UInt32(result.count)) }
            for result in results { frame += result }
        }
        let length = UInt32(frame.count - 4)
        for place in 0..<4 { frame[place] = UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32(place))) }
        return frame
    }

    private static func header(
        _ kind: UInt8, _ terms: JobTerms, index: Int, replica: UInt8, _ tag: UInt64, _ timeLeft: Int64,
        into frame: inout [UInt8]
    ) {
        let type = Array(terms.requestType.utf8.prefix(255))
        frame.append(number: UInt32(0))
        frame += [version, kind]
        frame.append(number: UInt16(82 + type.count))
        frame.append(number: tag)
        frame.append(number: terms.job.origin)
        frame.append(number: terms.job.number)
        frame.append(number: UInt32(index))
        frame.append(number: UInt32(terms.total))
        frame.append(number: UInt32(min(max(0, timeLeft / 1000), Int64(UInt32.max))))
        frame += [replica, UInt8(type.count)]
        for endpoint in [terms.endpoints.client, terms.endpoints.virtual] {
            let address = endpoint.address.networkBytes
            if address.count == 4 { frame += [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] }
            frame += address
            frame.append(number: endpoint.port)
        }
        frame += type
    }

    /// The length that an answer's first four bytes say.
    ///
    /// - Throws: `garbage` unless it can be that of an answer.
    static func answerLength(_ bytes: ArraySlice<UInt8>) throws(ProcessorError) -> Int {
        let length = Int(bytes.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
        guard (answerHeader - 4...maximumAnswer).contains(length) else {
            throw .garbage("a frame of \(length) bytes; \(answerHeader - 4) to \(maximumAnswer) are possible")
        }
        return length
    }

    /// An answer that was read whole.
    enum Answer: Equatable {
        case result([UInt8])
        case failure(String)
        /// The answer to an earlier request.
        case stale
    }

    /// Reads an answer, its length included.
    ///
    /// - Throws: `garbage`.
    static func decode(answer frame: [UInt8], tag: UInt64) throws(ProcessorError) -> Answer {
        guard frame.count >= answerHeader, try answerLength(frame[0..<4]) == frame.count - 4 else {
            throw .garbage("a frame of \(frame.count) bytes that does not say so")
        }
        guard frame[4] == version else { throw .garbage("version \(frame[4]); this is version \(version)") }
        guard frame[6] == 0, frame[7] == 0 else { throw .garbage("bytes 6 and 7 are not 0") }
        let answered = frame[8..<16].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard answered <= tag else { throw .garbage("the answer to request \(answered), which was not asked yet") }
        guard answered == tag else { return .stale }
        switch frame[5] {
        case 0: return .result(Array(frame[answerHeader...]))
        case 1: return .failure(String(decoding: frame[answerHeader...].prefix(512), as: UTF8.self))
        default: throw .garbage("status \(frame[5]); 0 and 1 are known")
        }
    }
}

extension [UInt8] {
    /// Appends a number in network order.
    fileprivate mutating func append<Number: FixedWidthInteger>(number: Number) {
        for shift in stride(from: Number.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: number >> Number(shift)))
        }
    }
}
