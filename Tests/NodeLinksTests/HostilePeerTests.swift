import Splitting
import Testing
import Wire

@testable import NodeLinks

@Suite("Peers that mean harm, over loopback", .serialized)
struct HostilePeerTests {
    private let probe = try! LinkMessage.probe(1).encoded()

    /// Turns the loop until the peer is cut; whether an honest link beside it still works.
    private func isCut(_ peer: RawPeer, _ bench: LinkBench, beside honest: NodeLink) -> Bool {
        let cut = bench.turn(for: .seconds(5)) {
            peer.receive()
            return peer.isCut
        }
        let before = bench.received.count
        honest.send(.chunk(chunk(1)))
        return cut && bench.turn(for: .seconds(5)) { bench.received.count > before }
    }

    private func benchWithHonestLink(_ limits: LinkLimits = shortLimits()) throws -> (LinkBench, NodeLink) {
        let bench = try LinkBench(limits: limits)
        let honest = try bench.link()
        #expect(bench.turn { honest.isUp && bench.accepted.count == 1 })
        return (bench, honest)
    }

    /// What a load balancer says first.
    private func hello() -> [UInt8] {
        handshakeFrame(
            .hello,
            [Handshake.version, 1, 3] + Array("lb9".utf8) + [UInt8](repeating: 1, count: 8) + randomBytes(32))
    }

    @Test func aPeerWithoutTheKeyIsRefused() throws {
        let (bench, honest) = try benchWithHonestLink()
        let peer = try RawPeer(to: bench.listener.address)
        peer.send(hello())
        peer.send(handshakeFrame(.proof, randomBytes(32)))
        #expect(isCut(peer, bench, beside: honest))
        #expect(bench.nodeContext.refusals[.wrongKey] == 1)
        #expect(bench.accepted.count == 1)
    }

    @Test func aWrongKeyIsRefusedAndBothSidesKnow() throws {
        let (bench, honest) = try benchWithHonestLink()
        let other = try LinkKey(bytes: Array("another key of good length".utf8))
        let link = try bench.link(bench.balancer(name: "lb2", key: other, limits: shortLimits()))
        var told = false
        link.onChange = {
            if case .waiting(.refusedByPeer(.wrongKey), _) = $0.state { told = true }
        }
        #expect(bench.turn(for: .seconds(5)) { told && bench.nodeContext.refusals[.wrongKey] > 0 })
        #expect(honest.isUp)
        link.close()
    }

    @Test func aReplayedHandshakeIsRefused() throws {
        let (bench, honest) = try benchWithHonestLink()
        // The frames of a good handshake, as somebody on the way would have seen them.
        var handshake = Handshake(
            identity: LinkIdentity(name: "lb9", role: .balancer, key: bench.key), connecting: true, expected: nil)
        let recorded = try RawPeer(to: bench.listener.address)
        var sent = [handshake.hello()]
        recorded.send(sent[0])
        #expect(
            bench.turn(for: .seconds(5)) {
                for (kind, body) in recorded.frames() {
                    if case .reply(let frame)? = try? handshake.receive(kind, body) { sent.append(frame) }
                }
                if sent.count == 2 { recorded.send(sent[1]) }
                return sent.count == 2
            })
        #expect(bench.turn(for: .seconds(5)) { bench.accepted.count == 2 })
        let replaying = try RawPeer(to: bench.listener.address)
        for frame in sent { replaying.send(frame) }
        #expect(isCut(replaying, bench, beside: honest))
        #expect(bench.nodeContext.refusals[.wrongKey] == 1)
        #expect(bench.accepted.count == 2)
    }

    @Test func whatTheListenerSaysSentBackIsRefused() throws {
        let (bench, honest) = try benchWithHonestLink()
        // Its own hello as the peer's, on a second connection.
        let first = try RawPeer(to: bench.listener.address)
        first.send(hello())
        #expect(
            bench.turn(for: .seconds(5)) {
                first.receive()
                return !first.received.isEmpty
            })
        let second = try RawPeer(to: bench.listener.address)
        second.send(first.received)
        #expect(isCut(second, bench, beside: honest))
        #expect(bench.nodeContext.refusals[.mirrored] == 1)
    }

    @Test func anotherVersionIsRefused() throws {
        let (bench, honest) = try benchWithHonestLink()
        var frame = hello()
        frame[4] = 9
        let peer = try RawPeer(to: bench.listener.address)
        peer.send(frame)
        #expect(isCut(peer, bench, beside: honest))
        let other = try RawPeer(to: bench.listener.address)
        other.send(handshakeFrame(.hello, [9, 1, 3] + Array("lb9".utf8) + randomBytes(32)))
        #expect(isCut(other, bench, beside: honest))
        #expect(bench.nodeContext.refusals[.wrongVersion] == 2)
    }

    @Test func aFrameOfFourGigabytesIsRefusedBeforeAndAfterTheHandshake() throws {
        let (bench, honest) = try benchWithHonestLink()
        let header: [UInt8] = [0x41, 0x42, 0x4C, 0x4B, 1, FrameKind.result.rawValue, 0, 0, 255, 255, 255, 255]
        let stranger = try RawPeer(to: bench.listener.address)
        stranger.send(header)
        #expect(isCut(stranger, bench, beside: honest))
        let known = try RawPeer(to: bench.listener.address)
        #expect(known.authenticate(bench))
        known.send(header)
        #expect(isCut(known, bench, beside: honest))
        #expect(bench.nodeContext.refusals[.frameTooLong] == 2)
    }

    @Test func beforeTheHandshakeNoFrameIsLongerThan512Bytes() throws {
        let (bench, honest) = try benchWithHonestLink()
        let peer = try RawPeer(to: bench.listener.address)
        peer.send([0x41, 0x42, 0x4C, 0x4B, 1, FrameKind.chunk.rawValue, 0, 0, 0, 0, 1, 0xF5])
        #expect(isCut(peer, bench, beside: honest))
        #expect(bench.nodeContext.refusals[.frameTooLong] == 1)
    }

    @Test func messagesBeforeTheHandshakeAndHandshakesAfterItAreRefused() throws {
        let (bench, honest) = try benchWithHonestLink()
        let early = try RawPeer(to: bench.listener.address)
        early.send(probe)
        #expect(isCut(early, bench, beside: honest))
        let late = try RawPeer(to: bench.listener.address)
        #expect(late.authenticate(bench))
        late.send(hello())
        #expect(isCut(late, bench, beside: honest))
        #expect(bench.nodeContext.refusals[.outOfPlace] == 2)
    }

    @Test func whoDoesNotGreetInTimeIsCut() throws {
        let (bench, honest) = try benchWithHonestLink()
        let silent = try RawPeer(to: bench.listener.address)
        let slow = try RawPeer(to: bench.listener.address)
        let hello = hello()
        var sent = 0
        let began = ContinuousClock.now
        #expect(
            bench.turn(for: .seconds(5)) {
                // A byte at each turn does not lengthen the time.
                if sent < 30 { slow.send([hello[sent]]) }
                sent += 1
                silent.receive()
                slow.receive()
                return silent.isCut && slow.isCut
            })
        #expect(ContinuousClock.now - began < .seconds(2))
        #expect(bench.nodeContext.refusals[.handshakeTimeout] == 2)
        #expect(honest.isUp)
    }

    @Test func oneByteAtATimeIsCut() throws {
        let (bench, honest) = try benchWithHonestLink()
        let peer = try RawPeer(to: bench.listener.address)
        #expect(peer.authenticate(bench))
        let frame = try LinkMessage.chunk(chunk(3)).encoded()
        var sent = 0
        var last = ContinuousClock.now
        #expect(
            bench.turn(for: .seconds(5)) {
                if ContinuousClock.now - last > .milliseconds(20) {
                    peer.send([frame[sent]])
                    sent += 1
                    last = .now
                }
                peer.receive()
                return peer.isCut
            })
        #expect(bench.nodeContext.refusals[.slowSender] == 1)
        #expect(honest.isUp)
    }

    @Test func aHalfOpenConnectionIsCut() throws {
        let (bench, honest) = try benchWithHonestLink()
        let peer = try RawPeer(to: bench.listener.address)
        #expect(peer.authenticate(bench))
        #expect(bench.turn(for: .seconds(5)) { bench.listener.links.count == 2 })
        // It neither sends nor answers probes, though its kernel acknowledges them.
        #expect(bench.turn(for: .seconds(5)) { bench.listener.links.count == 1 })
        #expect(bench.nodeContext.refusals[.silent] == 1)
        #expect(honest.isUp)
    }

    @Test func aHundredConnectionsAtOnceLeaveRoomForAnHonestPeer() throws {
        let (bench, honest) = try benchWithHonestLink()
        let crowd = try (0..<100).map { _ in try RawPeer(to: bench.listener.address, from: IPAddress(127, 0, 0, 2)) }
        let newcomer = try bench.link(bench.balancer(name: "lb2"))
        var most = 0
        #expect(
            bench.turn(for: .seconds(5)) {
                most = max(most, bench.listener.unauthenticated)
                for peer in crowd { peer.receive() }
                return newcomer.isUp && crowd.allSatisfy(\.isCut)
            })
        #expect(most <= LinkLimits().unauthenticated)
        #expect(newcomer.statistics.reconnects == 0)
        #expect(honest.isUp)
        // Those that were in excess went at once, the last of them in time.
        let refusals = bench.nodeContext.refusals
        #expect(refusals[.crowded] >= 84)
        #expect(refusals[.crowded] + refusals[.handshakeTimeout] == 100)
    }

    @Test func aPeerHasOnlySoManyLinks() throws {
        var limits = shortLimits()
        limits.linksPerPeer = 2
        let (bench, honest) = try benchWithHonestLink(limits)
        let context = try bench.balancer(limits: limits)
        let second = try bench.link(context)
        #expect(bench.turn { second.isUp })
        let third = try bench.link(context)
        var told = false
        third.onChange = { if case .waiting(.refusedByPeer(.tooManyLinks), _) = $0.state { told = true } }
        #expect(bench.turn(for: .seconds(5)) { told })
        #expect(honest.isUp && second.isUp)
        // One that goes makes room.
        second.close()
        #expect(bench.turn(for: .seconds(5)) { third.isUp })
    }

    @Test func whoTakesNothingIsCutAndItsQueueIsBounded() throws {
        var limits = shortLimits()
        limits.sendQueue = 1 << 20
        limits.silence = .seconds(30)
        let (bench, honest) = try benchWithHonestLink(limits)
        let peer = try RawPeer(to: bench.listener.address)
        peer.takeLittle()
        #expect(peer.authenticate(bench))
        #expect(bench.turn(for: .seconds(5)) { bench.accepted.count == 2 })
        let link = bench.accepted[1]
        var sent = 0
        while link.send(.chunk(chunk(sent, length: 60_000))) == .queued, sent < 1000 {
            sent += 1
            if sent % 8 == 0 { bench.loop.turn(waitingAtMost: .zero) }
        }
        #expect(sent < 1000)
        #expect(link.send(.chunk(chunk(sent, length: 60_000))) == .full)
        #expect(link.queued <= 1 << 20)
        #expect(link.statistics.framesRefused == 2)
        #expect(bench.turn(for: .seconds(5)) { link.state == .closed(.refused(.slowReceiver)) })
        #expect(honest.isUp)
    }

    @Test func rubbishOnALinkEndsThatLinkAlone() throws {
        let (bench, honest) = try benchWithHonestLink()
        let peer = try RawPeer(to: bench.listener.address)
        #expect(peer.authenticate(bench))
        peer.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
        #expect(isCut(peer, bench, beside: honest))
        #expect(bench.nodeContext.refusals[.badFrame] == 1)
    }
}
