import Synchronization

/// Watches all backends that have a check, in one thread.
///
/// Results go to the owner through one function, called on the monitor's thread: changes of state only.
public final class HealthMonitor: Sendable {
    /// A change of a target's state.
    public struct Change: Sendable {
        /// The target's id.
        public let id: String
        /// The state it has now.
        public let state: HealthState
        /// The result that decided.
        public let result: ProbeResult
    }

    struct Shared {
        var targets: [HealthTarget] = []
        var targetsChanged = false
        var stopping = false
        var reports: [String: HealthReport] = [:]
        var thread: BackgroundThread?
    }

    let shared = Mutex(Shared())
    let wake = WakePipe()
    let onChange: @Sendable (Change) -> Void

    /// A monitor without targets; nothing runs before `start`.
    public init(onChange: @escaping @Sendable (Change) -> Void) {
        self.onChange = onChange
    }

    /// Begins to watch.
    ///
    /// - Returns: false when no thread could be made; the targets then stay `unknown`.
    public func start() -> Bool {
        let thread = try? BackgroundThread {
            var loop = HealthLoop(self)
            while loop.turn() {}
        }
        shared.withLock { $0.thread = thread }
        return thread != nil
    }

    /// Replaces the targets. One that was there before, with the same probe and policy, keeps its state and its turn.
    public func watch(_ targets: [HealthTarget]) {
        shared.withLock { shared in
            shared.targets = targets
            shared.targetsChanged = true
            let known = Set(targets.map(\.id))
            shared.reports = shared.reports.filter { known.contains($0.key) }
        }
        wake.wake()
    }

    /// What is known of a target; nil for one that is not watched or was never probed.
    public func report(_ id: String) -> HealthReport? { shared.withLock { $0.reports[id] } }

    /// Ends the watch and waits for the thread. `onChange` is not called afterwards.
    public func stop() {
        let thread = shared.withLock { shared in
            shared.stopping = true
            defer { shared.thread = nil }
            return shared.thread
        }
        wake.wake()
        thread?.join()
    }
}
