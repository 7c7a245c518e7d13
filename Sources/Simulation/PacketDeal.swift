import Synchronization

/// Deals the packets of a run to its threads, a handful at a time: who is faster gets more, and all stay close together in
/// virtual time.
final class PacketDeal: Sendable {
    /// Packets dealt at once: few beside those alive, and so many that the threads seldom meet here.
    static var handful: Int { 32 }

    private let total: Int
    private let padding = InlineArray<15, Int>(repeating: 0)
    private let next = Atomic<Int>(0)
    private let padding2 = InlineArray<15, Int>(repeating: 0)

    init(_ total: Int) { self.total = total }

    /// The numbers begin ..< end, none if all have been dealt.
    func take() -> (begin: Int, end: Int) {
        let begin = min(total, next.wrappingAdd(Self.handful, ordering: .relaxed).oldValue)
        return (begin, min(total, begin + Self.handful))
    }
}
