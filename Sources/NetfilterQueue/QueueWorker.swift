import CLinuxShims
import Dataplane
import Glibc
import Logging
import Synchronization

/// One queue and the thread that answers it.
final class QueueWorker: Sendable {
    /// Where the worker stands.
    enum Phase: Equatable {
        case starting
        case running
        case failed(QueueError)
        case ended
    }

    let settings: QueueSettings
    let counters: WorkerCounters
    private let publisher: SnapshotPublisher
    private let fragments: FragmentTracking
    private let number: Int
    private let parking = Mutex(ParkingPlaces())
    private let phase = Mutex(Phase.starting)
    private let thread = Mutex<pthread_t?>(nil)
    private let stopWanted = Atomic<Bool>(false)

    /// - Parameter number: The worker's own number in the tables that all share.
    init(
        _ settings: QueueSettings, publisher: SnapshotPublisher, counters: WorkerCounters,
        fragments: FragmentTracking, number: Int
    ) {
        self.settings = settings
        self.publisher = publisher
        self.counters = counters
        self.fragments = fragments
        self.number = number
    }

    var currentPhase: Phase { phase.withLock { $0 } }

    /// Starts the thread. The outcome shows in `currentPhase`.
    ///
    /// - Parameter parking: The parking queues, this worker's among them.
    func start(parking places: ParkingPlaces) throws(QueueError) {
        parking.withLock { $0 = places }
        var id = pthread_t()
        let argument = unsafe Unmanaged.passRetained(self).toOpaque()
        let code = unsafe pthread_create(
            &id, nil,
            { argument in
                // SAFETY: the creator passed a retained worker and nobody else takes it.
                let worker = unsafe Unmanaged<QueueWorker>.fromOpaque(argument!).takeRetainedValue()
                worker.run()
                return nil
            }, argument)
        guard code == 0 else {
            unsafe Unmanaged<QueueWorker>.fromOpaque(argument).release()
            throw .failed(queue: settings.number, SystemError("pthread_create", code: code))
        }
        thread.withLock { $0 = id }
    }

    /// Asks the worker to answer what it holds and to give the queue back; takes at most about 200 ms.
    func requestStop() { stopWanted.store(true, ordering: .releasing) }

    /// Waits for the thread's end.
    func join() {
        guard
            let id = thread.withLock({ id in
                defer { id = nil }
                return id
            })
        else { return }
        _ = pthread_join(id, nil)
        parking.withLock { $0 = ParkingPlaces() }
    }

    private func run() {
        _ = unsafe ab_name_thread("queue-\(settings.number)")
        if let cpu = settings.cpu {
            let code = ab_pin_thread(Int32(cpu))
            if code != 0 {
                Log.warning(
                    "queue \(settings.number): \(SystemError("pinning to CPU \(cpu)", code: code)); the scheduler chooses"
                )
            }
        }
        let places = parking.withLock { $0 }
        let kept = places.queues.map(\.descriptor).sorted()
        let refusal = unsafe ab_own_descriptors(kept, Int32(kept.count))
        if refusal != 0 {
            Log.info(
                "queue \(settings.number): \(SystemError("descriptors of its own", code: refusal)); "
                    + "if the daemon is killed, its packets wait a little longer for the fallback route")
        }
        do throws(SystemError) {
            let socket = try NetlinkQueueSocket(settings)
            try socket.requestBind(settings)
            let path = PacketPath(
                publisher: publisher, counters: counters, fragments: fragments, worker: number,
                now: monotonicNanoseconds())
            serve(QueueLoop(settings, socket: socket, path: path, desk: .at(number, of: places)))
        } catch {
            phase.withLock { $0 = .failed(.failed(queue: settings.number, error)) }
        }
    }

    private func serve(_ consumed: consuming QueueLoop<NetlinkQueueSocket>) {
        var loop = consumed
        var closing = false
        while true {
            let turn = loop.turn()
            if let error = turn.fatal {
                phase.withLock { $0 = .failed(.failed(queue: settings.number, error)) }
                Log.error("queue \(settings.number): \(error): the worker ends")
                return
            }
            if let answer = turn.answer, answer.sequence == NetlinkQueueSocket.bindSequence {
                guard answer.code == 0 else {
                    let error = QueueError.bindRefused(queue: settings.number, code: answer.code)
                    phase.withLock { $0 = .failed(error) }
                    return
                }
                phase.withLock { $0 = .running }
            }
            if closing && turn.answer?.sequence == NetlinkQueueSocket.closeSequence {
                // Everything the kernel let in before the close stood before this answer and is answered.
                phase.withLock { $0 = .ended }
                return
            }
            if !closing && stopWanted.load(ordering: .acquiring) {
                closing = true
                do throws(SystemError) {
                    try loop.socket.requestClose()
                } catch {
                    Log.warning("queue \(settings.number): \(error): waiting packets are dropped")
                    phase.withLock { $0 = .ended }
                    return
                }
            }
        }
    }
}
