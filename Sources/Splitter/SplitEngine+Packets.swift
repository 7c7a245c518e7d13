import Dataplane
import NetfilterQueue
import Splitting
import Tracking
import Wire

/// From packets to payloads.
extension SplitEngine {
    /// What is to be done with a packet of the full-copy queue.
    func decide(_ copied: CopiedPacket, _ bytes: RawSpan, _ path: inout PacketPath) -> CopyAnswer {
        guard !isClosing, let packet = copied.splittable(bytes) else {
            noteUnsplit(copied, bytes, path)
            return .ordinary
        }
        if packet.isFragment {
            guard plan.mayTrigger(dscp: packet.dscp) else { return .ordinary }
            return collect(copied, bytes, packet, &path)
        }
        guard case .transport = packet.kind,
            plan.mayTrigger(dscp: packet.dscp, payloadBytes: packet.payloadLength)
        else { return .ordinary }
        let decision = path.decide(bytes, wireLength: copied.wireLength, sender: copied.sender)
        let datagram = Self.copy(bytes, packet.payloadOffset..<packet.payloadEnd)
        guard
            let name = candidate(
                packet, decision, payload: datagram, path,
                originals: { originals.add(wireLength: copied.wireLength, isFragment: false).map { [$0] } })?.first
        else {
            path.count(decision, copied.wireLength)
            return .decided(decision.verdict)
        }
        path.countParked()
        return .park(name: name)
    }

    /// Counts a payload that would have been split if it had come otherwise, and sees to a packet that cannot be read.
    private func noteUnsplit(_ copied: CopiedPacket, _ bytes: RawSpan, _ path: borrowing PacketPath) {
        guard let packet = try? Packet(parsing: bytes, wireLength: copied.wireLength) else { return condemn(bytes) }
        guard packet.transport == TransportProtocol.udp else { return }
        if copied.isAggregate {
            if plan.mayTrigger(dscp: packet.dscp) { path.count(.unsplitAggregates) }
        } else if bytes.byteCount < copied.wireLength,
            plan.mayTrigger(dscp: packet.dscp, payloadBytes: packet.payloadLength)
        {
            path.count(.unsplitTruncated)
        }
    }

    /// A packet that cannot be read. If it is a fragment, what has been collected of its packet must not pass either:
    /// parts of it would reach a node or a backend past the eyes of those who refuse it (RFC 1858, 5722, 8200 §4.5). What
    /// still comes is refused by the table of fragments, which the fragment reaches on the ordinary way.
    private func condemn(_ bytes: RawSpan) {
        guard let identity = FragmentIdentity(bytes) else { return }
        let key = FragmentKey(
            source: identity.source, destination: identity.destination, transport: identity.transport,
            identification: identity.identification)
        let names = collector.condemn(key, now: now)
        if !names.isEmpty { settled.append(.refused(names, .condemned)) }
    }

    private static func copy(_ bytes: RawSpan, _ range: Range<Int>) -> [UInt8] {
        unsafe bytes.extracting(range).withUnsafeBytes { unsafe [UInt8]($0) }
    }

    /// Notes a payload that is to be split.
    ///
    /// - Parameter originals: Names for its packets; nil if there is no room.
    /// - Returns: The names; nil if the payload is not to be split.
    private func candidate(
        _ packet: Packet, _ decision: Decision, payload: [UInt8], _ path: borrowing PacketPath,
        originals: () -> [UInt32]?
    ) -> [UInt32]? {
        guard decision.backend >= 0, decision.verdict.action == .acceptMarked,
            let service = path.serviceName(decision).flatMap({ plan.services[$0] }),
            service.triggers(dscp: packet.dscp, payloadBytes: payload.count)
        else { return nil }
        guard let names = originals() else {
            desk.refused(.originals)
            return nil
        }
        candidates.append(
            Candidate(
                payload: payload, originals: names, kept: path.keep(decision), pool: decision.pool,
                shard: decision.shard,
                endpoints: JobEndpoints(
                    client: Endpoint(address: packet.key.source, port: packet.key.sourcePort),
                    virtual: Endpoint(address: packet.key.destination, port: packet.key.destinationPort)),
                service: service))
        return names
    }

    private func collect(
        _ copied: CopiedPacket, _ bytes: RawSpan, _ packet: Packet, _ path: inout PacketPath
    ) -> CopyAnswer {
        guard let fragment = packet.fragment else { return .ordinary }
        // Headers behind the fragment header (IPv6) are cut along with the rest; their later fragments do not say that
        // they carry UDP, so the first goes the ordinary way with them.
        let begin = packet.totalLength - fragment.length
        if fragment.isFirst && packet.transportOffset != begin { return .ordinary }
        if let peer = path.peerDecision(packet, bytes, sender: copied.sender) {
            path.count(peer, copied.wireLength)
            return .decided(peer.verdict)
        }
        let key = FragmentKey(
            source: packet.key.source, destination: packet.key.destination, transport: packet.transport,
            identification: fragment.identification)
        // Some of them came without the flag, or were refused: here the packet would never become whole.
        if path.follows(key) { return .ordinary }
        guard let name = originals.add(wireLength: copied.wireLength, isFragment: true) else {
            collector.refuse(key, now: now)
            return .ordinary
        }
        switch collector.add(
            key, fragment, payload: bytes.extracting(begin..<packet.totalLength), original: name,
            wireLength: copied.wireLength, now: now)
        {
        case .kept: break
        case .duplicate:
            _ = originals.remove(name)
            path.count(path.duplicateDecision, copied.wireLength)
            return .decided(.drop)
        case .refused:
            _ = originals.remove(name)
            return .ordinary
        case .whole(let payload): whole(payload.bytes, payload.originals, packet, &path)
        case .poisoned(let fault, let names): settled.append(.refused(names, fault))
        }
        path.countParked()
        return .park(name: name)
    }

    /// Collected fragments whose packet's others came without the flag, a moment later or past another thread, follow
    /// these the ordinary way: here they would wait in vain.
    func followOthers() {
        let patience = settings.fragmentTime / 8
        let withdrawn = queue.withPath { path in
            collector.withdraw(after: patience, now: now) { key in path.follows(key) }
        }
        for packet in withdrawn { follow(packet.fragments, of: packet.key) }
    }

    /// Has originals of a packet go the ordinary way: where its first fragment goes, which some may have to wait for.
    func follow(_ pieces: [WithdrawnFragment], of key: FragmentKey) {
        let builder = PacketBuilder(from: key.source, to: key.destination)
        for piece in pieces { follow(piece, builder) }
    }

    private func follow(_ piece: WithdrawnFragment, _ builder: PacketBuilder) {
        guard let original = originals.remove(piece.original) else { return }
        let bytes = builder.fragment(piece.fragment, transport: TransportProtocol.udp, body: piece.bytes)
        let decision = queue.withPath { path in
            let decision =
                original.id == nil
                ? path.lostDecision : unsafe path.decideOriginal(bytes.span.bytes, wireLength: bytes.count)
            if decision.verdict.action != .park { path.countUnparked(decision, wireLength: original.wireLength) }
            return decision
        }
        if let id = original.id { queue.release(id, decision.verdict) }
    }

    /// All fragments of a payload have come: it is split, or its originals go where they would have gone.
    private func whole(_ transport: [UInt8], _ names: [UInt32], _ last: Packet, _ path: inout PacketPath) {
        var builder = PacketBuilder(from: last.key.source, to: last.key.destination)
        builder.trafficClass = last.trafficClass
        let bytes = builder.packet(transport: TransportProtocol.udp, body: transport)
        let span = unsafe bytes.span.bytes
        guard let packet = try? Packet(parsing: span, wireLength: bytes.count) else {
            return settled.append(.refused(names, .condemned))
        }
        let decision = path.decide(span, wireLength: bytes.count)
        // A backend would not take it with a wrong checksum; it is for the backend to say so.
        let isGood = builder.hasGoodUDPChecksum(transport)
        let payload = Array(bytes[packet.payloadOffset..<packet.payloadEnd])
        if !isGood || candidate(packet, decision, payload: payload, path, originals: { names }) == nil {
            settled.append(.released(names, path.keep(decision)))
        }
    }
}

extension PacketBuilder {
    /// Whether a UDP datagram between these addresses has a right checksum, or none (RFC 768; in IPv6 it must have one).
    func hasGoodUDPChecksum(_ datagram: [UInt8]) -> Bool {
        guard datagram.count >= 8 else { return false }
        if datagram[6] == 0 && datagram[7] == 0 { return family == .ipv4 }
        // With its own checksum in place the sum of everything is 0 in one's complement.
        return unsafe InternetChecksum.transport(
            datagram.span.bytes, source: source, destination: destination, transport: TransportProtocol.udp) == 0
    }
}
