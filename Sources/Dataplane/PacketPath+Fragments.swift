import Selection
import Tracking
import Wire

extension PacketPath {
    /// Decides a fragment: by its packet's first one, which may still have to come.
    @inline(never)
    @usableFromInline
    func decideFragment(_ bytes: RawSpan, _ wireLength: Int, _ sender: UInt64) -> Decision {
        guard let packet = try? Packet.parseCarefully(bytes, wireLength: wireLength), let fragment = packet.fragment
        else { preconditionFailure("a fragment was read before") }
        if let peer = view.peer(for: packet.outerAddresses(in: bytes), sender) { return peer }
        return track(packet, fragment, bytes)
    }

    /// Decides a fragment that is for this load balancer.
    func track(_ packet: Packet, _ fragment: FragmentInfo, _ bytes: RawSpan) -> Decision {
        let addresses = packet.outerAddresses(in: bytes)
        let key = FragmentKey(
            source: addresses.source, destination: addresses.destination, transport: packet.transport,
            identification: fragment.identification)
        var arrival = FragmentArrival(fragment, transport: packet.transport)
        var choice = Decision(.fragmentNoRoom, .drop)
        if fragment.isFirst {
            choice = view.decide(packet)
            if choice.pool >= 0, unsafe view.tables.pools[Int(choice.pool)].pinsFlows {
                choice = follow(packet, choice)
                if choice.outcome == .forwarded { choice.outcome = .forwardedFragment }
            }
            arrival.decision = view.keep(choice).rawValue
        }
        let hash = fragments.tracker.hash(key)
        switch fragments.tracker.track(arrival, key: key, hash: hash, now: now, worker: worker) {
        case .useDecision(let kept, _):
            return fragment.isFirst ? choice : view.decision(KeptDecision(rawValue: kept))
        case .park(let name): return Decision(.forwardedFragment, .park(name.rawValue))
        case .duplicate: return Decision(.fragmentDuplicate, .drop)
        case .drop(let fault): return Self.rejected(fault)
        // Its own decision is a first fragment's to go by; where the others go nobody knows.
        case .noRoom: return choice
        }
    }

    /// A packet that cannot be read. If it is a fragment, the others of its packet must not pass either: parts of it
    /// would reach a backend past the eyes of those who refuse it.
    @inline(never)
    @usableFromInline
    func refuse(_ bytes: RawSpan, _ error: WireError) -> Decision {
        if let identity = FragmentIdentity(bytes) {
            let key = FragmentKey(
                source: identity.source, destination: identity.destination, transport: identity.transport,
                identification: identity.identification)
            fragments.tracker.condemn(key, now: now, worker: worker)
        }
        return view.unread(error)
    }

    private static func rejected(_ fault: FragmentFault) -> Decision {
        var decision = Decision(.fragmentRejected, .drop)
        decision.fault = fault
        return decision
    }

    // MARK: Parked fragments

    /// Tells that a parked fragment has arrived in its parking queue.
    ///
    /// - Parameters:
    ///   - name: The mark that its verdict gave it.
    ///   - token: Where it is.
    /// - Returns: False if nobody waits for it (any more): drop it; its outcome is counted.
    public func confirm(_ name: UInt32, token: ParkingToken) -> Bool {
        fragments.tracker.confirm(ParkedFragment(rawValue: name), token: token.rawValue)
    }

    /// Whether fragments are to be released that have not arrived in their parking queues yet: look again soon.
    public var awaitsParking: Bool { fragments.tracker.awaitsTokens(worker: worker) }

    /// Hands over parked fragments whose packets have been decided, or whose time is over, and counts them. Those of one
    /// packet come in the order of their offsets. Call it again until it gives 0.
    ///
    /// - Returns: How many places of `buffer` were filled.
    public mutating func takeUnparked(into buffer: inout MutableSpan<UnparkedFragment>) -> Int {
        let filled = takeReleased(into: &buffer)
        return filled > 0 ? filled : takeDropped(into: &buffer)
    }

    private mutating func takeReleased(into buffer: inout MutableSpan<UnparkedFragment>) -> Int {
        var released = InlineArray<16, ReleasedFragment>(repeating: ReleasedFragment())
        var span = released.mutableSpan
        let count = fragments.tracker.takeReleased(into: &span, now: now, worker: worker)
        countLost()
        for index in 0..<min(count, buffer.count) {
            let fragment = span[index]
            finish(fragment.token, view.decision(KeptDecision(rawValue: fragment.decision)), &buffer[index])
        }
        return count
    }

    private mutating func takeDropped(into buffer: inout MutableSpan<UnparkedFragment>) -> Int {
        var dropped = InlineArray<16, DroppedFragment>(repeating: DroppedFragment())
        var span = dropped.mutableSpan
        let count = fragments.tracker.takeDropped(into: &span, now: now, worker: worker)
        countLost()
        for index in 0..<min(count, buffer.count) {
            finish(span[index].token, Self.rejected(span[index].fault), &buffer[index])
        }
        return count
    }

    private func finish(_ token: UInt64, _ decision: Decision, _ place: inout UnparkedFragment) {
        place = UnparkedFragment(token: ParkingToken(rawValue: token), decision: decision)
        count(decision, place.token.wireLength)
        counters.add(.packetsUnparked)
    }

    private mutating func countLost() {
        let lost = fragments.tracker.lost(worker: worker)
        guard lost != self.lost else { return }
        counters.add(CounterLayout.outcomes + Int(Outcome.fragmentLost.rawValue), lost &- self.lost)
        counters.add(.packetsUnparked, lost &- self.lost)
        self.lost = lost
    }
}

/// Where a parked fragment is.
public struct ParkingToken: RawRepresentable, Hashable, Sendable {
    /// Bits 0 … 31 the id, 32 … 47 the length, 48 … 63 the place.
    public let rawValue: UInt64

    /// What `rawValue` was.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// All parts.
    ///
    /// - Parameters:
    ///   - place: Which parking queue, 0 … 65,535.
    ///   - id: What the fragment is known by there.
    ///   - wireLength: Its length in bytes, from the layer-3 header on.
    public init(place: Int, id: UInt32, wireLength: Int) {
        rawValue = UInt64(id) | UInt64(UInt16(clamping: wireLength)) << 32 | UInt64(UInt16(clamping: place)) << 48
    }

    /// Which parking queue.
    public var place: Int { Int(rawValue >> 48) }
    /// What the fragment is known by there.
    public var id: UInt32 { UInt32(truncatingIfNeeded: rawValue) }
    /// Its length in bytes, from the layer-3 header on.
    public var wireLength: Int { Int(rawValue >> 32 & 0xFFFF) }
}

/// A parked fragment and what becomes of it.
public struct UnparkedFragment: Sendable {
    /// Where it is.
    public var token: ParkingToken
    /// What becomes of it.
    public var decision: Decision

    init(token: ParkingToken, decision: Decision) {
        self.token = token
        self.decision = decision
    }

    /// An empty place in a buffer.
    public init() { self.init(token: ParkingToken(rawValue: 0), decision: Decision(.forwardedFragment, .drop)) }
}

extension SnapshotView {
    /// What later fragments need to know of their first one's decision.
    func keep(_ decision: Decision) -> KeptDecision {
        let kind: KeptDecision.Kind =
            switch decision.outcome {
            case .noService: .noService
            case .noBackend: .noBackend
            default: .forwarded
            }
        return KeptDecision(
            kind, mark: decision.verdict.mark,
            backendSlot: decision.backend < 0 ? nil : unsafe Int(tables.backends[Int(decision.backend)].counterSlot),
            serviceSlot: decision.service < 0 ? nil : unsafe Int(tables.services[Int(decision.service)].counterSlot))
    }

    /// The decision for a later fragment.
    func decision(_ kept: KeptDecision) -> Decision {
        var decision =
            switch kept.kind {
            case .forwarded: Decision(.forwardedFragment, .accept(mark: kept.mark))
            case .noService: Decision(.noService, onNoService)
            case .noBackend: Decision(.noBackend, onNoBackend)
            }
        if let slot = kept.serviceSlot { decision.service = tables.service(ofSlot: slot) }
        if decision.service >= 0 {
            decision.pool = unsafe Int32(bitPattern: tables.services[Int(decision.service)].pool)
        }
        if let slot = kept.backendSlot { decision.backend = tables.backend(ofSlot: slot) }
        return decision
    }

    /// The decision for a fragment that another load balancer is to handle; nil if it is this one's. Fragments that come
    /// from another are always this one's: while the lists differ, none goes round in circles.
    func peer(for addresses: (source: IPAddress, destination: IPAddress), _ sender: UInt64) -> Decision? {
        guard tables.tier.pool >= 0, !tables.isPeer(sender) else { return nil }
        let pool = unsafe tables.pools[Int(tables.tier.pool)]
        guard pool.size > 0 else { return nil }
        let key = FlowKey(
            source: addresses.source, destination: addresses.destination, sourcePort: 0, destinationPort: 0,
            transport: 0)
        let shard = shardIndex(hash: shardHash(key, fields: .addresses, seed: hashSeed), shards: pool.size)
        let backend = unsafe Int32(bitPattern: pool.firstBackend) + Int32(pool.slots[Int(shard)])
        guard backend != tables.tier.own else { return nil }
        var decision = unsafe Decision(.forwardedPeer, .accept(mark: tables.backends[Int(backend)].mark))
        decision.pool = tables.tier.pool
        decision.shard = shard
        decision.backend = backend
        return decision
    }
}
