import Glibc
import Hosting
import JSONText
import Testing

@testable import Control

/// A server on a socket of its own that answers with what it was asked.
private final class Echo: Sendable {
    let path: String
    let server: ControlServer

    init(clients: Int = 16, timeout: Duration = .seconds(5)) throws {
        path = "/tmp/ab-test-\(UInt32.random(in: 0...(.max))).sock"
        var limits = ControlServer.Limits()
        limits.clients = clients
        limits.timeout = timeout
        server = try ControlServer(path: path, group: "ab-no-such-group", limits: limits) { request in
            request.command == ["fail"]
                ? .error(ControlError("failed", "as asked")) : .data(JSONValue(request.command))
        }
    }

    deinit { server.stop() }

    func ask(_ words: String...) throws -> JSONValue {
        try ControlClient.ask(ControlRequest(words), socket: path, seconds: 5)
    }
}

/// A client that can misbehave.
private final class RawClient {
    let descriptor: Int32

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try #require(connectTo(path, descriptor) == 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Int { unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// Everything up to the end of the connection.
    func readToEnd() -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { return all }
            all += chunk[..<count]
        }
    }

    /// The code of the error that the server said before it closed.
    func refusal() throws -> String? {
        var decoder = FrameDecoder(limit: 1 << 20)
        decoder.append(readToEnd())
        guard let body = try decoder.next(), case .error(let error)? = ControlAnswer(body: body) else { return nil }
        return error.code
    }
}

private func connectTo(_ path: String, _ descriptor: Int32) -> Int32 {
    unsafe withUnixAddress(path) { unsafe connect(descriptor, $0, $1) }
}

struct ControlServerTests {
    @Test func questionsAreAnsweredAndErrorsComeAsErrors() throws {
        let echo = try Echo()
        #expect(try echo.ask("show", "status") == ["show", "status"])
        #expect(throws: ControlClient.Failure.refused(ControlError("failed", "as asked"))) { try echo.ask("fail") }
    }

    @Test func theSocketIsForOwnerAndGroupAloneAndGoesWithTheServer() throws {
        var echo: Echo? = try Echo()
        let path = echo!.path
        var status = stat()
        #expect(unsafe stat(path, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o660)
        echo!.server.stop()
        echo = nil
        unsafe #expect(access(path, F_OK) != 0)
    }

    @Test func oneConnectionCarriesManyRequestsAlsoSentAtOnce() throws {
        let echo = try Echo()
        let client = try RawClient(echo.path)
        let bytes = (0..<50).flatMap { Frame.encode(ControlRequest(["n\($0)"]).body) }
        client.send(bytes)
        shutdown(client.descriptor, Int32(SHUT_WR))
        var decoder = FrameDecoder(limit: 1 << 20)
        decoder.append(client.readToEnd())
        for index in 0..<50 {
            let body = try #require(try decoder.next())
            guard case .data(let data)? = ControlAnswer(body: body) else {
                Issue.record("no answer")
                return
            }
            #expect(data == [JSONValue("n\(index)")])
        }
    }

    @Test func hostileFramesAreRefusedAndOthersServed() throws {
        let echo = try Echo()
        let huge = try RawClient(echo.path)
        huge.send([0xFF, 0xFF, 0xFF, 0xFF] + [UInt8](repeating: 0x41, count: 1000))
        #expect(try huge.refusal() == "bad_frame")
        let empty = try RawClient(echo.path)
        empty.send([0, 0, 0, 0])
        #expect(try empty.refusal() == "bad_frame")
        let noJSON = try RawClient(echo.path)
        noJSON.send(Frame.encode(Array("{]".utf8)))
        shutdown(noJSON.descriptor, Int32(SHUT_WR))
        #expect(try noJSON.refusal() == "bad_request")
        #expect(try echo.ask("still", "here") == ["still", "here"])
    }

    @Test func slowBytesEndWithTheTimeForARequest() throws {
        let echo = try Echo(timeout: .milliseconds(300))
        let slow = try RawClient(echo.path)
        let frame = Frame.encode(ControlRequest(["slow"]).body)
        for byte in frame.prefix(10) {
            slow.send([byte])
            usleep(50_000)
        }
        #expect(try slow.refusal() == "timeout")
        #expect(try echo.ask("a") == ["a"])
    }

    @Test func aClientThatNeverReadsItsAnswersIsSentAway() throws {
        let echo = try Echo(timeout: .milliseconds(300))
        let deaf = try RawClient(echo.path)
        _ = fcntl(deaf.descriptor, F_SETFL, O_NONBLOCK)
        let frame = Frame.encode(ControlRequest([String(repeating: "x", count: 60_000)]).body)
        for _ in 0..<20 { deaf.send(frame) }
        usleep(500_000)
        #expect(try echo.ask("a") == ["a"])
    }

    @Test func idleClientsMakeRoomAndBusyOnesDoNot() throws {
        let echo = try Echo(clients: 4)
        let idle = try (0..<4).map { _ in try RawClient(echo.path) }
        usleep(50_000)
        #expect(try echo.ask("a") == ["a"], "an idle client went")
        withExtendedLifetime(idle) {}
        let busy = try (0..<4).map { _ in
            let client = try RawClient(echo.path)
            client.send([0, 0])
            usleep(20_000)
            return client
        }
        #expect(throws: ControlClient.Failure.self) { try echo.ask("b") }
        withExtendedLifetime(busy) {}
    }

    @Test func seededNoiseNeverHarmsTheServer() throws {
        let echo = try Echo(timeout: .milliseconds(500))
        var random = Seeded(state: 99)
        for _ in 0..<300 {
            let client = try RawClient(echo.path)
            let valid = Frame.encode(ControlRequest(["noise"]).body)
            var bytes =
                Bool.random(using: &random)
                ? (0..<Int.random(in: 0...600, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
                : valid
            if !bytes.isEmpty {
                for _ in 0..<3 {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(in: 0...255, using: &random)
                }
            }
            client.send(bytes)
        }
        #expect(try echo.ask("alive") == ["alive"])
    }

    @Test func aStaleSocketIsReplacedALiveOneAndOtherFilesAreNot() throws {
        let path = "/tmp/ab-test-\(UInt32.random(in: 0...(.max))).sock"
        defer { unsafe unlink(path) }
        let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        unsafe #expect(withUnixAddress(path) { unsafe bind(stale, $0, $1) } == 0)
        close(stale)
        let server = try ControlServer(path: path, group: "root") { _ in .data("first") }
        #expect(throws: ControlError.self) { try ControlServer(path: path, group: "root") { _ in .data("second") } }
        #expect(try ControlClient.ask(ControlRequest(["x"]), socket: path) == "first")
        server.stop()
        unsafe unlink(path)
        unsafe close(creat(path, 0o600))
        #expect(throws: ControlError.self) { try ControlServer(path: path, group: "root") { _ in .data("third") } }
    }

    @Test func aMissingDaemonIsUnreachable() {
        #expect(throws: ControlClient.Failure.unreachable("/tmp/ab-none.sock: No such file or directory")) {
            try ControlClient.ask(ControlRequest(["x"]), socket: "/tmp/ab-none.sock")
        }
    }
}
