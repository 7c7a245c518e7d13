import Glibc
import Splitting
import Synchronization
import Wire

/// Lets a local application work on chunks, asked over UDP, TCP or a Unix stream socket with ``ProcessorFrame``s.
///
/// * As many connections as chunks may be asked for at once; each has one request under way. They are made when they
///   are needed and kept.
/// * A connection that ended while it was idle is made anew at once. After a failure the next attempt waits a growing
///   pause (0.1 s … 10 s); what is asked meanwhile fails at once.
/// * Over UDP a frame is one datagram, so chunk and result have to fit one (65,507 bytes with the frame's header).
///   An answer that does not come in time fails the chunk; answers that come later are passed over by their tag.
public final class SocketProcessor: ChunkProcessor {
    private final class Place: Sendable {
        struct State {
            var descriptor: Int32 = -1
            var backOff = BackOff()
            /// Requests are numbered, so that a late answer is not taken for another's.
            var tag: UInt64 = 0

            mutating func close() {
                if descriptor >= 0 { _ = Glibc.close(descriptor) }
                descriptor = -1
            }
        }
        /// Held by the thread that sits here, so never waited for.
        let state = Mutex(State())
    }

    private let address: ApplicationAddress
    private let places: [Place]
    private let seats: Seats

    /// Asks the application at `address`, over at most `connections` at once. SIGPIPE is ignored from now on by the
    /// whole process.
    public init(_ address: ApplicationAddress, connections: Int = 1) {
        self.address = address
        let count = max(1, connections)
        places = (0..<count).map { _ in Place() }
        seats = Seats(count)
        signal(SIGPIPE, SIG_IGN)
    }

    /// The application's answer.
    public func process(_ chunk: ChunkWork, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
        try ask(.chunk(chunk), limit)
    }

    /// The application's answer to a join.
    public func join(_ results: [[UInt8]], of job: JobTerms, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
        try ask(.join(results, job), limit)
    }

    /// Closes the connections.
    public func stop() {
        for place in places { place.state.withLock { $0.close() } }
    }

    private func ask(_ request: ProcessorFrame.Request, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
        let seat = try seats.take(limit)
        defer { seats.giveBack(seat) }
        return try places[seat].state.withLock { state throws(ProcessorError) in
            try self.ask(request, &state, limit)
        }
    }

    private func ask(
        _ request: ProcessorFrame.Request, _ state: inout Place.State, _ limit: WorkLimit
    ) throws(ProcessorError) -> [UInt8] {
        // What waits on an idle stream can only be its end, or garbage.
        if state.descriptor >= 0, !address.isDatagram, Self.isReadable(state.descriptor) { state.close() }
        if state.descriptor < 0 { try connect(&state, limit) }
        state.tag += 1
        let frame = ProcessorFrame.encode(request, tag: state.tag, timeLeft: limit.left)
        let answer: ProcessorFrame.Answer
        do throws(ProcessorError) {
            if address.isDatagram {
                answer = try DatagramChannel(descriptor: state.descriptor).exchange(frame, tag: state.tag, limit)
            } else {
                let channel = FrameChannel(reader: state.descriptor, writer: state.descriptor)
                answer = try channel.exchange(frame, tag: state.tag, limit)
            }
        } catch {
            switch error {
            case .tooLong: break
            case .timeLimit where address.isDatagram, .cancelled where address.isDatagram: break
            case .cancelled: state.close()
            default: fail(&state)
            }
            throw error
        }
        state.backOff.succeeded()
        switch answer {
        case .result(let bytes): return bytes
        case .failure(let reason): throw .failed(reason)
        case .stale: throw .garbage("an answer to another request")
        }
    }

    private func fail(_ state: inout Place.State) {
        state.close()
        state.backOff.failed(now: WorkLimit.now)
    }

    private func connect(_ state: inout Place.State, _ limit: WorkLimit) throws(ProcessorError) {
        guard state.backOff.mayTry(now: WorkLimit.now) else {
            throw .unavailable("\(address) failed \(state.backOff.count) times; it is tried again after a pause")
        }
        do throws(ProcessorError) {
            state.descriptor = try address.connect()
            // A stream's connection stands when it can be written to.
            while !address.isDatagram {
                var wait = pollfd(fd: state.descriptor, events: Int16(POLLOUT), revents: 0)
                if unsafe poll(&wait, 1, try limit.wait()) > 0 { break }
            }
            var code: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            unsafe getsockopt(state.descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
            guard code == 0 else { throw .unavailable("\(address): \(systemMessage(code))") }
        } catch {
            fail(&state)
            throw error
        }
    }

    private static func isReadable(_ descriptor: Int32) -> Bool {
        var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&wait, 1, 0) > 0
    }
}
