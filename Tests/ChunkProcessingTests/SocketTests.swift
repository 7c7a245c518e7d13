import ChunkProcessing
import Foundation
import Splitting
import Testing
import Wire

/// A local application: the test child behind a socket, in a process of its own.
private final class Application {
    let address: ApplicationAddress
    private let process = Process()

    static let program = """
        import os, signal, socket, struct, sys, time
        signal.alarm(900)
        kind, place, report = sys.argv[1], sys.argv[2], sys.argv[3]
        def ready(port):
            with open(report + '.new', 'w') as f: f.write(str(port))
            os.rename(report + '.new', report)
        def answer(frame):
            version, what, offset, tag = struct.unpack('>BBHQ', frame[4:16])
            body = frame[offset:]
            if body[:1] == b'H': return None
            if body[:1] == b'X': os._exit(0)
            if body[:1] == b'S': time.sleep(0.3)
            if body[:1] == b'G': return b'nonsense, which is no frame at all'
            return struct.pack('>IBBHQ', 12 + len(body), 1, 1 if body[:1] == b'F' else 0, 0, tag) + body
        def whole(c, n):
            data = b''
            while len(data) < n:
                more = c.recv(n - len(data))
                if not more: return data
                data += more
            return data
        if kind == 'udp':
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', int(place)))
            ready(s.getsockname()[1])
            while True:
                frame, peer = s.recvfrom(65536)
                a = answer(frame)
                if a: s.sendto(a, peer)
        if kind == 'unix': s = socket.socket(socket.AF_UNIX); s.bind(place)
        else:
            s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(('127.0.0.1', int(place)))
        s.listen(8)
        ready(0 if kind == 'unix' else s.getsockname()[1])
        while True:
            c, _ = s.accept()
            while True:
                head = whole(c, 4)
                if len(head) < 4: break
                a = answer(head + whole(c, struct.unpack('>I', head)[0]))
                try:
                    if a: c.sendall(a)
                except OSError: break
                if a and a[:8] == b'nonsense': break
            c.close()
        """

    /// - Parameter place: a port, 0 for any, or a path.
    init(_ kind: String, _ place: String) throws {
        let report = NSTemporaryDirectory() + "ab-\(UUID().uuidString).port"
        defer { try? FileManager.default.removeItem(atPath: report) }
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = ["-c", Self.program, kind, place, report]
        try process.run()
        var port: String?
        let end = ContinuousClock.now + .seconds(20)
        while port == nil, process.isRunning, ContinuousClock.now < end {
            usleep(5000)
            port = try? String(contentsOfFile: report, encoding: .utf8)
        }
        guard let port else { throw NotStarted(kind: kind, place: place) }
        address = ApplicationAddress(kind == "unix" ? "unix:\(place)" : "\(kind):127.0.0.1:\(port)")!
    }

    struct NotStarted: Error {
        let kind: String
        let place: String
    }

    var port: String { address.description.split(separator: ":").last.map(String.init) ?? "" }

    func end() {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        if case .unix(let path) = address { unsafe unlink(path) }
    }
}

@Suite(.serialized) struct SocketTests {
    private static func start(_ kind: String) throws -> Application {
        try Application(kind, kind == "unix" ? NSTemporaryDirectory() + "ab-\(UUID().uuidString.prefix(8)).s" : "0")
    }

    private static func ask(
        _ processor: SocketProcessor, _ payload: [UInt8], _ limit: Duration = .seconds(20)
    ) async -> Result<[UInt8], ProcessorError> {
        await onThread {
            Result { () throws(ProcessorError) in try processor.process(work(payload), WorkLimit(limit)) }
        }
    }

    @Test(arguments: ["udp", "tcp", "unix"]) func theApplicationAnswers(_ kind: String) async throws {
        let application = try Self.start(kind)
        defer { application.end() }
        let processor = SocketProcessor(application.address, connections: 1)
        defer { processor.stop() }
        for size in [1, 1400, 60_000] {
            let payload = bytes(size).map { $0 | 0x80 }
            #expect(await Self.ask(processor, payload) == .success(payload))
        }
        #expect(await Self.ask(processor, Array("Fie".utf8)) == .failure(.failed("Fie")))
        #expect(await Self.ask(processor, [1]) == .success([1]))
    }

    @Test(arguments: ["udp", "tcp", "unix"]) func silenceEndsAtTheLimit(_ kind: String) async throws {
        let application = try Self.start(kind)
        defer { application.end() }
        let processor = SocketProcessor(application.address)
        defer { processor.stop() }
        #expect(await Self.ask(processor, Array("H".utf8), .milliseconds(150)) == .failure(.timeLimit))
        try await Task.sleep(for: .milliseconds(120))
        #expect(await Self.ask(processor, [1]) == .success([1]))
    }

    /// The answer to a request that was given up must not be taken for the answer to the next.
    @Test(arguments: ["udp", "tcp", "unix"]) func aLateAnswerIsNobodyElses(_ kind: String) async throws {
        let application = try Self.start(kind)
        defer { application.end() }
        let processor = SocketProcessor(application.address)
        defer { processor.stop() }
        #expect(await Self.ask(processor, Array("Slow".utf8), .milliseconds(100)) == .failure(.timeLimit))
        try await Task.sleep(for: .milliseconds(120))
        #expect(await Self.ask(processor, [7]) == .success([7]))
    }

    @Test(arguments: ["udp", "tcp", "unix"]) func garbageIsRefused(_ kind: String) async throws {
        let application = try Self.start(kind)
        defer { application.end() }
        let processor = SocketProcessor(application.address)
        defer { processor.stop() }
        let answer = await Self.ask(processor, Array("G".utf8))
        guard case .failure(.garbage) = answer else {
            Issue.record("\(answer)")
            return
        }
        try await Task.sleep(for: .milliseconds(120))
        #expect(await Self.ask(processor, [1]) == .success([1]))
    }

    @Test(arguments: ["udp", "tcp", "unix"]) func anApplicationThatIsGoneIsSaidAndFoundAgain(_ kind: String)
        async throws
    {
        let application = try Self.start(kind)
        let processor = SocketProcessor(application.address)
        defer { processor.stop() }
        #expect(await Self.ask(processor, [1]) == .success([1]))
        application.end()
        for _ in 0..<3 {
            let answer = await Self.ask(processor, [1], .milliseconds(500))
            guard case .failure(.unavailable) = answer else {
                Issue.record("\(answer)")
                return
            }
        }
        if case .unix(let path) = application.address { unsafe unlink(path) }
        let place = kind == "unix" ? String(application.address.description.dropFirst(5)) : application.port
        let again = try Application(kind, place)
        defer { again.end() }
        let end = ContinuousClock.now + .seconds(10)
        var answer = await Self.ask(processor, [1])
        while answer != .success([1]), ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(50))
            answer = await Self.ask(processor, [1])
        }
        #expect(answer == .success([1]))
        if case .unix(let path) = again.address { unsafe unlink(path) }
    }

    @Test func aChunkThatFitsNoDatagramIsRefused() async throws {
        let application = try Self.start("udp")
        defer { application.end() }
        let processor = SocketProcessor(application.address)
        defer { processor.stop() }
        #expect(await Self.ask(processor, bytes(65_500)) == .failure(.tooLong(65_583, limit: 65_507)))
        #expect(await Self.ask(processor, [1]) == .success([1]))
    }

    @Test func addressesReadAsTheyAreWritten() {
        for text in ["udp:127.0.0.1:9000", "tcp:[::1]:9000", "unix:/run/a.sock"] {
            #expect(ApplicationAddress(text)?.description == text)
        }
        for text in ["", "udp", "udp:localhost:1", "sctp:127.0.0.1:1", "unix:relative", "unix:/", "tcp:127.0.0.1:0"] {
            #expect(ApplicationAddress(text) == nil)
        }
    }
}
