import Dataplane
import Glibc
import Logging
import Synchronization

/// The daemon's queues: one worker thread each, started and stopped together.
public final class QueueGroup: Sendable {
    private let workers: [QueueWorker]
    private let guests: [QueueSettings]
    private let places = Mutex(ParkingPlaces())

    /// Prepares workers; nothing is bound before `start`.
    ///
    /// - Parameters:
    ///   - settings: one for each queue.
    ///   - publisher: where the workers find the newest snapshot.
    ///   - counters: one block for each queue, in the same order.
    ///   - fragments: the table of fragments, made for at least as many workers.
    ///   - guests: queues that other threads serve, who share the table under the numbers behind the workers': their
    ///     parking queues are opened along with the workers', and handed out by ``parking``.
    public init(
        _ settings: [QueueSettings], publisher: SnapshotPublisher, counters: [WorkerCounters],
        fragments: FragmentTracking, guests: [QueueSettings] = []
    ) {
        precondition(settings.count == counters.count)
        self.guests = guests
        workers = settings.indices.map { index in
            QueueWorker(
                settings[index], publisher: publisher, counters: counters[index], fragments: fragments, number: index)
        }
    }

    /// The queues' settings in the order of the workers.
    public var settings: [QueueSettings] { workers.map(\.settings) }

    /// Binds all queues; either all are served or none.
    ///
    /// - Throws: the first queue's error. The others have been given back.
    public func start() throws(QueueError) {
        let parking = try openParking()
        places.withLock { $0 = parking }
        var failure: QueueError?
        for worker in workers {
            do throws(QueueError) {
                try worker.start(parking: parking)
            } catch {
                failure = error
                break
            }
        }
        if failure == nil { failure = waitUntilBound() }
        if let failure {
            stop()
            throw failure
        }
    }

    /// The parking queues of the workers and, behind them, of the guests; none before `start` and after `stop`.
    public var parking: ParkingPlaces { places.withLock { $0 } }

    /// A worker that ended by itself, and why; nil while all run.
    public var failure: QueueError? {
        for worker in workers {
            if case .failed(let error) = worker.currentPhase { return error }
        }
        return nil
    }

    /// Answers everything the queues hold, gives them back and waits for the threads. No packet is left waiting, in the
    /// guests' parking queues neither: these have to be stopped before.
    public func stop() {
        for worker in workers { worker.requestStop() }
        for worker in workers { worker.join() }
        places.withLock { places in
            for queue in places.queues { queue.releaseAll() }
            places = ParkingPlaces()
        }
    }

    /// All parking queues, bound before anything can be parked, and before the workers keep descriptors of their own:
    /// each needs those of all.
    private func openParking() throws(QueueError) -> ParkingPlaces {
        var queues: [ParkingQueue] = []
        for settings in settings + guests {
            guard let number = settings.parking else { return ParkingPlaces() }
            queues.append(try ParkingQueue(number: number, length: max(1, settings.parkingLength)))
        }
        return ParkingPlaces(queues)
    }

    private func waitUntilBound() -> QueueError? {
        // The kernel answers in microseconds; the bound is for a machine that swaps.
        for _ in 0..<50_000 {
            if let failure { return failure }
            if workers.allSatisfy({ $0.currentPhase == .running }) { return nil }
            usleep(100)
        }
        return .failed(queue: workers.first?.settings.number ?? 0, SystemError("bind of the queue", code: ETIMEDOUT))
    }
}
