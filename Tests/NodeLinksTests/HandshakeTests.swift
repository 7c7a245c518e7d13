import Splitting
import Testing

@testable import NodeLinks

@Suite("The handshake of links")
struct HandshakeTests {
    private let key = try! LinkKey(bytes: Array("0123456789abcdef".utf8))

    private func side(
        _ name: String, _ role: LinkRole, connecting: Bool, key: LinkKey? = nil, expected: LinkPeer? = nil,
        binding: [UInt8] = []
    ) -> Handshake {
        Handshake(
            identity: LinkIdentity(name: name, role: role, key: key ?? self.key, instance: 1), connecting: connecting,
            expected: expected, binding: binding)
    }

    /// Gives a frame to a side, as the wire would.
    @discardableResult
    private func give(_ frame: [UInt8], to side: inout Handshake) throws(LinkRefusal) -> Handshake.Step {
        let body = FrameReader(frame, LinkFrame.headerLength..<frame.count)
        return try side.receive(FrameKind(rawValue: frame[5])!, body)
    }

    private func reply(_ step: Handshake.Step) -> [UInt8] {
        switch step {
        case .reply(let frame): frame
        case .established(_, let frame): frame ?? []
        }
    }

    /// Lets two sides talk to the end.
    private func talk(_ a: inout Handshake, _ b: inout Handshake) throws(LinkRefusal) -> (LinkPeer?, LinkPeer?) {
        let hello = try give(a.hello(), to: &b)
        let proof = try give(reply(hello), to: &a)
        let last = try give(reply(proof), to: &b)
        let done = try give(reply(last), to: &a)
        guard case .established(let seenByB, _) = last, case .established(let seenByA, _) = done else {
            return (nil, nil)
        }
        return (seenByA, seenByB)
    }

    @Test func twoSidesWithTheKeyProveWhoTheyAre() throws {
        var a = side("lb1", .balancer, connecting: true, expected: nodePeer)
        var b = side("n1", .node, connecting: false)
        let (seenByA, seenByB) = try talk(&a, &b)
        #expect(seenByA == nodePeer)
        #expect(seenByB == balancerPeer)
    }

    /// Only load balancers have an instance.
    @Test func anInstanceThatDoesNotFitTheRoleIsRefused() throws {
        for (role, instance) in [(UInt8(1), UInt8(0)), (2, 1)] {
            var b = side("n1", .node, connecting: false)
            let body = [Handshake.version, role, 3] + Array("abc".utf8) + [UInt8](repeating: instance, count: 8 + 32)
            #expect(throws: LinkRefusal.badFrame) { try give(handshakeFrame(.hello, body), to: &b) }
        }
    }

    @Test func aSideWithAnotherKeyIsRefused() throws {
        let other = try LinkKey(bytes: Array("0123456789abcdeF".utf8))
        var a = side("lb1", .balancer, connecting: true, key: other)
        var b = side("n1", .node, connecting: false)
        #expect(throws: LinkRefusal.wrongKey) { try talk(&a, &b) }
    }

    @Test func aNodeWithoutTheKeyCannotPassForOneThatHasIt() throws {
        // It does not check the load balancer's proof, and answers with the best it can make.
        let other = try LinkKey(bytes: Array("0123456789abcdeF".utf8))
        var a = side("lb1", .balancer, connecting: true)
        var false1 = side("n1", .node, connecting: false, key: other)
        var mimic = side("lb1", .balancer, connecting: true, key: other)
        let hello = try give(a.hello(), to: &false1)
        try give(reply(hello), to: &a)
        let guess = try give(reply(hello), to: &mimic)
        #expect(throws: LinkRefusal.wrongKey) { try give(reply(guess), to: &a) }
    }

    @Test func aRecordedHandshakeIsOfNoUse() throws {
        var a = side("lb1", .balancer, connecting: true)
        var b = side("n1", .node, connecting: false)
        let recordedHello = a.hello()
        let recordedProof = try reply(give(reply(give(recordedHello, to: &b)), to: &a))
        try give(recordedProof, to: &b)
        var later = side("n1", .node, connecting: false)
        try give(recordedHello, to: &later)
        #expect(throws: LinkRefusal.wrongKey) { try give(recordedProof, to: &later) }
    }

    @Test func ownWordsSentBackProveNothing() throws {
        // The hello itself.
        var a = side("lb1", .balancer, connecting: true)
        let hello = a.hello()
        #expect(throws: LinkRefusal.mirrored) { try give(hello, to: &a) }
        // A hello under another name, and then the connecting side's own proof.
        var again = side("lb1", .balancer, connecting: true)
        var stranger = side("n1", .node, connecting: false)
        let proof = try reply(give(reply(give(again.hello(), to: &stranger)), to: &again))
        #expect(throws: LinkRefusal.wrongKey) { try give(proof, to: &again) }
    }

    @Test func aProofForOneDirectionDoesNotServeInTheOther() throws {
        // A node that both connects and accepts: what it proves while connecting is not what it proves while accepting.
        var connecting = side("n2", .node, connecting: true)
        var accepting = side("n1", .node, connecting: false)
        let hello = try give(connecting.hello(), to: &accepting)
        let proof = try reply(give(reply(hello), to: &connecting))
        let last = try reply(give(proof, to: &accepting))
        #expect(proof != last)
        var second = side("n1", .node, connecting: false)
        try give(connecting.hello(), to: &second)
        #expect(throws: LinkRefusal.wrongKey) { try give(last, to: &second) }
    }

    @Test func aProofHoldsForItsChannelOnly() throws {
        var a = side("lb1", .balancer, connecting: true, binding: [1])
        var b = side("n1", .node, connecting: false, binding: [2])
        #expect(throws: LinkRefusal.wrongKey) { try talk(&a, &b) }
    }

    @Test func aPeerThatWasNotMeantIsRefused() {
        var a = side("lb1", .balancer, connecting: true, expected: LinkPeer(name: "n2", role: .node))
        var b = side("n1", .node, connecting: false)
        #expect(throws: LinkRefusal.unexpectedName) { try talk(&a, &b) }
        var c = side("lb1", .balancer, connecting: true)
        var d = side("lb2", .balancer, connecting: false)
        #expect(throws: LinkRefusal.wrongRole) { try talk(&c, &d) }
        var e = side("n1", .node, connecting: true)
        var f = side("n1", .node, connecting: false)
        #expect(throws: LinkRefusal.mirrored) { try talk(&e, &f) }
    }

    @Test func everyChangedBitOfTheHandshakeIsFound() throws {
        for position in 0..<2 {
            let sample = side("lb1", .balancer, connecting: true).hello().count
            for bit in 0..<8 * (position == 0 ? sample - LinkFrame.headerLength : 32) {
                var a = side("lb1", .balancer, connecting: true)
                var b = side("n1", .node, connecting: false)
                func damage(_ frame: [UInt8]) -> [UInt8] {
                    var frame = frame
                    frame[LinkFrame.headerLength + bit / 8] ^= 1 << UInt8(bit % 8)
                    return frame
                }
                #expect(throws: LinkRefusal.self) {
                    let hello = try reply(give(position == 0 ? damage(a.hello()) : a.hello(), to: &b))
                    let proof = try reply(give(hello, to: &a))
                    try give(position == 1 ? damage(proof) : proof, to: &b)
                }
            }
        }
    }

    @Test func framesOutOfTurnAreRefused() throws {
        var b = side("n1", .node, connecting: false)
        #expect(throws: LinkRefusal.outOfPlace) {
            try give(handshakeFrame(.proof, [UInt8](repeating: 0, count: 32)), to: &b)
        }
        var c = side("n1", .node, connecting: false)
        let hello = side("lb1", .balancer, connecting: true).hello()
        try give(hello, to: &c)
        #expect(throws: LinkRefusal.outOfPlace) { try give(hello, to: &c) }
    }

    @Test func aHelloOfAnotherVersionIsNamedAsSuch() {
        var b = side("n1", .node, connecting: false)
        #expect(throws: LinkRefusal.wrongVersion) { try give(handshakeFrame(.hello, [9, 1, 2, 3]), to: &b) }
    }
}
