/// The node's bounded priority queue: reassembly jobs and chunk work share its places.
///
/// **Room.** At most `size` entries wait (`priority_queue_size`). A job takes its place when it is opened, and keeps it
/// until it is settled or taken to be joined: so a job that was taken on is never refused late. When all places are
/// taken, new work displaces the youngest waiting chunk of the least urgent class, if that is less urgent than its own;
/// otherwise it is refused itself. Jobs are never displaced.
///
/// **Turns.** While both kinds wait, of any `weight` + 1 turns in a row `weight` are reassembly jobs' and one is a
/// chunk's (`priority_queue_weight`). While one kind waits alone it has all turns and owes nothing for them.
///
/// **Within a kind** the most urgent class comes first (0 before 7), then age. So that no class starves, each eighth
/// turn of a kind goes to its oldest entry, whatever its class: what `n` entries of its kind are older than waits for
/// at most 8·(n + 1) turns of the kind.
///
/// All operations take constant time but for the search over eight classes; time comes from outside.
public struct WorkQueue<Work> {
    /// What a place is taken for.
    public enum Kind: Int, CaseIterable, Sendable {
        /// Aggregating the results of a job.
        case reassembly = 0
        /// Working on a chunk.
        case chunk = 1
    }

    /// How many classes there are, the most urgent 0.
    public static var classes: Int { 8 }
    /// Each how-manieth turn of a kind goes by age alone.
    public static var ageTurn: Int { 8 }

    /// Names an entry as long as it is there. Tickets of one queue grow with age.
    public struct Ticket: Hashable, Sendable {
        let number: UInt64
    }

    /// An entry that left the queue.
    public struct Entry {
        /// Its ticket.
        public let ticket: Ticket
        /// What it was there for.
        public let kind: Kind
        /// Its class.
        public let urgency: Int
        /// When it began to wait, on the caller's clock.
        public let since: Int64
        /// What is to be done.
        public let work: Work
    }

    /// What became of new work.
    public enum Admission {
        /// It waits.
        case waits(Ticket)
        /// It waits in the place of this entry, which is out.
        case displaced(Entry, Ticket)
        /// There is no place.
        case refused
    }

    /// `priority_queue_size`; making it smaller removes nothing that waits.
    public var size: Int
    /// `priority_queue_weight`.
    public var weight: Int
    private var entries: [Ticket: Entry] = [:]
    private var lanes: [[Lane]]
    private var counts = [0, 0]
    private var turns = [0, 0]
    /// Turns that reassembly jobs had since the last chunk's, both waiting.
    private var jobTurns = 0
    private var nextNumber: UInt64 = 1
    /// Places of jobs that are open and do not wait yet.
    private(set) public var reserved = 0

    /// An empty queue; size and weight are at least 1.
    public init(size: Int, weight: Int) {
        self.size = max(1, size)
        self.weight = max(1, weight)
        lanes = Array(repeating: Array(repeating: Lane(), count: Self.classes), count: Kind.allCases.count)
    }

    /// Entries that wait.
    public var waiting: Int { entries.count }
    /// Entries of a kind that wait.
    public func waiting(_ kind: Kind) -> Int { counts[kind.rawValue] }
    /// Places that are taken, those of open jobs included.
    public var taken: Int { entries.count + reserved }
    /// Places that are free.
    public var free: Int { max(0, size - taken) }

    // MARK: In

    /// Takes a place for a job that is opened now and will wait when its results are there.
    ///
    /// - Returns: false when there is none; `displaced` is a chunk that had to go.
    public mutating func reserve(urgency: Int, displaced: inout Entry?) -> Bool {
        guard makeRoom(urgency, &displaced) else { return false }
        reserved += 1
        return true
    }

    /// Gives a reserved place back: the job was settled before its results were there.
    public mutating func release() {
        precondition(reserved > 0)
        reserved -= 1
    }

    /// The job behind a reserved place begins to wait; that is never refused.
    public mutating func redeem(_ work: Work, urgency: Int, now: Int64) -> Ticket {
        release()
        return append(.reassembly, work, urgency, now)
    }

    /// Adds a chunk.
    public mutating func add(_ work: Work, urgency: Int, now: Int64) -> Admission {
        var displaced: Entry?
        guard makeRoom(urgency, &displaced) else { return .refused }
        let ticket = append(.chunk, work, urgency, now)
        return displaced.map { .displaced($0, ticket) } ?? .waits(ticket)
    }

    private mutating func makeRoom(_ urgency: Int, _ displaced: inout Entry?) -> Bool {
        if taken < size { return true }
        let own = Self.clamped(urgency)
        for urgency in stride(from: Self.classes - 1, to: own, by: -1) {
            if let ticket = lanes[Kind.chunk.rawValue][urgency].last(alive: { entries[$0] != nil }) {
                displaced = remove(ticket)
                return true
            }
        }
        return false
    }

    private mutating func append(_ kind: Kind, _ work: Work, _ urgency: Int, _ now: Int64) -> Ticket {
        let ticket = Ticket(number: nextNumber)
        nextNumber += 1
        let urgency = Self.clamped(urgency)
        entries[ticket] = Entry(ticket: ticket, kind: kind, urgency: urgency, since: now, work: work)
        lanes[kind.rawValue][urgency].append(ticket)
        counts[kind.rawValue] += 1
        return ticket
    }

    private static func clamped(_ urgency: Int) -> Int { min(max(0, urgency), classes - 1) }

    // MARK: Out

    /// The next work, or nil when nothing waits.
    public mutating func take() -> Entry? {
        guard let kind = nextKind() else { return nil }
        turns[kind.rawValue] += 1
        let byAge = turns[kind.rawValue].isMultiple(of: Self.ageTurn)
        return first(of: kind, byAge: byAge).flatMap { remove($0) }
    }

    private mutating func nextKind() -> Kind? {
        switch (counts[0] > 0, counts[1] > 0) {
        case (false, false):
            jobTurns = 0
            return nil
        case (true, false):
            jobTurns = 0
            return .reassembly
        case (false, true):
            jobTurns = 0
            return .chunk
        case (true, true):
            if jobTurns < weight {
                jobTurns += 1
                return .reassembly
            }
            jobTurns = 0
            return .chunk
        }
    }

    private mutating func first(of kind: Kind, byAge: Bool) -> Ticket? {
        var oldest: Ticket?
        for urgency in 0..<Self.classes {
            guard let head = lanes[kind.rawValue][urgency].first(alive: { entries[$0] != nil }) else { continue }
            if !byAge { return head }
            if oldest.map({ head.number < $0.number }) ?? true { oldest = head }
        }
        return oldest
    }

    /// Takes an entry out whose turn has not come: settled, or over its time.
    ///
    /// - Returns: the entry, or nil when it is out already.
    @discardableResult
    public mutating func remove(_ ticket: Ticket) -> Entry? {
        guard let entry = entries.removeValue(forKey: ticket) else { return nil }
        counts[entry.kind.rawValue] -= 1
        lanes[entry.kind.rawValue][entry.urgency].forget(alive: { entries[$0] != nil })
        return entry
    }

    /// Takes out all entries for which that is so, oldest first.
    public mutating func removeAll(where isOver: (Entry) -> Bool) -> [Entry] {
        let over = entries.values.filter(isOver).sorted { $0.ticket.number < $1.ticket.number }
        for entry in over { remove(entry.ticket) }
        return over
    }

    /// Tickets of one kind and class by age. Those whose entry is gone stay until they surface or are more than the
    /// rest.
    private struct Lane {
        private var tickets: [Ticket] = []
        private var start = 0
        private var gone = 0

        mutating func append(_ ticket: Ticket) { tickets.append(ticket) }

        mutating func first(alive: (Ticket) -> Bool) -> Ticket? {
            while start < tickets.count {
                if alive(tickets[start]) { return tickets[start] }
                start += 1
                gone -= 1
            }
            clear()
            return nil
        }

        mutating func last(alive: (Ticket) -> Bool) -> Ticket? {
            while tickets.count > start, let ticket = tickets.last {
                if alive(ticket) { return ticket }
                tickets.removeLast()
                gone -= 1
            }
            clear()
            return nil
        }

        /// An entry of this lane went.
        mutating func forget(alive: (Ticket) -> Bool) {
            gone += 1
            guard gone > 32 || start > 32, (gone + start) * 2 > tickets.count else { return }
            tickets = tickets[start...].filter(alive)
            start = 0
            gone = 0
        }

        private mutating func clear() {
            tickets.removeAll(keepingCapacity: true)
            start = 0
            gone = 0
        }
    }
}
