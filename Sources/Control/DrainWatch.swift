import Configuration
import Dataplane
import Logging
import Synchronization
import Tracking

/// Sees when the last flow of a draining backend is idle.
final class DrainWatch: Sendable {
    private let drained = Mutex<Set<BackendKey>>([])

    /// Looks at all draining backends of pools that pin flows, and tells of those whose last flow is gone.
    ///
    /// - Parameter now: Nanoseconds of the monotonic clock.
    func look(at director: Director, now: Int64) {
        guard let flows = director.flows else { return }
        let draining = director.view.pools.filter { $0.configuration.affinity == .flow }
            .flatMap(\.backends).filter { $0.state == .draining }
        let keys = Set(draining.map(\.key))
        drained.withLock { $0.formIntersection(keys) }
        guard !draining.isEmpty else { return }
        // Idle flows count until they are reclaimed. The last worker number is the control plane's.
        _ = flows.table.expire(flows.table.limits.size, now: now, worker: flows.table.limits.workers - 1)
        for backend in draining where flows.table.flows(on: UInt16(backend.counterSlot)) == 0 {
            let isNews = drained.withLock { $0.insert(backend.key).inserted }
            if isNews { Log.notice("backend \(backend.key) is drained: none of its flows is left") }
        }
    }
}

extension ControlPlane {
    /// Flows that are pinned to a backend, idle ones that are not forgotten yet among them; nil if its pool pins none.
    func pinnedFlows(_ backend: BackendStatus) -> Int? {
        guard let flows = director.flows,
            director.view.configuration.pool(named: backend.key.pool)?.affinity == .flow
        else { return nil }
        return flows.table.flows(on: UInt16(backend.counterSlot))
    }
}
