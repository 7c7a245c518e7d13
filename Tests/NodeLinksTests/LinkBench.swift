import Glibc
import NodeLinks
import Splitting
import Testing
import Wire

let loopback = Endpoint(address: IPAddress(127, 0, 0, 1), port: 0)
let balancerPeer = LinkPeer(name: "lb1", role: .balancer, instance: 1)
let nodePeer = LinkPeer(name: "n1", role: .node)

/// A loop with a listening node and what a test connects to it.
final class LinkBench {
    let loop: EventLoop
    let key: LinkKey
    let listener: LinkListener
    let nodeContext: LinkContext
    /// What the node received, and from which link.
    var received: [LinkMessage] = []
    var accepted: [NodeLink] = []
    /// What the node does with a message.
    var onMessage: ((NodeLink, LinkMessage) -> Void)?

    init(
        limits: LinkLimits = LinkLimits(), loop: EventLoop? = nil, at address: Endpoint = loopback,
        tls: TLSContext? = nil
    ) throws {
        self.loop = try loop ?? EventLoop()
        key = try LinkKey(bytes: Array("0123456789abcdef".utf8))
        nodeContext = try LinkContext(
            loop: self.loop, identity: LinkIdentity(name: "n1", role: .node, key: key, tls: tls), limits: limits)
        final class Box { weak var bench: LinkBench? }
        let box = Box()
        listener = try LinkListener(nodeContext, at: address) { link in
            box.bench?.accepted.append(link)
            link.onMessage = { link, message in
                guard let bench = box.bench else { return }
                if let handler = bench.onMessage { handler(link, message) } else { bench.received.append(message) }
            }
        }
        box.bench = self
    }

    deinit { listener.close() }

    /// A load balancer's side.
    func balancer(
        name: String = "lb1", role: LinkRole = .balancer, key: LinkKey? = nil, limits: LinkLimits = LinkLimits(),
        tls: TLSContext? = nil, instance: UInt64 = 1
    ) throws -> LinkContext {
        try LinkContext(
            loop: loop,
            identity: LinkIdentity(name: name, role: role, key: key ?? self.key, tls: tls, instance: instance),
            limits: limits)
    }

    /// A link of a load balancer to the node that is on its way up.
    func link(_ context: LinkContext? = nil, peer: LinkPeer = nodePeer) throws -> NodeLink {
        let link = NodeLink(try context ?? balancer(), to: listener.address, peer: peer)
        link.connect()
        return link
    }

    /// Turns the loop until the condition holds.
    ///
    /// - Returns: whether it came to hold in time.
    func turn(for limit: Duration = .seconds(10), until condition: () -> Bool) -> Bool {
        let deadline = ContinuousClock.now + limit
        while !condition() {
            guard ContinuousClock.now < deadline else { return false }
            loop.turn(waitingAtMost: .milliseconds(5))
        }
        return true
    }

    /// Turns the loop for so long.
    func turn(for time: Duration) { _ = turn(for: time) { false } }
}

/// Limits short enough for a test.
func shortLimits() -> LinkLimits {
    var limits = LinkLimits()
    limits.handshake = .milliseconds(200)
    limits.probeAfter = .milliseconds(50)
    limits.silence = .milliseconds(300)
    limits.progressTime = .milliseconds(200)
    limits.progress = 100
    limits.firstPause = .milliseconds(10)
    limits.longestPause = .milliseconds(50)
    return limits
}

/// Random bytes, the same in every run.
private let noise: [UInt8] = {
    var state: UInt64 = 1
    return (0..<65_600).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
    }
}()

/// A chunk whose bytes follow from its number.
func chunk(_ number: Int, length: Int = 8192, total: Int = 1024) -> Chunk {
    let payload = Array(noise[number % 64..<number % 64 + length])
    let client = Endpoint(address: IPAddress(192, 0, 2, 1), port: 4711)
    let virtual = Endpoint(address: IPAddress(198, 51, 100, 1), port: 53)
    let terms = JobTerms(
        job: JobID(origin: 7, number: UInt64(number)), requestType: "compress", total: total,
        endpoints: JobEndpoints(client: client, virtual: virtual), timeLeft: 1_000_000, checksums: .xxh3)
    return Chunk(
        terms: terms, index: number % total, replica: 0, standby: false, reassembly: "n2", payload: payload,
        checksum: ChecksumAlgorithm.xxh3.checksum(of: payload))
}
