import Tracking
import Wire

extension PacketPath {
    /// The same for a whole packet that is still to be read.
    @inline(never)
    @usableFromInline
    func follow(_ bytes: RawSpan, _ wireLength: Int, _ choice: Decision) -> Decision {
        guard let packet = try? Packet(parsing: bytes, wireLength: wireLength) else {
            preconditionFailure("the packet was read before")
        }
        return follow(packet, choice)
    }

    /// Where a packet of a pool with `affinity: flow` goes: to its flow's backend while that lives, otherwise by the
    /// table, and its flow from then on with it.
    func follow(_ packet: Packet, _ choice: Decision) -> Decision {
        guard flows != nil else { return choice }
        switch packet.kind {
        case .transport: break
        case .icmpError: return followError(packet, choice)
        case .echo, .other: return choice
        }
        let key = packet.key
        let hash = flows!.table.hash(key)
        if let binding = flows!.table.follow(key, hash: hash, tcpFlags: packet.tcpFlags, now: now) {
            if let place = view.place(of: binding, in: choice.pool) { return view.send(choice, to: place) }
            guard choice.backend >= 0 else { return choice }
            if flows!.table.rebind(key, hash: hash, to: view.binding(choice), now: now, worker: worker) {
                counters.add(.flowsMoved)
            }
            return choice
        }
        // A reset of a connection nobody knows begins nothing.
        guard choice.backend >= 0, packet.tcpFlags & Self.reset == 0 else { return choice }
        switch flows!.table.bind(
            key, hash: hash, tcpFlags: packet.tcpFlags, choice: view.binding(choice), now: now, worker: worker)
        {
        case .pinned(let binding):
            guard let place = view.place(of: binding, in: choice.pool) else { return choice }
            return view.send(choice, to: place)
        case .began: return choice
        case .noRoom:
            counters.add(.flowsNotPinned)
            return choice
        }
    }

    /// An error goes where its flow goes, and is no sign of life of the flow.
    private func followError(_ packet: Packet, _ choice: Decision) -> Decision {
        guard case .flow = packet.errorInner, let binding = flows!.table.binding(of: packet.key, now: now),
            let place = view.place(of: binding, in: choice.pool)
        else { return choice }
        var decision = view.send(choice, to: place)
        decision.outcome = .forwardedError
        return decision
    }

    /// The RST bit of TCP's flags (RFC 9293 §3.1).
    private static var reset: UInt8 { 0x04 }
}

extension SnapshotView {
    /// The backend that a flow is pinned to, if it still is the pool's and keeps its flows.
    func place(of binding: FlowBinding, in pool: Int32) -> Int32? {
        let index = tables.backend(ofSlot: Int(binding.backend))
        let entry = unsafe tables.pools[Int(pool)]
        guard index >= 0, UInt32(bitPattern: index) &- entry.firstBackend < entry.backendCount,
            unsafe tables.backends[Int(index)].mark == binding.mark, unsafe tables.backends[Int(index)].keepsFlows
        else { return nil }
        return index
    }

    /// What pins a flow to a decision's backend.
    func binding(_ decision: Decision) -> FlowBinding {
        let backend = unsafe tables.backends[Int(decision.backend)]
        return FlowBinding(backend: UInt16(truncatingIfNeeded: backend.counterSlot), mark: backend.mark)
    }

    /// The decision with another backend.
    func send(_ choice: Decision, to backend: Int32) -> Decision {
        var decision = choice
        if decision.outcome == .noBackend { decision.outcome = .forwarded }
        decision.verdict = unsafe .accept(mark: tables.backends[Int(backend)].mark)
        decision.backend = backend
        return decision
    }
}
