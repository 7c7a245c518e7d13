import Glibc
import JSONText
import Splitting
import Wire

/// `send`: one datagram to a service, and its answer: a client to try splitting with. Needs no daemon.
enum Send {
    static let command = Command(
        words: ["send"],
        optionalOperands: ["-"],
        options: [
            Option(name: "--to", value: "A:P", help: "10.0.0.1:5300 or [fd00::1]:5300", required: true),
            Option(name: "--file", value: "FILE", help: "What to send; - alone: standard input"),
            Option(name: "--size", value: "N", help: "Send N bytes that count from 0 to 250, over and over"),
            Option(name: "--dscp", value: "N", help: "The flag in the IP header, 0 to 63; 0 if not given"),
            Option(name: "--shards", value: "N", help: "Cut the payload into N nearly equal shards, with their header"),
            Option(name: "--timeout", value: "TIME", help: "Wait so long for each answer: 500ms, 2s (default)"),
            Option(name: "--output", value: "FILE", help: "Write the answer there instead of standard output"),
            Option(name: "--repeat", value: "N", help: "Ask N times, one after the other; the first answer is written"),
        ],
        summary: "Send a UDP datagram to a service, write its answer",
        details: """
            The answer counts only if it comes from the very address and port that was asked. One that comes in several
            datagrams is joined. Time taken goes to standard error; with --json an object goes to standard output, and the
            answer only to --output. Exit status 1 if an answer does not come.
            """
    ) { invocation throws(Failure) in
        let request = try SendRequest(invocation)
        var outcome = SendOutcome()
        var failure: Failure?
        for _ in 0..<request.count {
            do throws(Failure) {
                outcome.add(try DatagramExchange.ask(request))
            } catch {
                failure = failure ?? error
            }
        }
        if let answer = outcome.first {
            if let path = request.output {
                try write(answer, path)
            } else if !invocation.has("--json") {
                try write(answer, to: STDOUT_FILENO, "standard output")
            }
        }
        if invocation.has("--json") {
            invocation.console.write(outcome.json(request).description + "\n")
        } else {
            invocation.console.complain(outcome.text(request) + "\n")
        }
        if let failure { throw failure }
    }

    private static func write(_ bytes: [UInt8], _ path: String) throws(Failure) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .failed("\(path): \(reason())") }
        defer { close(descriptor) }
        try write(bytes, to: descriptor, path)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, _ name: String) throws(Failure) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw .failed("\(name): \(reason())") }
            written += count
        }
    }

    /// What errno says.
    static func reason() -> String { unsafe String(cString: strerror(errno)) }
}

/// What `send` was asked to do.
struct SendRequest {
    let to: Endpoint
    /// The datagram, shard header included.
    let payload: [UInt8]
    let dscp: Int
    /// Nanoseconds.
    let timeout: Int
    let output: String?
    let count: Int

    init(_ invocation: Invocation) throws(Failure) {
        let text = invocation["--to"] ?? ""
        guard let endpoint = Endpoint(text), endpoint.port != 0 else {
            throw .usage("--to '\(text)' is no address with port: 10.0.0.1:5300 or [fd00::1]:5300")
        }
        to = endpoint
        dscp = try invocation.number("--dscp", in: 0...63) ?? 0
        count = try invocation.number("--repeat", in: 1...1_000_000) ?? 1
        timeout = try Self.duration(invocation["--timeout"] ?? "2s")
        output = invocation["--output"]
        let shards = try invocation.number("--shards", in: 1...JobTerms.maximumTotal)
        let data = try Self.data(invocation)
        payload = try shards.map { count throws(Failure) in try Self.shards(data, count) } ?? data
        // What the length field of IPv4 leaves beside both headers; in IPv6 it does not count the IP header.
        let longest = endpoint.address.family == .ipv4 ? 65_507 : 65_527
        guard payload.count <= longest else {
            throw .failed("\(payload.count) bytes are to be sent: a datagram carries \(longest) at most")
        }
    }

    private static func shards(_ data: [UInt8], _ count: Int) throws(Failure) -> [UInt8] {
        do throws(ClientShards.Fault) {
            return try ClientShards.payload(cutting: data, into: count)
        } catch {
            throw .failed("--shards \(count): \(error)")
        }
    }

    private static func data(_ invocation: Invocation) throws(Failure) -> [UInt8] {
        let size = try invocation.number("--size", in: 0...65_527)
        switch (invocation["--file"], size, invocation.operands.first) {
        case (let path?, nil, nil):
            let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw .failed("\(path): \(Send.reason())") }
            defer { close(descriptor) }
            return try read(descriptor, path)
        case (nil, let size?, nil): return (0..<size).map { UInt8($0 % 251) }
        case (nil, nil, "-"): return try read(STDIN_FILENO, "standard input")
        case (nil, nil, let operand?): throw .usage("unexpected '\(operand)': - alone means standard input")
        case (nil, nil, nil): throw .usage("what to send is missing: --file FILE, --size N or -")
        default: throw .usage("--file, --size and - exclude each other")
        }
    }

    /// All bytes there are; more than any datagram carries are not read to their end.
    private static func read(_ descriptor: Int32, _ name: String) throws(Failure) -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while all.count <= 65_536 {
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .failed("\(name): \(Send.reason())") }
            if count == 0 { return all }
            all += chunk[..<count]
        }
        throw .failed("\(name) has more bytes than a datagram carries")
    }

    /// "500ms" or "2s" in nanoseconds.
    private static func duration(_ text: String) throws(Failure) -> Int {
        for (unit, factor) in [("ms", 1_000_000), ("us", 1_000), ("s", 1_000_000_000)] where text.hasSuffix(unit) {
            if let number = Double(text.dropLast(unit.count)), number > 0, number * Double(factor) <= 3600e9 {
                return max(Int(number * Double(factor)), 1)
            }
            break
        }
        throw .usage("--timeout '\(text)' is no time up to one hour: 500ms, 2s")
    }
}
