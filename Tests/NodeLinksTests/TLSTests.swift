import Splitting
import Testing

@testable import NodeLinks

@Suite("Links under TLS", .serialized)
struct TLSTests {
    private let certificates: Certificates
    private let bench: LinkBench

    init() throws {
        certificates = try Certificates()
        bench = try LinkBench(limits: shortLimits(), tls: certificates.context("n1"))
    }

    /// How a link with these settings fares at the node.
    private func end(_ context: LinkContext) throws -> LinkEnd? {
        let link = try bench.link(context)
        var end: LinkEnd?
        link.onChange = { if case .waiting(let how, _) = $0.state, end == nil { end = how } }
        _ = bench.turn(for: .seconds(5)) { end != nil || link.isUp }
        link.close()
        return end
    }

    @Test func chunksOfAllSizesArriveWholeBothWays() throws {
        let link = try bench.link(bench.balancer(tls: certificates.context("lb1")))
        #expect(bench.turn { link.isUp && bench.accepted.count == 1 })
        bench.onMessage = { $0.send($1) }
        var returned: [LinkMessage] = []
        link.onMessage = { returned.append($1) }
        let sizes = [0, 1, 100, 8192, 16_384, 16_385, 40_000, 65_535]
        var sent: [LinkMessage] = (0..<400).map { .chunk(chunk($0, length: sizes[$0 % sizes.count])) }
        sent.append(
            .result(
                ChunkResult(
                    job: JobID(origin: 1, number: 1), index: 0, replica: 0, status: .done,
                    payload: [UInt8](repeating: 9, count: 5 << 20))))
        var next = 0
        #expect(
            bench.turn(for: .seconds(30)) {
                while next < sent.count, link.send(sent[next]) == .queued { next += 1 }
                return returned.count == sent.count
            })
        #expect(returned == sent)
        link.finish()
        #expect(bench.turn { bench.accepted[0].state == .closed(.closedByPeer) })
    }

    @Test func nothingOfAPayloadCanBeReadOnTheWay() throws {
        // What TLS gives to the socket, seen at a session of its own.
        let session = try TLSSession(certificates.context("lb1"), accepting: false)
        let other = try TLSSession(certificates.context("n1"), accepting: true)
        var (there, back) = (ByteQueue(), ByteQueue())
        for _ in 0..<4 {
            _ = try session.advance()
            session.drain(into: &there)
            unsafe there.withFirst(.max) { unsafe other.take($0) }
            there.removeFirst(there.count)
            _ = try other.advance()
            other.drain(into: &back)
            unsafe back.withFirst(.max) { unsafe session.take($0) }
            back.removeFirst(back.count)
        }
        #expect(session.binding == other.binding)
        let secret = Array("a payload that nobody else may read".utf8)
        let taken = try unsafe secret.withUnsafeBytes { unsafe session.write($0) }.get()
        #expect(taken == secret.count)
        session.drain(into: &there)
        let sealed = unsafe there.withFirst(.max) { unsafe Array($0) }
        #expect(sealed.count > secret.count)
        #expect(!(0..<sealed.count - secret.count).contains { Array(sealed[$0..<$0 + secret.count]) == secret })
        unsafe there.withFirst(.max) { unsafe other.take($0) }
        var plain = [UInt8](repeating: 0, count: 100)
        let read = try other.read(into: &plain)
        #expect(read == secret.count)
        #expect(Array(plain[..<secret.count]) == secret)
    }

    @Test func aPeerWithoutTLSIsRefused() throws {
        #expect(try end(bench.balancer(limits: shortLimits())) != nil)
        #expect(bench.nodeContext.refusals[.tls] == 1)
        #expect(bench.accepted.isEmpty)
    }

    @Test func aCertificateOfAnotherAuthorityIsRefused() throws {
        let settings = try certificates.context("lb1", by: "theirs")
        #expect(try end(bench.balancer(limits: shortLimits(), tls: settings)) != nil)
        #expect(bench.nodeContext.refusals[.tls] == 1)
        #expect(bench.accepted.isEmpty)
    }

    @Test func aNodeOfAnotherAuthorityIsRefusedByTheLoadBalancer() throws {
        let settings = try certificates.context("lb1", trusting: "theirs")
        #expect(try end(bench.balancer(limits: shortLimits(), tls: settings)) == .refused(.tls))
        #expect(bench.accepted.isEmpty)
    }

    @Test func aCertificateForAnotherNameIsRefused() throws {
        let settings = try certificates.context("lb2")
        let end = try end(bench.balancer(limits: shortLimits(), tls: settings))
        #expect(end == .refusedByPeer(.certificateName))
        #expect(bench.nodeContext.refusals[.certificateName] == 1)
        #expect(bench.accepted.isEmpty)
    }

    @Test func theKeyIsAskedForUnderTLSToo() throws {
        let other = try LinkKey(bytes: Array("another key of good length".utf8))
        let settings = try certificates.context("lb1")
        let end = try end(bench.balancer(key: other, limits: shortLimits(), tls: settings))
        #expect(end == .refusedByPeer(.wrongKey))
    }

    @Test func rubbishInsteadOfTLSHarmsNobody() throws {
        let link = try bench.link(bench.balancer(tls: certificates.context("lb1")))
        #expect(bench.turn { link.isUp })
        for seed in 0..<20 {
            let peer = try RawPeer(to: bench.listener.address)
            peer.send([0x16, 3, 1] + (0..<300).map { UInt8(truncatingIfNeeded: $0 &* seed &+ seed) })
            #expect(
                bench.turn(for: .seconds(5)) {
                    peer.receive()
                    return peer.isCut
                })
        }
        #expect(link.isUp)
        #expect(bench.nodeContext.refusals.total == 20)
    }

    @Test func filesThatCannotServeAreNamed() throws {
        _ = try certificates.context("n7")
        let error = #expect(throws: LinkSetupError.self) {
            try TLSContext(
                certificate: "/nonexistent.pem", key: certificates.path("n7-ours.key"),
                authorities: certificates.path("ours.pem"))
        }
        #expect(error?.description.contains("/nonexistent.pem") == true)
        #expect(throws: LinkSetupError.self) {
            try TLSContext(
                certificate: certificates.path("n7-ours.pem"), key: certificates.path("ours.key"),
                authorities: certificates.path("ours.pem"))
        }
    }
}
