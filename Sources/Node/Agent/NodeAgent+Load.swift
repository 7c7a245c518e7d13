import NodeLinks
import Splitting

extension NodeAgent {
    /// Looks at the machine and tells all connected load balancers: each `dht_update_interval`.
    func report() {
        machine.sample()
        for balancer in outlet.balancers { report(to: balancer) }
    }

    /// Tells one load balancer how the node is.
    func report(to balancer: LinkPeer) {
        _ = outlet.send(.load(loadReport), to: balancer)
    }

    /// How the node is now.
    var loadReport: LoadReport {
        let depth = pool.depth
        // What a chunk of usual size takes of the memory for chunks.
        let fitting = store.room / (Int(averageChunk) + ChunkStore.overhead)
        return LoadReport(
            processor: machine.processor, memory: machine.memory, workers: UInt16(clamping: pool.count),
            waiting: UInt32(clamping: depth.waitingChunks + depth.waitingJobs), queueSize: UInt32(clamping: depth.size),
            credit: isDraining ? 0 : UInt32(clamping: min(depth.free, fitting)), types: times.report)
    }
}
