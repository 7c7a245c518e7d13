import Dataplane
import Glibc
import Logging
import Synchronization

/// The daemon's queues: one worker thread each, started and stopped together.
public final class QueueGroup: Sendable {
    private let workers: [QueueWorker]
    private let parking = Mutex<[ParkingQueue]>([])

    /// Prepares workers; nothing is bound before `start`.
    ///
    /// - Parameters:
    ///   - settings: one for each queue.
    ///   - publisher: where the workers find the newest snapshot.
    ///   - counters: one block for each queue, in the same order.
    ///   - fragments: the table of fragments, made for at least as many workers.
    public init(
        _ settings: [QueueSettings], publisher: SnapshotPublisher, counters: [WorkerCounters],
        fragments: FragmentTracking
    ) {
        precondition(settings.count == counters.count)
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
        self.parking.withLock { $0 = parking }
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

    /// A worker that ended by itself, and why; nil while all run.
    public var failure: QueueError? {
        for worker in workers {
            if case .failed(let error) = worker.currentPhase { return error }
        }
        return nil
    }

    /// Answers everything the queues hold, gives them back and waits for the threads. No packet is left waiting.
    public func stop() {
        for worker in workers { worker.requestStop() }
        for worker in workers { worker.join() }
        parking.withLock { queues in
            for queue in queues { queue.releaseAll() }
            queues = []
        }
    }

    /// The workers' parking queues, bound before anything can be parked.
    private func openParking() throws(QueueError) -> [ParkingQueue] {
        var queues: [ParkingQueue] = []
        for settings in settings {
            guard let number = settings.parking else { return [] }
            queues.append(try ParkingQueue(number: number, length: max(1, settings.parkingLength)))
        }
        return queues
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
