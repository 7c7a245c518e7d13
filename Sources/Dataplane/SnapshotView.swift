import Classification
import Selection
import Wire

/// A snapshot as flat memory: deciding is a pure function of it.
///
/// SAFETY: it points into the `Snapshot` it was taken from; whoever keeps it keeps that too.
@safe
@usableFromInline
struct SnapshotView: Sendable {
    @usableFromInline let classifier: ServiceLookup
    @usableFromInline let tables: SnapshotTables
    @usableFromInline let hashSeed: UInt32
    @usableFromInline let onNoService: Verdict
    @usableFromInline let onNoBackend: Verdict
    @usableFromInline let onMalformed: Verdict

    init(_ classifier: ServiceLookup, _ tables: SnapshotTables, _ plan: SnapshotPlan) {
        unsafe self.classifier = unsafe classifier
        self.tables = tables
        hashSeed = plan.hashSeed
        onNoService = plan.onNoService.verdict
        onNoBackend = plan.onNoBackend.verdict
        onMalformed = plan.onMalformed.verdict
    }

    /// Reads a packet and decides where it goes.
    ///
    /// - Parameters:
    ///   - bytes: the packet from its layer-3 header on, as far as it was copied.
    ///   - wireLength: its whole length in bytes.
    @inlinable
    @inline(__always)
    @_noLocks
    func decide(_ bytes: RawSpan, wireLength: Int) -> Decision {
        do throws(WireError) {
            return decide(try Packet(parsing: bytes, wireLength: wireLength))
        } catch {
            return unread(error)
        }
    }

    /// Decides where a packet goes that was read already: a whole one, or the first fragment of one, which carries the
    /// ports. What becomes of later fragments is not for a snapshot to say; without ports they match by their addresses.
    @inlinable
    @inline(__always)
    @_noLocks
    func decide(_ packet: Packet) -> Decision {
        let portsKnown = Self.hasPorts(packet)
        let service = unsafe classifier.service(for: packet.key, portsKnown: portsKnown, isEcho: Self.isEcho(packet))
        guard service >= 0 else { return Decision(.noService, onNoService) }
        let entry = unsafe tables.services[service]
        let pool = unsafe tables.pools[Int(entry.pool)]
        guard pool.size > 0 else {
            var decision = Decision(.noBackend, onNoBackend)
            decision.service = Int32(truncatingIfNeeded: service)
            decision.pool = Int32(bitPattern: entry.pool)
            return decision
        }
        let fields = portsKnown ? entry.fields : entry.fieldsWithoutPorts
        let shard = shardIndex(hash: shardHash(packet.key, fields: fields, seed: hashSeed), shards: pool.size)
        let backend = unsafe Int(pool.firstBackend) + Int(pool.slots[Int(shard)])
        let mark = unsafe tables.backends[backend].mark
        var decision = Decision(packet.isFragment ? .forwardedFragment : .forwarded, .accept(mark: mark))
        if case .icmpError = packet.kind { decision.outcome = .forwardedError }
        decision.service = Int32(truncatingIfNeeded: service)
        decision.pool = Int32(bitPattern: entry.pool)
        decision.shard = shard
        decision.backend = Int32(truncatingIfNeeded: backend)
        return decision
    }

    @usableFromInline
    @_noLocks
    func unread(_ error: WireError) -> Decision {
        var decision = Decision(.malformed, onMalformed)
        if case .beyondCapture = error { decision.outcome = .unreadable }
        decision.error = error
        return decision
    }

    @inlinable
    @inline(__always)
    static func isEcho(_ packet: Packet) -> Bool {
        if case .echo = packet.kind { true } else { false }
    }

    /// Whether the key's ports are the flow's. They are not in a later fragment, in a protocol without ports, or when
    /// the packet inside an ICMP error was cut before them.
    @inlinable
    @inline(__always)
    static func hasPorts(_ packet: Packet) -> Bool {
        switch packet.kind {
        case .transport, .echo: return true
        case .icmpError: if case .flow = packet.errorInner { return true } else { return false }
        case .other: return false
        }
    }
}
