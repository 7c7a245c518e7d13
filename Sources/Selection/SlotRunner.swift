/// A member on its way through the slots (see ``fillSlots(members:quotas:size:)``).
struct SlotRunner {
    /// The two numbers its order is made of: below the size, the second one not 0.
    let offset, skip: UInt32
    /// The attempts it has made.
    var attempts: UInt32 = 0
    /// The slots it is still due.
    var left: UInt32
    let weight: UInt16
    /// The member's place in the table.
    let index: UInt16
    /// What it had saved up of its first attempt at the start.
    let phase: UInt32
    /// What it has saved up of its next attempt.
    var credit: UInt64

    /// An attempt costs 2²⁴: fine enough for phases, and room above for a weight widened by as much.
    static var attemptBits: Int { 24 }
    static var attempt: UInt64 { 1 << UInt64(attemptBits) }

    init(member: TableMember, index: Int, quota: Int, size: Int) {
        offset = UInt32(StableHash.hash(member.name, seed: 1) % UInt64(size))
        skip = UInt32(StableHash.hash(member.name, seed: 2) % UInt64(size - 1)) + 1
        left = UInt32(quota)
        weight = UInt16(member.weight)
        self.index = UInt16(index)
        phase = UInt32(StableHash.hash(member.name, seed: 3) >> UInt64(64 - Self.attemptBits))
        credit = UInt64(phase)
    }

    /// When it makes an attempt, counted from 0: the credit still to be saved over the weight.
    ///
    /// - Parameter pace: 2⁶⁴ over the weight, rounded down.
    func time(ofAttempt attempt: UInt32, pace: UInt64) -> UInt64 {
        // The shuffle has at most 2²⁴ places, so the credit is below 2⁴⁸ and has room for a finer scale.
        let credit = (UInt64(attempt) &+ 1) &<< UInt64(Self.attemptBits) &- UInt64(phase)
        return (credit &<< 15).multipliedFullWidth(by: pace).high
    }

    /// Whether it starts before another one.
    func precedes(_ other: SlotRunner) -> Bool {
        phase != other.phase ? phase > other.phase : index < other.index
    }
}
