import Glibc
import Testing
import Wire

@testable import Splitter

/// In CI a privileged test that cannot run has to fail, not to be skipped.
private let inCI = unsafe getenv("CI") != nil

private let virtual4 = Endpoint("10.77.100.1:5300")!
private let virtual6 = Endpoint("[fd77:100::1]:5300")!

/// Sockets that expectations can look into: they cannot hold a value that is not copied.
private final class Egress {
    private var its: AnswerSockets

    init(_ settings: AnswerSockets.Settings = AnswerSockets.Settings()) { its = AnswerSockets(settings) }

    func send(_ bytes: [UInt8], from virtual: Endpoint, to client: Endpoint) -> AnswerOutcome {
        its.send(bytes, from: virtual, to: client)
    }

    func send(
        _ datagrams: [[UInt8]], startingAt first: Int = 0, from virtual: Endpoint, to client: Endpoint
    ) -> (sent: Int, outcome: AnswerOutcome) {
        its.send(datagrams, startingAt: first, from: virtual, to: client)
    }

    func descriptor(for virtual: Endpoint) -> Int32? { its.descriptor(for: virtual) }
    func strays() -> Int64 { its.strays() }
    var count: Int { its.count }
}

@Suite(.serialized, .enabled(if: geteuid() == 0 || inCI))
struct AnswerSocketsTests {
    private static let families = [
        (virtual: virtual4, client: TwoHosts.client4), (virtual: virtual6, client: TwoHosts.client6),
    ]

    @Test(arguments: [0, 1, 1472, 1473, 60_000, 65_507])
    func theClientSeesTheEndpointItAskedAndEveryByte(size: Int) throws {
        try TwoHosts.run { hosts in
            let sockets = Egress()
            for (virtual, address) in Self.families {
                let client = try hosts.asClient { try ClientSocket(address) }
                let answer = pattern(0..<size)
                let outcome = sockets.send(answer, from: virtual, to: Endpoint(address: address, port: client.port))
                #expect(outcome == .sent)
                let received = try #require(client.receive())
                #expect(received.from == virtual)
                #expect(received.bytes == answer)
            }
            #expect(sockets.count == 2)
        }
    }

    @Test func fragmentsFitTheLinkAndMayBeCutAgain() throws {
        try TwoHosts.run(mtu: 1400) { hosts in
            let tap = try hosts.asClient { try Tap() }
            let sockets = Egress(AnswerSockets.Settings(ipv6Fragment: 1280))
            for (virtual, address) in Self.families {
                let client = try hosts.asClient { try ClientSocket(address) }
                let answer = pattern(0..<60_000)
                #expect(sockets.send(answer, from: virtual, to: Endpoint(address: address, port: client.port)) == .sent)
                #expect(client.receive()?.bytes == answer)
                let isIPv4 = virtual.address.family == .ipv4
                // Source address: that tells them from what the kernels say to each other.
                let source = isIPv4 ? 12..<16 : 8..<24
                let packets = tap.packets().filter {
                    $0.count > 40 && $0[0] >> 4 == (isIPv4 ? 4 : 6)
                        && Array($0[source]) == virtual.address.networkBytes
                }
                #expect(packets.count > 40)
                #expect(packets.allSatisfy { $0.count <= (isIPv4 ? 1400 : 1280) })
                if isIPv4 { #expect(packets.allSatisfy { $0[6] & 0x40 == 0 }) }
            }
        }
    }

    @Test func whatNoDatagramCarriesIsSaidAndHarmsNothing() throws {
        try TwoHosts.run { hosts in
            let sockets = Egress()
            for (virtual, address) in Self.families {
                let client = try hosts.asClient { try ClientSocket(address) }
                let endpoint = Endpoint(address: address, port: client.port)
                let longest = virtual.address.family == .ipv4 ? 65_507 : 65_527
                #expect(sockets.send(pattern(0..<longest + 1), from: virtual, to: endpoint) == .tooLong)
                #expect(sockets.send(pattern(0..<longest), from: virtual, to: endpoint) == .sent)
                #expect(client.receive()?.bytes.count == longest)
            }
        }
    }

    @Test func severalDatagramsGoOnWhereTheyStopped() throws {
        try TwoHosts.run { hosts in
            let sockets = Egress(AnswerSockets.Settings(sendBuffer: 262_144))
            let client = try hosts.asClient { try ClientSocket(TwoHosts.client4) }
            let endpoint = Endpoint(address: TwoHosts.client4, port: client.port)
            let datagrams = (0..<20).map { pattern($0..<60_000 + $0) }
            try TwoHosts.shell("tc qdisc add dev lb root tbf rate 20mbit burst 4000 limit 4000000")
            var (sent, outcome) = sockets.send(datagrams, from: virtual4, to: endpoint)
            #expect(outcome == .wouldBlock)
            #expect(sent > 0 && sent < 20)
            while outcome == .wouldBlock {
                let descriptor = try #require(sockets.descriptor(for: virtual4))
                var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                #expect(unsafe poll(&wait, 1, 2000) == 1)
                (sent, outcome) = sockets.send(datagrams, startingAt: sent, from: virtual4, to: endpoint)
            }
            #expect(outcome == .sent)
            #expect(sent == 20)
            for datagram in datagrams { #expect(client.receive()?.bytes == datagram) }
        }
    }

    @Test func theSocketUnusedForLongestMakesRoom() throws {
        try TwoHosts.run { hosts in
            let sockets = Egress(AnswerSockets.Settings(limit: 3))
            let client = try hosts.asClient { try ClientSocket(TwoHosts.client4) }
            let endpoint = Endpoint(address: TwoHosts.client4, port: client.port)
            for port in [1, 2, 3, 1, 4] as [UInt16] {
                let virtual = Endpoint(address: virtual4.address, port: port)
                #expect(sockets.send([UInt8(port)], from: virtual, to: endpoint) == .sent)
                #expect(client.receive()?.from == virtual)
            }
            #expect(sockets.count == 3)
            let open = (1...4).filter { sockets.descriptor(for: Endpoint(address: virtual4.address, port: $0)) != nil }
            #expect(open == [1, 3, 4])
        }
    }

    @Test func forwardedPacketsPassTheSocketsBy() throws {
        try TwoHosts.run { hosts in
            // The virtual address lies behind the client again: what it sends there comes back to it.
            try TwoHosts.shell(
                """
                echo 1 > /proc/sys/net/ipv4/ip_forward
                echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects
                echo 0 > /proc/sys/net/ipv4/conf/lb/send_redirects
                ip route add 10.77.100.1/32 via 10.78.0.2
                """)
            let client = try hosts.asClient { try ClientSocket(TwoHosts.client4) }
            let tap = try hosts.asClient { try Tap() }
            let sockets = Egress()
            let endpoint = Endpoint(address: TwoHosts.client4, port: client.port)
            #expect(sockets.send([1], from: virtual4, to: endpoint) == .sent)
            #expect(client.connect(to: virtual4) == 0)
            for _ in 0..<10 { #expect(client.send([7, 7, 7]) == 3) }
            var returned = 0
            for _ in 0..<100 where returned < 10 {
                usleep(10_000)
                returned += tap.packets().count {
                    $0.count >= 31 && $0[9] == 17 && Array($0[16..<20]) == virtual4.address.networkBytes && $0[8] == 63
                }
            }
            #expect(returned == 10)
            #expect(sockets.strays() == 0)
        }
    }

    @Test func packetsForAnAddressThatIsWronglyLocalAreCounted() throws {
        try TwoHosts.run { hosts in
            try TwoHosts.shell("ip addr add 10.77.100.1/32 dev lo")
            let client = try hosts.asClient { try ClientSocket(TwoHosts.client4) }
            #expect(client.connect(to: virtual4) == 0)
            // Without the socket the kernel says that nobody is there.
            #expect(client.send([1]) == 1)
            #expect(client.receive() == nil)
            #expect(errno == ECONNREFUSED)
            let sockets = Egress(AnswerSockets.Settings(limit: 1))
            let endpoint = Endpoint(address: TwoHosts.client4, port: client.port)
            #expect(sockets.send([9], from: virtual4, to: endpoint) == .sent)
            #expect(client.receive()?.bytes == [9])
            for _ in 0..<5 { #expect(client.send([1]) == 1) }
            for _ in 0..<100 where sockets.strays() < 5 { usleep(10_000) }
            #expect(sockets.strays() == 5)
            // The count outlives the socket.
            #expect(sockets.send([9], from: Endpoint(address: virtual4.address, port: 9), to: endpoint) == .sent)
            #expect(sockets.strays() == 5)
        }
    }

    @Test func aPortThatAProgramHoldsIsNotTakenAway() throws {
        try TwoHosts.run { _ in
            let local = try ClientSocket(IPAddress("10.78.0.1")!)
            let sockets = Egress()
            let outcome = sockets.send(
                [1], from: Endpoint(address: IPAddress("10.78.0.1")!, port: local.port),
                to: Endpoint(address: TwoHosts.client4, port: 9))
            guard case .failed(let error) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(error.code == EADDRINUSE)
            #expect(error.description.contains("listens on the virtual address and port"))
            #expect(sockets.count == 0)
        }
    }

    @Test func aClientWithoutARouteIsAnErrorThatNamesTheRemedy() throws {
        try TwoHosts.run { _ in
            let sockets = Egress()
            guard case .failed(let error) = sockets.send([1], from: virtual4, to: Endpoint("192.0.2.9:7")!) else {
                Issue.record("it was sent")
                return
            }
            #expect(error.code == ENETUNREACH)
            #expect(error.description.contains("add a route"))
            #expect(sockets.count == 0)
        }
    }

    @Test func twoDaemonsMayHoldTheEndpointWhileOneTakesOver() throws {
        try TwoHosts.run { hosts in
            let client = try hosts.asClient { try ClientSocket(TwoHosts.client6) }
            let endpoint = Endpoint(address: TwoHosts.client6, port: client.port)
            let old = Egress()
            let new = Egress()
            #expect(old.send([1], from: virtual6, to: endpoint) == .sent)
            #expect(new.send([2], from: virtual6, to: endpoint) == .sent)
            #expect(client.receive()?.bytes == [1])
            #expect(client.receive()?.bytes == [2])
        }
    }
}

struct AnswerSocketsSettingsTests {
    @Test func settingsOutOfRangeAreNamed() {
        #expect(AnswerSockets.Settings().fault == nil)
        #expect(AnswerSockets.Settings(limit: 0).fault?.hasPrefix("limit is 0") == true)
        #expect(AnswerSockets.Settings(sendBuffer: 10).fault?.contains("send_buffer") == true)
        #expect(AnswerSockets.Settings(ipv6Fragment: 1279).fault?.contains("1280 to 65535") == true)
    }
}
