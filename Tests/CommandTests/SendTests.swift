import Foundation
import JSONText
import Splitting
import Testing
import Wire

/// `anabranch send` as a program, against a server of the test on the loopback addresses.
struct SendTests {
    @Test(arguments: ["127.0.0.1", "::1"])
    func theAnswerGoesToTheFileAndTheTimeToStandardError(address: String) throws {
        let server = try Server(address) { [Array($0.reversed())] }
        let file = try Scratch("", suffix: ".out")
        let result = run(
            "anabranch", ["send", "--to", server.endpoint, "--size", "60000", "--output", file.path, "--timeout", "5s"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.isEmpty)
        #expect(result.errors.hasPrefix("60000 bytes to \(server.endpoint), 60000 bytes back after "))
        let expected = (0..<60_000).map { UInt8($0 % 251) }
        #expect(server.requests.map(\.bytes) == [expected])
        #expect(try Array(Data(contentsOf: URL(fileURLWithPath: file.path))) == expected.reversed())
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func theFlagIsInTheHeader(address: String) throws {
        let server = try Server(address) { [$0] }
        for dscp in ["0", "46", "63"] {
            let result = run("anabranch", ["send", "--to", server.endpoint, "--size", "8", "--dscp", dscp])
            #expect(result.status == 0, "\(result.errors)")
        }
        #expect(server.requests.map { Int($0.trafficClass) >> 2 } == [0, 46, 63])
    }

    @Test func aFileOrStandardInputIsSentAndTheAnswerWrittenToStandardOutput() throws {
        let server = try Server("127.0.0.1") { [Array("answer to ".utf8) + $0] }
        let file = try Scratch("a file")
        #expect(run("anabranch", ["send", "--to", server.endpoint, "--file", file.path]).output == "answer to a file")
        let line = "printf abc | \(built("anabranch")) send --to \(server.endpoint) -"
        #expect(run("sh", ["-c", line]).output == "answer to abc")
    }

    @Test func shardsComeWithTheirHeader() throws {
        let server = try Server("127.0.0.1") { [$0] }
        #expect(run("anabranch", ["send", "--to", server.endpoint, "--size", "1000", "--shards", "3"]).status == 0)
        let payload = try #require(server.requests.first?.bytes)
        let ranges = try ClientShards.ranges(of: payload.span, maximum: 16)
        #expect(ranges.count == 3)
        #expect(ranges.flatMap { Array(payload[$0]) } == (0..<1000).map { UInt8($0 % 251) })
    }

    @Test func anAnswerInPartsIsJoinedInWhateverOrderItComes() throws {
        let answer = (0..<150_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let server = try Server("127.0.0.1") { _ in
            Array(AnswerParts.datagrams(of: answer, id: 5, datagram: 50_000).reversed())
        }
        let file = try Scratch("", suffix: ".out")
        let result = run(
            "anabranch", ["send", "--to", server.endpoint, "--size", "1", "--output", file.path, "--json"])
        #expect(result.status == 0, "\(result.errors)")
        let json = try JSONValue(parsing: result.output)
        #expect(json["answer_bytes"]?.int == 150_000)
        #expect(json["datagrams"]?.int == 4)
        #expect(try Array(Data(contentsOf: URL(fileURLWithPath: file.path))) == answer)
    }

    @Test func repeatedRequestsAreCountedAndCompared() throws {
        let server = try Server("127.0.0.1") { $0.count == 9 ? [[1]] : [] }
        server.vary = true
        let result = run("anabranch", ["send", "--to", server.endpoint, "--size", "9", "--repeat", "5", "--json"])
        #expect(result.status == 0, "\(result.errors)")
        let json = try JSONValue(parsing: result.output)
        #expect(json["requests"]?.int == 5)
        #expect(json["answered"]?.int == 5)
        #expect(json["different"]?.int == 4)
        #expect(json["sent_bytes"]?.int == 9)
        // Each from a socket of its own.
        #expect(Set(server.requests.map(\.port)).count > 1)
    }

    @Test func noAnswerAndAnAnswerFromElsewhereAreFailures() throws {
        let silent = try Server("127.0.0.1") { _ in [] }
        let begin = Date()
        let result = run("anabranch", ["send", "--to", silent.endpoint, "--size", "1", "--timeout", "200ms"])
        #expect(result.status == 1)
        #expect(result.errors.contains("\(silent.endpoint) did not answer within 200 ms"), "\(result.errors)")
        #expect(-begin.timeIntervalSinceNow > 0.2)
        let stranger = try Server("127.0.0.1", elsewhere: true) { [$0] }
        let other = run(
            "anabranch", ["send", "--to", stranger.endpoint, "--size", "1", "--timeout", "200ms", "--json"])
        #expect(other.status == 1)
        #expect(try JSONValue(parsing: other.output)["answered"]?.int == 0)
        #expect(stranger.requests.count == 1)
    }

    @Test func aPortThatNobodyListensOnIsSaidAtOnce() throws {
        let endpoint = try Server("127.0.0.1") { [$0] }.endpoint
        // The server is gone again.
        usleep(300_000)
        let result = run("anabranch", ["send", "--to", endpoint, "--size", "1", "--timeout", "10s"])
        #expect(result.status == 1)
        #expect(result.errors.contains("nobody listens there"), "\(result.errors)")
    }

    @Test(arguments: [
        (["--to", "10.0.0.1"], "no address with port"),
        (["--to", "10.0.0.1:0", "--size", "1"], "no address with port"),
        (["--to", "10.0.0.1:1"], "what to send is missing"),
        (["--to", "10.0.0.1:1", "--size", "1", "-"], "exclude each other"),
        (["--to", "10.0.0.1:1", "--size", "1", "--file", "x"], "exclude each other"),
        (["--to", "10.0.0.1:1", "x"], "unexpected 'x'"),
        (["--to", "10.0.0.1:1", "-", "x"], "unexpected 'x'"),
        (["--to", "10.0.0.1:1", "--size", "1", "--dscp", "64"], "no number from 0 to 63"),
        (["--to", "10.0.0.1:1", "--size", "70000"], "no number from 0 to 65527"),
        (["--to", "10.0.0.1:1", "--size", "1", "--timeout", "2"], "no time up to one hour"),
        (["--to", "10.0.0.1:1", "--size", "1", "--timeout", "-2s"], "no time up to one hour"),
        (["--to", "10.0.0.1:1", "--size", "1", "--shards", "0"], "no number from 1 to"),
        (["--to", "10.0.0.1:1", "--size", "1", "--repeat", "0"], "no number from 1 to"),
        (["--size", "1"], "--to is missing"),
    ])
    func aWrongCommandLineIsUsage(arguments: [String], message: String) {
        let result = run("anabranch", ["send"] + arguments)
        #expect(result.status == 2)
        #expect(result.errors.contains(message), "\(result.errors)")
    }

    @Test func whatCannotBeSentIsAFailureBeforeAnythingIsSent() throws {
        let server = try Server("127.0.0.1") { [$0] }
        let to = ["send", "--to", server.endpoint]
        let long = run("anabranch", to + ["--size", "65508"])
        #expect(long.status == 1)
        #expect(long.errors.contains("a datagram carries 65507 at most"), "\(long.errors)")
        // The shard header counts as well.
        #expect(run("anabranch", to + ["--size", "65507", "--shards", "2"]).status == 1)
        #expect(run("anabranch", to + ["--size", "2", "--shards", "3"]).status == 1)
        #expect(run("anabranch", to + ["--file", "/nonexistent/ab"]).status == 1)
        #expect(server.requests.isEmpty)
    }
}

/// A UDP server on a port of its own, until the value goes.
private final class Server: @unchecked Sendable {
    struct Request {
        var bytes: [UInt8]
        var trafficClass: UInt8
        var port: UInt16
    }

    let endpoint: String
    private let descriptor: Int32
    private let stranger: Int32?
    private let lock = NSLock()
    private var received: [Request] = []
    private var differs = false

    var requests: [Request] { lock.withLock { received } }
    /// Each answer gets one byte more than the last.
    var vary: Bool {
        get { lock.withLock { differs } }
        set { lock.withLock { differs = newValue } }
    }

    init(_ address: String, elsewhere: Bool = false, _ answer: @escaping @Sendable ([UInt8]) -> [[UInt8]]) throws {
        let isIPv4 = !address.contains(":")
        func bound() throws -> Int32 {
            let made = socket(isIPv4 ? AF_INET : AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
            try #require(made >= 0)
            var name = [UInt8](repeating: 0, count: isIPv4 ? 16 : 28)
            name[0] = UInt8(isIPv4 ? AF_INET : AF_INET6)
            name.replaceSubrange(
                (isIPv4 ? 4..<8 : 8..<24), with: IPAddress(address)!.networkBytes)
            let status = unsafe name.withUnsafeBytes {
                unsafe bind(made, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!, socklen_t($0.count))
            }
            try #require(status == 0)
            return made
        }
        let made = try bound()
        descriptor = made
        stranger = elsewhere ? try bound() : nil
        func set(_ level: Int32, _ option: Int32) {
            var on: Int32 = 1
            unsafe setsockopt(made, level, option, &on, socklen_t(MemoryLayout<Int32>.size))
        }
        if isIPv4 { set(Int32(IPPROTO_IP), IP_RECVTOS) } else { set(Int32(IPPROTO_IPV6), IPV6_RECVTCLASS) }
        var patience = timeval(tv_sec: 0, tv_usec: 100_000)
        unsafe setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var name = [UInt8](repeating: 0, count: 28)
        var length = socklen_t(28)
        unsafe name.withUnsafeMutableBytes {
            _ = unsafe getsockname(made, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!, &length)
        }
        let port = UInt16(name[2]) << 8 | UInt16(name[3])
        endpoint = isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
        let sender = stranger ?? made
        // The thread ends, and closes the sockets, soon after the value has gone.
        Thread.detachNewThread { [weak self] in
            while self != nil {
                guard let (request, from) = Self.receive(made) else { continue }
                guard let self else { break }
                var replies = answer(request.bytes)
                self.lock.withLock {
                    self.received.append(request)
                    if self.differs { replies[0] += [UInt8](repeating: 0, count: self.received.count) }
                }
                for reply in replies {
                    _ = unsafe from.withUnsafeBytes {
                        unsafe sendto(
                            sender, reply, reply.count, 0, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!,
                            socklen_t($0.count))
                    }
                }
            }
            close(made)
            if sender != made { close(sender) }
        }
    }

    /// The next datagram with the traffic class of its header, and its sender's address as bytes.
    private static func receive(_ descriptor: Int32) -> (Request, from: [UInt8])? {
        var bytes = [UInt8](repeating: 0, count: 70_000)
        var from = [UInt8](repeating: 0, count: 28)
        var control = [UInt8](repeating: 0, count: 64)
        var nameLength = 0
        let count = unsafe bytes.withUnsafeMutableBytes { data in
            unsafe from.withUnsafeMutableBytes { name in
                unsafe control.withUnsafeMutableBytes { extra in
                    var vector = unsafe iovec(iov_base: data.baseAddress, iov_len: data.count)
                    return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                        var message = unsafe msghdr()
                        unsafe message.msg_name = name.baseAddress
                        unsafe message.msg_namelen = socklen_t(name.count)
                        unsafe message.msg_iov = vector
                        unsafe message.msg_iovlen = 1
                        unsafe message.msg_control = extra.baseAddress
                        unsafe message.msg_controllen = extra.count
                        let count = unsafe recvmsg(descriptor, &message, 0)
                        nameLength = unsafe Int(message.msg_namelen)
                        return count
                    }
                }
            }
        }
        guard count >= 0 else { return nil }
        // One control message: its length (8 bytes), level and type (4 each), then the value's first byte.
        let request = Request(
            bytes: Array(bytes[..<count]), trafficClass: control[16], port: UInt16(from[2]) << 8 | UInt16(from[3]))
        return (request, Array(from[..<nameLength]))
    }
}
