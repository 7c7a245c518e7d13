import Capture
import Glibc
import JSONText
import Testing
import Wire

/// The built programs as an operator runs them, without a daemon.
struct ProgramTests {
    private static let configuration = """
        { pools: { web: { shards: 251, backends: { a: { mark: 101, address: "10.1.0.1" }, b: { mark: 102 } } } },
          services: { dns: { pool: "web", protocols: ["udp"], destinations: ["10.0.0.1"] } } }
        """

    @Test func exitCodesSayWhatHappened() throws {
        let good = try Scratch(Self.configuration)
        let bad = try Scratch("{ pols: {} }")
        #expect(run("anabranch", ["version"]).status == 0)
        #expect(run("anabranch", ["check", good.path]).status == 0)
        #expect(run("anabranch", ["check", bad.path]).status == 1)
        #expect(run("anabranch", ["chekc", good.path]).status == 2)
        #expect(run("anabranch", []).status == 2)
        #expect(run("anabranch", ["show", "status", "--socket", "/tmp/ab-none.sock"]).status == 3)
        #expect(run("anabranchd", ["--config", good.path, "--check"]).status == 0)
        #expect(run("anabranchd", ["--config", bad.path, "--check"]).status == 1)
        #expect(run("anabranchd", ["--config", bad.path]).status == 1)
        #expect(run("anabranchd", ["--chekc"]).status == 2)
        #expect(run("anabranchd", []).status == 2)
        #expect(run("anabranchd", ["--help"]).status == 0)
    }

    @Test func errorsOfAFileNameTheirPlace() throws {
        let bad = try Scratch("{\n  pols: {}\n}")
        for (program, arguments) in [
            ("anabranch", ["check", bad.path]), ("anabranchd", ["--config", bad.path, "--check"]),
        ] {
            let result = run(program, arguments)
            #expect(result.errors.hasPrefix("\(bad.path):2:3: "), "\(result.errors)")
            #expect(result.errors.contains("pools"))
        }
    }

    @Test func outputThatIsNoTerminalHasNoColour() throws {
        let good = try Scratch(Self.configuration)
        for arguments in [["--help"], ["check", good.path], ["rules", "print", "--config", good.path]] {
            #expect(!run("anabranch", arguments).output.contains("\u{1B}"))
        }
    }

    @Test func replayGivesOneLineWithAllKeysForEachFrame() throws {
        let file = try Scratch(Self.configuration)
        let capture = "/tmp/ab-test-\(UInt32.random(in: 0...(.max))).pcap"
        defer { unsafe unlink(capture) }
        let builder = PacketBuilder(from: IPAddress("192.0.2.1")!, to: IPAddress("10.0.0.1")!)
        var writer = try CaptureWriter(path: capture)
        let long = builder.udp(from: 5, to: 53, payload: [UInt8](repeating: 0, count: 3000))
        let packets =
            [builder.udp(from: 5, to: 53), builder.tcp(from: 5, to: 80), [0x45, 0]]
            + PacketBuilder.fragments(of: long, mtu: 1500)
        for packet in packets { try writer.write(packet) }
        try writer.close()
        let result = run("anabranch", ["replay", "--config", file.path, "--pcap", capture])
        #expect(result.status == 0)
        let lines = try result.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        #expect(lines.count == packets.count)
        for (index, line) in lines.enumerated() {
            #expect(line["number"]?.int == index + 1)
            let keys = ["outcome", "service", "pool", "shard", "backend", "mark", "fragment", "reason"]
            for key in keys { #expect(line[key] != nil, "\(key)") }
        }
        #expect(lines.map { $0["outcome"]?.string }.prefix(3) == ["forwarded", "no_service", "malformed"])
        #expect(lines[2]["reason"] == "truncatedHeader")
        let fragments = lines.dropFirst(3)
        #expect(fragments.allSatisfy { $0["outcome"] == "forwarded_fragment" })
        #expect(Set(fragments.map { $0["backend"]?.string }).count == 1)
        #expect(fragments.map { $0["fragment"]?["offset"]?.int } == [0, 1480, 2960])

        let timed = run("anabranch", ["replay", "--config", file.path, "--pcap", capture, "--time", "10", "--json"])
        #expect(try JSONValue(parsing: timed.output)["packets"]?.int == 10 * packets.count)
    }

    @Test func everySharedCaptureReplaysWithOneNamedOutcomeAFrame() throws {
        let shared = unsafe getenv("ANABRANCH_SHARED").map { unsafe String(cString: $0) } ?? "../shared"
        let directory = "\(shared)/pcaps"
        guard unsafe access(directory, R_OK) == 0 else { return }
        let file = try Scratch(
            "{ pools: { p: { shards: 251, backends: { a: { mark: 1 }, b: { mark: 2 } } } }, services: { all: { pool: \"p\" } } }"
        )
        let names = run("ls", [directory]).output.split(separator: "\n").filter { $0.hasSuffix(".pcap") }
        #expect(names.count > 20)
        for name in names {
            let result = run("anabranch", ["replay", "--config", file.path, "--pcap", "\(directory)/\(name)"])
            #expect(result.status == 0, "\(name): \(result.errors)")
            for line in result.output.split(separator: "\n") {
                #expect(try JSONValue(parsing: String(line))["outcome"]?.string?.isEmpty == false, "\(name)")
            }
        }
    }

    @Test(arguments: [
        (flows: "icmp4-ptb-tcp-smtp", errors: "icmp4-ptb-tcp-smtp", count: 4),
        (flows: "sctp-m3ua", errors: "derived-icmp4-unreach-ptb-inner-sctp", count: 6),
    ])
    func errorsInTheSharedCapturesNameTheBackendOfTheirFlow(flows: String, errors: String, count: Int) throws {
        let shared = unsafe getenv("ANABRANCH_SHARED").map { unsafe String(cString: $0) } ?? "../shared"
        guard unsafe access("\(shared)/pcaps", R_OK) == 0 else { return }
        let backends = (1...5).map { "b\($0): { mark: \($0) }" }.joined(separator: ", ")
        let file = try Scratch("{ pools: { p: { backends: { \(backends) } } }, services: { all: { pool: \"p\" } } }")
        // Shards and backends of the packets with the outcome, by capture.
        func places(_ capture: String, _ outcome: String) throws -> [String] {
            let path = "\(shared)/pcaps/\(capture).pcap"
            let result = run("anabranch", ["replay", "--config", file.path, "--pcap", path])
            return try result.output.split(separator: "\n").compactMap { line in
                let row = try JSONValue(parsing: String(line))
                guard row["outcome"]?.string == outcome else { return nil }
                return "\(row["shard"]?.int ?? -1) \(row["backend"]?.string ?? "none")"
            }
        }
        let found = try places(errors, "forwarded_icmp_error")
        #expect(found.count == count)
        #expect(Set(found).isSubset(of: Set(try places(flows, "forwarded"))), "\(found)")
    }

    @Test func rulesArePrintedWithoutADaemon() throws {
        let file = try Scratch(Self.configuration)
        let text = run("anabranch", ["rules", "print", "--config", file.path, "--family", "4"]).output
        #expect(text.contains("-A ANABRANCH -d 10.0.0.1/32 -p udp -j NFQUEUE"))
        #expect(
            run("anabranch", ["rules", "print", "--config", file.path, "--format", "nft"]).output.contains(
                "table inet anabranch"))
        #expect(run("anabranch", ["rules", "print", "--config", file.path, "--format", "x"]).status == 2)
    }
}
