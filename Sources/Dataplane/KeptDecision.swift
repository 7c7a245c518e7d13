/// What is kept of a first fragment's decision for the later ones, in 64 bits.
///
/// Services and backends are named by counter slots, which outlive snapshots.
@frozen
@usableFromInline
struct KeptDecision: RawRepresentable {
    /// What the decision was.
    @frozen
    @usableFromInline
    enum Kind: UInt64 {
        case forwarded = 0
        case noService = 1
        case noBackend = 2
    }

    /// Bits 0 … 31 the mark, 32 … 46 the backend's slot plus 1, 47 … 61 the service's slot plus 1, 62 and 63 the kind.
    @usableFromInline let rawValue: UInt64

    @usableFromInline
    init(rawValue: UInt64) { self.rawValue = rawValue }

    /// A decision in parts; nil where there is no service or backend.
    init(_ kind: Kind, mark: UInt32, backendSlot: Int?, serviceSlot: Int?) {
        let backend = UInt64(backendSlot.map { $0 + 1 } ?? 0) & 0x7FFF
        let service = UInt64(serviceSlot.map { $0 + 1 } ?? 0) & 0x7FFF
        rawValue = UInt64(mark) | backend << 32 | service << 47 | kind.rawValue << 62
    }

    var kind: Kind { Kind(rawValue: rawValue >> 62) ?? .noService }
    var mark: UInt32 { UInt32(truncatingIfNeeded: rawValue) }
    /// Nil: none.
    var backendSlot: Int? { Self.slot(rawValue >> 32) }
    /// Nil: none.
    var serviceSlot: Int? { Self.slot(rawValue >> 47) }

    private static func slot(_ bits: UInt64) -> Int? {
        let value = Int(bits & 0x7FFF)
        return value == 0 ? nil : value - 1
    }
}
