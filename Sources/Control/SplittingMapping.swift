import Classification
import Configuration
import KernelPath
import NetfilterQueue
import NodeLinks
import Splitter
import Splitting
import StateStore
import Wire

extension Configuration {
    /// Numbers of the queues that the splitting thread needs, behind those of the workers: two parking queues (for
    /// fragments, for originals) and the full-copy queue.
    private func splittingQueues(workers: Int) -> (fragments: UInt16, originals: UInt16, copy: UInt16) {
        let parking = (queues.parking ?? queues.first + workers) + workers
        let copy = splitting?.queue ?? parking + 2
        return (UInt16(clamping: parking), UInt16(clamping: parking + 1), UInt16(clamping: copy))
    }

    /// The number of the full-copy queue; nil if nothing is split.
    public func copyQueue(workers: Int) -> UInt16? {
        splitting == nil ? nil : splittingQueues(workers: workers).copy
    }

    /// How the splitting thread is set up; nil if nothing is split.
    ///
    /// - Parameters:
    ///   - workers: queue workers.
    ///   - store: where the load table is kept.
    /// - Throws: what is wrong with the key or a certificate.
    public func splitterSettings(
        workers: Int, store: any StateStore
    ) throws(LinkSetupError) -> SplitterSettings? {
        guard let splitting else { return nil }
        let numbers = splittingQueues(workers: workers)
        var queue = QueueSettings(number: numbers.copy)
        queue.parking = numbers.fragments
        queue.parkingLength = UInt32(max(1, tracking.parked))
        queue.length = queues.length
        queue.copyRange = 65_531
        queue.batch = min(queues.batch, 16)
        queue.receiveBuffer = max(queues.receiveBuffer, 32 << 20)
        queue.failOpen = queues.failOpen
        queue.aggregates = false
        var identity = LinkIdentity(name: splitting.name, role: .balancer, key: try LinkKey(file: splitting.keyFile))
        if let tls = splitting.tls {
            identity.tls = try TLSContext(certificate: tls.certificate, key: tls.privateKey, authorities: tls.authority)
        }
        return SplitterSettings(
            queue: queue, originals: numbers.originals, maximumOriginals: UInt32(splitting.originals),
            collectedBytes: splitting.collectedBytes, fragmentTime: tracking.ttl.nanoseconds,
            splitting: splitting.settings, identity: identity, store: store, ipv6Fragment: splitting.ipv6Packet)
    }

    /// What is split, and over which nodes.
    public var splitterPlan: SplitterPlan {
        guard let splitting else { return SplitterPlan() }
        var plan = SplitterPlan()
        for split in splitting.services { plan.services[split.name] = split.splitting }
        for type in splitting.types { plan.types[type.name] = type.settings }
        for split in splitting.services {
            guard let service = services.first(where: { $0.name == split.name }) else { continue }
            for backend in pool(named: service.pool)?.backends ?? [] {
                guard let address = backend.addresses.first else { continue }
                plan.nodes[backend.name] = Endpoint(address: address, port: splitting.nodePort)
            }
        }
        return plan
    }

    /// The rules that bring flagged payloads to the full-copy queue.
    func fullCopyRules(workers: Int) -> [RulePlan.FullCopy] {
        guard let splitting, let queue = copyQueue(workers: workers) else { return [] }
        return splitting.services.compactMap { split in
            services.first { $0.name == split.name }.map { service in
                RulePlan.FullCopy(
                    service: split.name, destinations: service.match.destinations, dscp: split.dscp,
                    minimumPayload: min(max(1, split.maximumPacketSize + 1), 65_507), queue: queue)
            }
        }
    }

    /// What the running splitting thread cannot take over.
    func splittingNeedsRestart(running: Configuration) -> Bool {
        guard var mine = splitting, var theirs = running.splitting else { return splitting != running.splitting }
        (mine.services, mine.types, mine.nodePort) = ([], [], 0)
        (theirs.services, theirs.types, theirs.nodePort) = ([], [], 0)
        return mine != theirs
    }
}
