import NodeLinks
import Synchronization

/// The way from other threads to the splitting thread.
///
/// A plan is not put into the mailbox: it waits at the door, where a newer one takes its place, and is taken along by
/// whatever is handled next. So none is lost, not to a mailbox that is full and not before the thread runs.
final class SplitterDoor: Sendable {
    private enum Request: Sendable {
        /// There is a new plan.
        case plan
        case report(traces: Bool, Reply)
    }

    /// Where an answer to another thread is put.
    final class Reply: Sendable {
        let report = Mutex<SplitReport?>(nil)
    }

    /// Requests that may wait.
    static let capacity = 256

    private let plan: Mutex<SplitterPlan?>
    private let inside = Mutex<(mailbox: Mailbox<Request>, handle: LoopHandle)?>(nil)

    /// A door that is closed; the plan waits at it.
    init(_ plan: SplitterPlan) { self.plan = Mutex(plan) }

    /// Lets in what comes, in the loop's thread. The plan that waits is taken at once.
    func open(
        on loop: EventLoop, take: @escaping (SplitterPlan) -> Void, report: @escaping (_ traces: Bool) -> SplitReport
    ) {
        let mailbox = loop.mailbox(capacity: Self.capacity) { [self] (request: Request) in
            takePlan(take)
            guard case .report(let traces, let reply) = request else { return }
            let answer = report(traces)
            reply.report.withLock { $0 = answer }
        }
        inside.withLock { $0 = (mailbox, loop.handle) }
        // Whoever comes later finds the door open.
        takePlan(take)
    }

    private func takePlan(_ take: (SplitterPlan) -> Void) {
        let waiting = plan.withLock { plan in
            defer { plan = nil }
            return plan
        }
        if let waiting { take(waiting) }
    }

    /// Lets nothing in any more.
    func close() { inside.withLock { $0 = nil } }

    /// Leaves a plan.
    func leave(_ new: SplitterPlan) {
        plan.withLock { $0 = new }
        // When the box is full, one of those in it takes the plan along.
        inside.withLock { _ = $0?.mailbox.post(.plan) }
    }

    /// Asks for a report; nil if the door is closed or too many ask.
    func ask(traces: Bool) -> Reply? {
        let reply = Reply()
        let taken = inside.withLock { $0?.mailbox.post(.report(traces: traces, reply)) }
        return taken == true ? reply : nil
    }

    /// Ends the loop.
    func stopLoop() { inside.withLock { $0?.handle.stop() } }
}
