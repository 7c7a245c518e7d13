import CLinuxShims
import Glibc
import Logging

/// Waits for descriptors, timers and other threads, and calls who asked for them. Belongs to one thread: the one that
/// calls ``run()``. Only ``handle`` and mailboxes may be used from others.
///
/// Level-triggered epoll(7). A handler is called again as long as its descriptor is ready, so it may stop reading
/// when it has had its share.
public final class EventLoop {
    /// What a descriptor is waited for, and what it is ready for.
    public struct Readiness: OptionSet, Sendable {
        /// EPOLL… bits.
        public let rawValue: UInt32
        /// From bits.
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        /// There is something to read, or the other side has closed.
        public static let readable = Readiness(rawValue: EPOLLIN.rawValue)
        /// There is room to write, or a connection is made.
        public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
        /// An error, or both directions closed; reported without being asked for.
        public static let failed = Readiness(rawValue: EPOLLERR.rawValue | EPOLLHUP.rawValue)
    }

    private final class Watch {
        let generation: UInt32
        let handler: (Readiness) -> Void
        init(generation: UInt32, _ handler: @escaping (Readiness) -> Void) {
            self.generation = generation
            self.handler = handler
        }
    }

    /// For other threads.
    public let handle: LoopHandle
    private let epoll: Int32
    /// By descriptor: numbers are small, the kernel gives out the lowest.
    private var watches: [Watch?] = []
    private var generation: UInt32 = 0
    private var timers = TimerHeap()
    private var boxes: [() -> Void] = []
    private var endOfTurn: [() -> Void] = []
    private var events = [ab_event](repeating: ab_event(), count: 128)
    /// The time at which the present turn's events were found, in nanoseconds of ``MonotonicClock``: cheaper than the
    /// clock, and the same for all handlers of a turn.
    public private(set) var now = MonotonicClock.now

    /// A loop that watches nothing.
    ///
    /// - Throws: `LinkSetupError` when there is no file descriptor left.
    public init() throws(LinkSetupError) {
        handle = try LoopHandle()
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw LinkSetupError(call: "epoll_create1") }
        try watch(handle.descriptor, for: .readable) { [unowned self] _ in
            handle.drain()
            for box in boxes { box() }
        }
    }

    deinit { close(epoll) }

    /// Calls the handler whenever the descriptor is ready for what is asked, until ``unwatch(_:)``.
    ///
    /// - Throws: `LinkSetupError` when the kernel refuses the descriptor (a regular file, for example).
    public func watch(
        _ descriptor: Int32, for interest: Readiness, _ handler: @escaping (Readiness) -> Void
    ) throws(LinkSetupError) {
        generation &+= 1
        let place = Int(descriptor)
        guard place >= 0, set(EPOLL_CTL_ADD, descriptor, interest, generation) else {
            throw LinkSetupError(call: "epoll_ctl")
        }
        while watches.count <= place { watches.append(nil) }
        watches[place] = Watch(generation: generation, handler)
    }

    /// Asks for something else from now on. An empty interest only reports failures.
    public func change(_ descriptor: Int32, to interest: Readiness) {
        guard let watch = watch(of: descriptor) else { return }
        _ = set(EPOLL_CTL_MOD, descriptor, interest, watch.generation)
    }

    /// Forgets the descriptor; events that were found already are not delivered any more. To be called before close(2).
    public func unwatch(_ descriptor: Int32) {
        guard watch(of: descriptor) != nil else { return }
        watches[Int(descriptor)] = nil
        _ = set(EPOLL_CTL_DEL, descriptor, [], 0)
    }

    /// Does something once, at the deadline (nanoseconds of ``MonotonicClock``), or as soon after it as can be.
    @discardableResult
    public func schedule(at deadline: Int64, _ action: @escaping () -> Void) -> LoopTimer {
        let timer = LoopTimer(deadline: deadline, action)
        timers.insert(timer)
        return timer
    }

    /// Does something once, that long from now.
    @discardableResult
    public func schedule(after delay: Duration, _ action: @escaping () -> Void) -> LoopTimer {
        schedule(at: MonotonicClock.now &+ delay.nanoseconds, action)
    }

    /// A box into which any thread may put messages; the handler gets them in this thread.
    ///
    /// - Parameter capacity: how many may wait; further ones are refused at the sender.
    public func mailbox<Message: Sendable>(
        capacity: Int = 65_536, _ handler: @escaping (Message) -> Void
    ) -> Mailbox<Message> {
        let box = Mailbox<Message>(capacity: capacity, handle: handle)
        boxes.append { for message in box.take() { handler(message) } }
        return box
    }

    /// Does something when all events of the present turn are delivered, or, outside a turn, at the next one's
    /// beginning: for what is better done once for many events, as writing to a socket.
    public func atEndOfTurn(_ action: @escaping () -> Void) { endOfTurn.append(action) }

    /// Forgets all mailboxes' handlers, timers and actions: nobody of theirs is called again, and what they hold is let
    /// go. For the end of a loop, whose handlers hold objects that in turn hold the loop.
    public func forgetAll() {
        let forgotten = (boxes, endOfTurn, timers)
        boxes = []
        endOfTurn = []
        timers = TimerHeap()
        // Not before: as they go, they may have something to say to the loop.
        withExtendedLifetime(forgotten) {}
    }

    /// Turns until ``LoopHandle/stop()``.
    public func run() {
        while !handle.isStopping { turn() }
        finishTurn()
    }

    /// Waits for the next events and delivers them.
    ///
    /// - Parameter wait: how long to wait at most; nil: as long as it takes.
    public func turn(waitingAtMost wait: Duration? = nil) {
        finishTurn()
        var nanoseconds = wait?.nanoseconds ?? -1
        if let deadline = timers.firstDeadline() {
            let left = max(0, deadline - MonotonicClock.now)
            nanoseconds = nanoseconds < 0 ? left : min(nanoseconds, left)
        }
        let count = unsafe ab_epoll_wait(epoll, &events, Int32(events.count), nanoseconds)
        if count < 0 && errno != EINTR { fatalError("epoll_pwait2: errno \(errno)") }
        now = MonotonicClock.now
        for index in 0..<max(0, Int(count)) {
            let event = events[index]
            let token = event.token
            // A descriptor closed in this turn may be in use again under the same number.
            guard let watch = watch(of: Int32(truncatingIfNeeded: token)),
                watch.generation == UInt32(truncatingIfNeeded: token >> 32)
            else { continue }
            watch.handler(Readiness(rawValue: event.events))
        }
        while let timer = timers.due(at: now) { timer.take()?() }
        finishTurn()
    }

    private func finishTurn() {
        // What is done here may ask for more of it; that is done as well before the next wait.
        while !endOfTurn.isEmpty {
            let actions = endOfTurn
            endOfTurn.removeAll(keepingCapacity: true)
            for action in actions { action() }
        }
    }

    private func watch(of descriptor: Int32) -> Watch? {
        watches.indices.contains(Int(descriptor)) ? watches[Int(descriptor)] : nil
    }

    private func set(_ operation: Int32, _ descriptor: Int32, _ interest: Readiness, _ generation: UInt32) -> Bool {
        let token = UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
        return ab_epoll_set(epoll, operation, descriptor, interest.rawValue, token) == 0
    }
}
