import CLinuxShims
import Dataplane
import Glibc
import Logging
import NetfilterQueue
import NodeLinks
import Synchronization

/// The thread that splits flagged payloads over the nodes, with its queues, its links and its sockets.
public final class Splitter: Sendable {
    private enum Phase: Equatable {
        case starting
        case running
        case failed(SplitterError)
        case ended
    }

    /// As given at the start.
    public let settings: SplitterSettings
    /// The thread's counters.
    public let counters: WorkerCounters
    private let publisher: SnapshotPublisher
    private let fragments: FragmentTracking
    private let number: Int
    private let parking = Mutex(ParkingPlaces())
    private let phase = Mutex(Phase.starting)
    private let thread = Mutex<pthread_t?>(nil)
    private let door: SplitterDoor

    /// A thread that is not started.
    ///
    /// - Parameters:
    ///   - settings: Fixed while it runs.
    ///   - plan: What is split, and over which nodes.
    ///   - publisher: Where the newest snapshot is.
    ///   - counters: Its own.
    ///   - fragments: The table of fragments, shared with the queue workers.
    ///   - number: Its own number in that table.
    public init(
        _ settings: SplitterSettings, plan: SplitterPlan, publisher: SnapshotPublisher, counters: WorkerCounters,
        fragments: FragmentTracking, number: Int
    ) {
        self.settings = settings
        door = SplitterDoor(plan)
        self.publisher = publisher
        self.counters = counters
        self.fragments = fragments
        self.number = number
    }

    /// Starts the thread and waits until its queues are bound.
    ///
    /// - Parameter places: The parking queues for fragments, this thread's at the place of its number: it is one of the
    ///   guests of the group of queue workers (``NetfilterQueue/QueueGroup/parking``).
    public func start(parking places: ParkingPlaces) throws(SplitterError) {
        parking.withLock { $0 = places }
        var id = pthread_t()
        let argument = unsafe Unmanaged.passRetained(self).toOpaque()
        let code = unsafe pthread_create(
            &id, nil,
            { argument in
                // SAFETY: the creator passed a retained splitter and nobody else takes it.
                let splitter = unsafe Unmanaged<Splitter>.fromOpaque(argument!).takeRetainedValue()
                splitter.run()
                return nil
            }, argument)
        guard code == 0 else {
            unsafe Unmanaged<Splitter>.fromOpaque(argument).release()
            throw .thread(code)
        }
        thread.withLock { $0 = id }
        while true {
            switch phase.withLock({ $0 }) {
            case .starting: usleep(100)
            case .failed(let error):
                stop()
                throw error
            case .running, .ended: return
            }
        }
    }

    /// Why the thread ended by itself; nil while it runs.
    public var failure: SplitterError? {
        if case .failed(let error) = phase.withLock({ $0 }) { return error }
        return nil
    }

    /// Takes over what is split and where the nodes are: soon, or, before the start, with it.
    public func take(_ plan: SplitterPlan) { door.leave(plan) }

    /// How splitting stands; nil if the thread does not answer within a second.
    ///
    /// - Parameter traces: Whether time lines are wanted.
    public func report(traces: Bool = false) -> SplitReport? {
        guard let reply = door.ask(traces: traces) else { return nil }
        for _ in 0..<2000 {
            if let report = reply.report.withLock({ $0 }) { return report }
            usleep(500)
        }
        return nil
    }

    /// Ends all jobs, lets originals go to their backends, gives the queue back and waits for the thread.
    public func stop() {
        door.stopLoop()
        let id = thread.withLock { id in
            defer { id = nil }
            return id
        }
        if let id { _ = pthread_join(id, nil) }
    }

    private func run() {
        _ = unsafe ab_name_thread("splitter")
        do throws(SplitterError) {
            let loop: EventLoop
            do throws(LinkSetupError) {
                loop = try EventLoop()
            } catch {
                throw .links(error)
            }
            // Its handlers hold the engine, which holds the loop.
            defer { loop.forgetAll() }
            let path = PacketPath(
                publisher: publisher, counters: counters, fragments: fragments, worker: number, now: MonotonicClock.now)
            let places = parking.withLock { places in
                defer { places = ParkingPlaces() }
                return places
            }
            let engine = try SplitEngine(settings, loop: loop, path: path, parking: places, place: number)
            door.open(on: loop, take: { engine.take($0) }, report: { engine.report(traces: $0) })
            phase.withLock { $0 = .running }
            loop.run()
            door.close()
            if let error = engine.failure {
                throw .queue(.failed(queue: settings.queue.number, error))
            }
            engine.close()
            // Farewells of the links: what waits to be sent, for at most the time that their limits give.
            for _ in 0..<10 { loop.turn(waitingAtMost: .milliseconds(10)) }
            phase.withLock { $0 = .ended }
        } catch {
            Log.error("\(error)")
            phase.withLock { $0 = .failed(error) }
        }
    }
}
