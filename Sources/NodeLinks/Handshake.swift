import COpenSSL
import Splitting

/// How two sides prove to each other that they have the key. See the article "Frames on links" for why it is built so.
///
/// connecting → accepting: hello · accepting → connecting: hello · connecting → accepting: proof · accepting →
/// connecting: proof. Pure: frames in, frames out; the socket is elsewhere.
struct Handshake {
    /// What is to be done after a frame.
    enum Step {
        /// Send this and wait.
        case reply([UInt8])
        /// The peer has the key. Send this, if there is something, and be up.
        case established(LinkPeer, reply: [UInt8]?)
    }

    /// The handshake's version; it goes into every proof.
    static let version: UInt8 = 4
    static let nonceLength = 32

    private enum Expectation { case hello, proof, nothing }

    private let identity: LinkIdentity
    private let connecting: Bool
    private let expected: LinkPeer?
    private let binding: [UInt8]
    private let ownNonce: [UInt8]
    private let ownHello: [UInt8]
    private var peerHello: [UInt8] = []
    private var peer: LinkPeer?
    private var expectation = Expectation.hello

    /// - Parameters:
    ///   - expected: the peer that was meant; nil: any.
    ///   - binding: what ties the proof to an encrypted channel (RFC 9266); empty without one.
    ///   - nonce: for tests.
    init(
        identity: LinkIdentity, connecting: Bool, expected: LinkPeer?, binding: [UInt8] = [],
        nonce: [UInt8] = randomBytes(nonceLength)
    ) {
        self.identity = identity
        self.connecting = connecting
        self.expected = expected
        self.binding = binding
        ownNonce = nonce
        var hello: [UInt8] = [Self.version, identity.role.rawValue, UInt8(min(identity.name.utf8.count, 255))]
        hello += identity.name.utf8
        hello += (0..<8).map { UInt8(truncatingIfNeeded: identity.instance >> (56 - 8 * $0)) }
        ownHello = hello + nonce
    }

    /// The frame that says who this side is.
    func hello() -> [UInt8] { handshakeFrame(.hello, ownHello) }

    /// Takes a frame of the peer.
    ///
    /// - Throws: why the peer is refused.
    mutating func receive(_ kind: FrameKind, _ body: FrameReader) throws(LinkRefusal) -> Step {
        switch (expectation, kind) {
        case (.hello, .hello):
            try takeHello(body)
            expectation = .proof
            return .reply(connecting ? proofFrame() : hello())
        case (.proof, .proof):
            expectation = .nothing
            guard LinkKey.equal(rest(body), proof(ofConnecting: !connecting)), let peer else { throw .wrongKey }
            return .established(peer, reply: connecting ? nil : proofFrame())
        default:
            throw .outOfPlace
        }
    }

    private mutating func takeHello(_ body: FrameReader) throws(LinkRefusal) {
        peerHello = rest(body)
        let (version, number, name, instance, nonce): (UInt8, UInt8, String, UInt64, [UInt8])
        do throws(LinkError) {
            var body = body
            version = try body.number(.version)
            // What stands behind the version is that version's own business.
            guard version == Self.version else { throw .version(version) }
            number = try body.number(.role)
            name = try body.name(.name)
            instance = try body.number(.instance)
            nonce = try body.run(.nonce, count: Self.nonceLength)
            guard body.remaining == 0 else { throw .trailing(.hello, count: body.remaining) }
        } catch {
            throw LinkRefusal(error)
        }
        guard let role = LinkRole(rawValue: number), (instance == 0) == (role == .node) else { throw .badFrame }
        guard name != identity.name, nonce != ownNonce else { throw .mirrored }
        guard role == .node || identity.role == .node else { throw .wrongRole }
        if let expected {
            guard expected.role == role else { throw .wrongRole }
            guard expected.name == name else { throw .unexpectedName }
        }
        peer = LinkPeer(name: name, role: role, instance: instance)
    }

    private func proofFrame() -> [UInt8] { handshakeFrame(.proof, proof(ofConnecting: connecting)) }

    /// The proof of one side: over its direction, both hellos in the order they were sent, and the channel.
    private func proof(ofConnecting side: Bool) -> [UInt8] {
        let first = connecting ? ownHello : peerHello
        let second = connecting ? peerHello : ownHello
        var message = Array("anabranch link, \(side ? "connecting" : "accepting") side".utf8)
        for part in [[LinkFrame.version, Self.version], first, second, binding] {
            let length = UInt32(part.count)
            message += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
            message += part
        }
        return identity.key.authenticate(message)
    }

    private func rest(_ body: FrameReader) -> [UInt8] {
        var body = body
        return (try? body.run(.proof, count: body.remaining)) ?? []
    }
}

/// A frame of the handshake, which is always short enough.
func handshakeFrame(_ kind: FrameKind, _ body: [UInt8]) -> [UInt8] {
    var frame = FrameWriter(kind, body: body.count)
    frame.run(body)
    do throws(LinkError) {
        return try frame.finish()
    } catch {
        preconditionFailure("a handshake frame is too long: \(error)")
    }
}

/// Bytes that nobody can foresee.
func randomBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let result = unsafe RAND_bytes(&bytes, Int32(count))
    precondition(result == 1, "OpenSSL has no random numbers")
    return bytes
}
