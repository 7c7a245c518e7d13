import Glibc
import Splitting
import Wire

@testable import NodeLinks

/// A peer that does with its socket whatever a test wants.
final class RawPeer {
    private let descriptor: Int32
    private(set) var received: [UInt8] = []
    private(set) var isCut = false

    /// Connects; the kernel accepts at once, the listener when its loop turns.
    init(to endpoint: Endpoint, from source: IPAddress = IPAddress(127, 0, 0, 1)) throws {
        descriptor = try Socket.make(.ipv4)
        _ = Socket.bind(descriptor, to: Endpoint(address: source, port: 0))
        _ = Socket.connect(descriptor, to: endpoint)
    }

    deinit { close(descriptor) }

    /// Makes the kernel's buffers for what comes small.
    func takeLittle() { Socket.set(descriptor, SOL_SOCKET, SO_RCVBUF, 4096) }

    /// Sends what the socket takes.
    func send(_ bytes: [UInt8]) { _ = unsafe bytes.withUnsafeBytes { unsafe Socket.send(descriptor, $0) } }

    /// Takes in what is there.
    func receive() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !isCut {
            switch Socket.receive(descriptor, into: &buffer) {
            case .bytes(let count): received += buffer[..<count]
            case .wouldBlock: return
            case .end, .failed: isCut = true
            }
        }
    }

    /// Takes the frames that have come.
    func frames() -> [(FrameKind, FrameReader)] {
        receive()
        var decoder = LinkFrameDecoder()
        decoder.append(received)
        var frames: [(FrameKind, FrameReader)] = []
        while let frame = try? decoder.nextFrame() { frames.append((frame.kind, frame.body)) }
        received.removeAll()
        return frames
    }

    /// Goes through the handshake as an honest peer would.
    func authenticate(_ bench: LinkBench, name: String = "lb9") -> Bool {
        var handshake = Handshake(
            identity: LinkIdentity(name: name, role: .balancer, key: bench.key, instance: 1), connecting: true,
            expected: nodePeer)
        var isUp = false
        send(handshake.hello())
        _ = bench.turn(for: .seconds(5)) {
            for (kind, body) in frames() {
                switch try? handshake.receive(kind, body) {
                case .reply(let frame): send(frame)
                case .established: isUp = true
                case nil: break
                }
            }
            return isUp || isCut
        }
        return isUp
    }
}
