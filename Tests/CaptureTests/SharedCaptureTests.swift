import Capture
import Glibc
import PacketBuilding
import Testing
import Wire

/// The folder of public captures: beside the package, or where `ANABRANCH_SHARED` says. Nil if there is none, which is
/// no failure: the captures are no part of the package.
private let captureFolder: String? = {
    let here = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let chosen = unsafe getenv("ANABRANCH_SHARED").map { unsafe String(cString: $0) }
    return [chosen, "/\(here)/../shared"].compactMap { $0 }.map { "\($0)/pcaps" }.first { unsafe access($0, R_OK) == 0 }
}()

/// What each packet of a file becomes, in a few letters, so that a whole file's expectation stands on a line.
private func outcome(_ frame: CapturedFrame) -> String {
    guard frame.content == .ip else {
        switch frame.content {
        case .otherProtocol(let type): return "type-" + String(type, radix: 16)
        case .llc: return "llc"
        default: return "cut-link"
        }
    }
    switch parse(frame.bytes, captured: frame.bytes.count, wireLength: frame.wireLength) {
    case .failure(let error): return error.name
    case .success(let packet):
        let name = TransportProtocol.name(of: packet.transport)
        guard let fragment = packet.fragment else { return "\(name)-\(packet.kind)" }
        return "\(name)@\(fragment.offset)" + (fragment.more ? "+" : "")
    }
}

private func frames(_ file: String) throws -> [CapturedFrame] {
    try CaptureReader.frames(ofFile: try #require(captureFolder) + "/" + file)
}

private func packet(_ file: String, _ number: Int = 1) throws -> Packet {
    let frame = try frames(file)[number - 1]
    return try Packet(frame.bytes, wireLength: frame.wireLength)
}

/// Runs of equal outcomes counted: `udp-transport×3 icmp-echo`.
private func summary(_ file: String) throws -> String {
    var runs: [(outcome: String, count: Int)] = []
    for frame in try frames(file) {
        let next = outcome(frame)
        if runs.last?.outcome == next { runs[runs.count - 1].count += 1 } else { runs.append((next, 1)) }
    }
    return runs.map { $0.count == 1 ? $0.outcome : "\($0.outcome)×\($0.count)" }.joined(separator: " ")
}
/// What each file becomes, written from what its provenance says is in it.
private let expectations: [(file: String, summary: String)] = [
    // IP-in-IP is a protocol without ports; what is wrong inside it is not looked at.
    ("bad-inner-version", "ipip-other"),
    // The capture ends inside the UDP header, and the total length says that more was on the wire.
    ("bad-udp-length", "beyondCapture"),
    ("bad-v4-ihl", "badHeaderLength"),
    ("bad-v4-internally-truncated", "beyondCapture"),
    ("bad-v4-short", "truncatedHeader"),
    ("bad-v4-truncated-broken", "badTotalLength"),
    ("bad-v6-39-bytes", "beyondCapture"),
    ("bad-v6-len", "payloadLengthBeyondPacket"),
    ("derived-icmp4-unreach-ptb-inner-sctp", "icmp-icmpError×6"),
    ("derived-icmp6-ptb-inner-sctp", "icmpv6-icmpError×6"),
    ("derived-sctp-over-udp-9899", "udp-transport×19"),
    ("gre-ip", "gre-other×40"),
    ("icmp4-ptb-tcp-smtp", "tcp-transport×4 icmp-icmpError×4 tcp-transport×48"),
    ("icmp4-unreach-inner-udp", "icmp-icmpError"),
    ("icmp4-unreach-no-inner", "icmp-icmpError"),
    ("icmp6-ptb-udp", "icmpv6-icmpError"),
    ("icmp6-unreach-ext-udp", "icmpv6-icmpError"),
    ("sctp-m3ua", "sctp-transport×19"),
    ("sctp-over-udp-9899", "udp-transport×11"),
    ("sctp-too-small", "truncatedSCTP"),
    // 24 of the 40 bytes of TCP header: ports and flags are there, only options are cut.
    ("v4frag-inorder-tcp-syn", "tcp@0+ tcp@24"),
    ("v4frag-inorder-udp-nfs", "udp@0+ udp@1480+ udp@2960"),
    (
        "v4frag-outoforder-vlan-first-last",
        "udp@8+ udp@1488+ udp@2968+ udp@4448+ udp@5928+ udp@7408+ udp@8888 udp@0+"
    ),
    ("v4frag-overlap-dup-vrrp", "badFragmentLength×10"),
    // The first of the three has 18 bytes and says that more follow.
    ("v4frag-teardrop-udp", "badFragmentLength udp@48 udp@0+"),
    ("v4frag-tiny-tcp-syn", "tinyFirstFragment fragmentInsideHeader×2"),
    ("v6frag-atomic-http", "icmpv6-other×2 tcp-transport×36"),
    (
        "v6frag-inorder-4sets",
        "udp@0+ udp@120+ udp@240+ udp@360+ udp@480+ udp@600+ udp@720 "
            + "udp@0+ udp@120+ udp@240+ udp@360+ udp@480+ udp@600+ udp@720+ udp@840+ udp@960+ udp@1080+ udp@1200+ "
            + "udp@1320+ udp@1440 "
            + "udp@0+ udp@120+ udp@240+ udp@360+ udp@480+ udp@600+ udp@720+ udp@840+ udp@960 "
            + "udp@0+ udp@120+ udp@240+ udp@360+ udp@480+ udp@600+ udp@720"
    ),
    ("v6frag-negative-len", "truncatedExtensionHeader"),
    (
        "v6frag-overlap-ooo-29",
        "icmpv6-echo×2 icmpv6-other×2 icmpv6@0+ icmpv6-other icmpv6@408+ icmpv6@8 icmpv6-echo×2"
    ),
    ("vlan-dot1q-icmp", "type-806×4 icmp-echo type-806×2 icmp-echo×8"),
    ("vlan-qinq-mixed", "icmp-echo×20 llc×6"),
]

@Suite(.enabled(if: captureFolder != nil, "the public captures are not beside the package"))
struct SharedCaptureTests {
    @Test(arguments: expectations)
    func everyPacketIsReadOrHasOneNamedError(_ file: String, _ expected: String) throws {
        #expect(try summary(file + ".pcap") == expected)
    }

    /// Files that were added later and are not in the table above are read as well.
    @Test func everyCaptureThereIsCanBeRead() throws {
        var found = unsafe glob_t()
        defer { unsafe globfree(&found) }
        #expect(unsafe glob(try #require(captureFolder) + "/*.pcap", 0, nil, &found) == 0)
        let paths = unsafe (0..<Int(found.gl_pathc)).compactMap {
            unsafe found.gl_pathv[$0].map { unsafe String(cString: $0) }
        }
        #expect(paths.count >= expectations.count)
        for path in paths {
            #expect(try CaptureReader.frames(ofFile: path).allSatisfy { !outcome($0).isEmpty }, "\(path)")
        }
    }

    @Test func anUnreachableHasItsInnerFlowsKeyReversed() throws {
        let error = try packet("icmp4-unreach-inner-udp.pcap")
        #expect(error.errorInner == .flow)
        #expect(error.key.description == "udp 192.168.1.102:59207 → 192.168.1.1:53")
    }

    @Test func anErrorWithoutAnInnerPacketKeepsItsOwnAddresses() throws {
        let error = try packet("icmp4-unreach-no-inner.pcap")
        #expect(error.errorInner == .unusable)
        #expect(error.key.description == "icmp 10.0.0.1:0 → 10.0.0.2:0")
    }

    @Test func everyPacketTooBigBelongsToTheFlowBesideIt() throws {
        // The second packet is the server's; errors about the client's packets have its key.
        let flow = try packet("icmp4-ptb-tcp-smtp.pcap", 2).key
        #expect(flow.description == "tcp 74.53.140.153:25 → 10.10.1.4:1470")
        for number in 5...8 {
            let error = try packet("icmp4-ptb-tcp-smtp.pcap", number)
            #expect(error.errorInner == .flow)
            #expect(error.key == flow)
        }
    }

    @Test func sctpInsideErrorsIsFound() throws {
        let flow = try packet("sctp-m3ua.pcap").key
        for number in 1...6 {
            let error = try packet("derived-icmp4-unreach-ptb-inner-sctp.pcap", number)
            #expect(error.errorInner == .flow)
            #expect(error.key == flow || error.key == flow.reversed)
            let error6 = try packet("derived-icmp6-ptb-inner-sctp.pcap", number)
            #expect(error6.errorInner == .flow)
            #expect(Set([error6.key.sourcePort, error6.key.destinationPort]) == [2906, 6303])
            #expect(error6.key.transport == TransportProtocol.sctp)
        }
    }

    @Test func innerExtensionHeadersAreSteppedOver() throws {
        let plain = try packet("icmp6-ptb-udp.pcap")
        #expect(plain.key.description == "udp [fe80::dead]:13000 → [fe80::beef]:30000")
        #expect(try packet("icmp6-unreach-ext-udp.pcap").key == plain.key)
    }

    @Test func atomicFragmentsAreWholePackets() throws {
        var atomic = 0
        for frame in try frames("v6frag-atomic-http.pcap") {
            let packet = try Packet(frame.bytes, wireLength: frame.wireLength)
            #expect(packet.fragment == nil)
            if packet.family == .ipv6, frame.bytes[6] == TransportProtocol.fragment || frame.bytes[40] == 44 {
                atomic += 1
            }
        }
        #expect(atomic > 0)
    }
}
