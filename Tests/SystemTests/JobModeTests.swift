import Foundation
import Testing

/// What the configuration can make of jobs, as a client sees it.
@Suite("Jobs in other modes", .serialized, .exclusive, .enabled(if: Host.obstacle == nil))
struct JobModeTests {
    /// Work whose time goes with its size: without it a job is done soonest in one piece.
    private static let slow = "work: { kind: \"delay\", per_byte: \"100ns\" }"

    private func lab(splitting: String, processors: String = slow) throws -> JobLab {
        try JobLab(.init(processors: processors, processor: "work", splitting: splitting))
    }

    /// Processors in which `name` is a child that makes that expression of `body`, or of `parts` where it joins.
    private func child(_ name: String, _ lab: JobLab, _ expression: String) throws -> String {
        let file = try lab.lab.write(
            "\(name).py",
            """
            import struct, sys
            inp, out = sys.stdin.buffer, sys.stdout.buffer
            while True:
                head = inp.read(4)
                if len(head) < 4: break
                frame = inp.read(struct.unpack('>I', head)[0])
                version, kind, offset, tag = struct.unpack('>BBHQ', frame[:12])
                body, parts = frame[offset - 4:], []
                if kind == 2:
                    total = struct.unpack('>I', frame[32:36])[0]
                    at = 4 * total
                    for length in struct.unpack('>%dI' % total, body[:at]):
                        parts.append(body[at:at + length]); at += length
                result = \(expression)
                out.write(struct.pack('>IBBHQ', 12 + len(result), 1, 0, 0, tag) + result)
                out.flush()
            """)
        return "\(name): { kind: \"exec\", command: [\"/usr/bin/python3\", \"\(file)\"] }"
    }

    /// Sends one flagged datagram of eight-digit numbers, and lets a program judge what comes back.
    private func ask(_ lab: JobLab, bytes: Int, _ judge: String) throws -> String {
        let file = try lab.lab.write(
            "client.py",
            """
            import socket, struct
            payload = b''.join(b'%08x' % number for number in range(\(bytes / 8)))
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            client.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 46 << 2)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            client.settimeout(3)
            virtual = ('\(Lab.virtual4)', 9000)
            client.sendto(payload, virtual)
            def receive():
                data, peer = client.recvfrom(65536)
                assert peer == virtual, peer
                return data
            \(judge)
            print('good')
            """)
        let answer = try lab.lab.run("client", "python3", file)
        return answer.status == 0 ? answer.output : "\(answer.output)\(answer.error)"
    }

    @Test func whatHasNoAnswerIsDroppedIfThatIsWanted() throws {
        let lab = try lab(splitting: "on_failure: \"drop\", deadline: \"1s\",")
        for node in JobLab.nodes { try lab.change(node, processors: "work: { kind: \"delay\", per_chunk: \"8s\" }") }
        let before = try lab.counters()
        let run = try lab.run(
            JobPlan(to: Lab.virtual4, jobs: 4, size: "20000", concurrency: 4, first: 10_000, timeout: 2_000))
        let after = try lab.counters()
        #expect(run.finished.number("lost") == 4 && run.answered == 0 && run.forwarded == 0, "\(run.text)")
        // How a job fails is a matter of what is over first, its retries or its time.
        let dropped = ["dropped_deadline", "dropped_failed"].map { after.outcome($0, since: before) }
        #expect(dropped.reduce(0, +) == 4, "\(after.text)")
        #expect(after.forwarded == before.forwarded && after.number("originals") == 0, "\(after.text)")
        try lab.lab.counters().expectBalance()
    }

    @Test func anAnswerThatNoDatagramCarriesComesInParts() throws {
        let lab = try lab(splitting: "large_answers: \"parts\",")
        let tripled = try child("work", lab, "bytes(b for byte in body for b in (byte, byte, byte))")
        for node in JobLab.nodes { try lab.change(node, processors: tripled) }
        let verdict = try ask(
            lab, bytes: 60_000,
            """
            parts, names = {}, set()
            while True:
                data = receive()
                magic, version, none, part, count, null, answer, offset, total = struct.unpack('>4sBBHHHQII', data[:28])
                assert (magic, version, none, null) == (b'ABP1', 1, 0, 0), data[:28]
                assert part not in parts and total == 180000
                parts[part] = (offset, data[28:])
                names.add(answer)
                if len(parts) == count: break
            joined = b''
            for part in range(count):
                assert parts[part][0] == len(joined), (part, parts[part][0])
                joined += parts[part][1]
            assert count >= 3 and len(names) == 1, (count, names)
            assert joined == bytes(b for byte in payload for b in (byte, byte, byte))
            """)
        #expect(verdict == "good\n")
        // One that fits goes without a header.
        let short = try ask(
            lab, bytes: 8_000, "assert receive() == bytes(b for byte in payload for b in (byte, byte, byte))")
        #expect(short == "good\n")
    }

    @Test func answersAreRightThoughANodeGivesWrongResults() throws {
        let lab = try lab(
            splitting: "replication_factor: 2, replication_mode: \"parallel\", reconcile: \"agree\",")
        // Valid by its checksum, the same each time, and wrong.
        try lab.change("b2", processors: "work: { kind: \"gzip\" }")
        let before = try lab.counters()
        for (index, address) in [Lab.virtual4, Lab.virtual6].enumerated() {
            let run = try lab.run(
                JobPlan(to: address, jobs: 100, size: "8000-60000", concurrency: 1, first: 10_000 * (1 + index)))
            try lab.expectAnswers(run)
        }
        let after = try lab.counters()
        let disagreements = (after.demands["disagreement"] ?? 0) - (before.demands["disagreement"] ?? 0)
        #expect(disagreements > 20, "the node was hardly asked: \(after.text)")
    }

    @Test func linksWithCertificatesCarryJobs() throws {
        let certificates = try LinkCertificates(for: ["anabranch"] + JobLab.nodes)
        let lab = try JobLab(
            .init(
                processors: Self.slow, processor: "work",
                splitting: certificates.keys(of: "anabranch") + ",",
                links: { [blocks = certificates.blocks] in blocks[$0] ?? "" }))
        let run = try lab.run(JobPlan(to: Lab.virtual4, jobs: 200, concurrency: 1, first: 10_000))
        try lab.expectAnswers(run)
        // What listens there speaks TLS 1.3, and is who it says.
        let seen = try lab.lab.run(
            "lb", "openssl", "s_client", "-connect", "\(JobLab.address(of: "b1")):9470", "-brief",
            "-CAfile", certificates.path("ca.pem"), "-cert", certificates.path("anabranch.pem"),
            "-key", certificates.path("anabranch.key"), "-verify_return_error", "-verify_hostname", "b1")
        let text = seen.output + seen.error
        #expect(text.contains("Protocol version: TLSv1.3") && text.contains("Verification: OK"), "\(text)")
    }

    @Test func theResultsOfATypeAreJoinedByItsAggregation() throws {
        let join = "join: { kind: \"delay\" }"
        let lab = try lab(
            splitting: "request_types: { default: { aggregation: \"join\" } },",
            processors: "\(Self.slow), \(join)")
        let backwards = try child("join", lab, "b'|'.join(reversed(parts))")
        for node in JobLab.nodes { try lab.change(node, processors: "\(Self.slow), \(backwards)") }
        let verdict = try ask(
            lab, bytes: 60_000,
            """
            parts = receive().split(b'|')
            assert len(parts) >= 2, len(parts)
            assert b''.join(reversed(parts)) == payload
            """)
        #expect(verdict == "good\n")
    }
}

/// An authority and certificates of peers, in a directory that goes with the value.
private final class LinkCertificates {
    private let directory = NSTemporaryDirectory() + "ab-test-\(UUID().uuidString)"

    init(for names: [String]) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        try openssl(
            ["req", "-x509"] + key
                + ["-days", "2", "-subj", "/CN=ca", "-keyout", path("ca.key"), "-out", path("ca.pem")])
        for name in names {
            let request = path("\(name).csr")
            try openssl(
                ["req"] + key
                    + [
                        "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-keyout", path("\(name).key"),
                        "-out", request,
                    ])
            try openssl([
                "x509", "-req", "-in", request, "-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-CAcreateserial",
                "-copy_extensions", "copy", "-days", "2", "-out", path("\(name).pem"),
            ])
            blocks[name] = keys(of: name)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// The `tls` blocks of all peers.
    private(set) var blocks: [String: String] = [:]

    /// The `tls` block of a peer.
    func keys(of name: String) -> String {
        "tls: { certificate: \"\(path("\(name).pem"))\", private_key: \"\(path("\(name).key"))\", "
            + "authority: \"\(path("ca.pem"))\" }"
    }

    private func openssl(_ arguments: [String]) throws {
        let made = try finish(["openssl"] + arguments)
        guard made.status == 0 else { throw LabError(what: "openssl \(arguments): \(made.error)") }
    }
}
