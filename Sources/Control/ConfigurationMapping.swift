import Classification
import Configuration
import Dataplane
import Glibc
import Health
import KernelPath
import Logging
import NetfilterQueue
import Tracking
import Wire

extension Configuration {
    /// The settings of each queue.
    ///
    /// - Parameter cores: the CPUs the process may run on, for `auto`.
    public func queueSettings(cores: [Int]) -> [QueueSettings] {
        let count = queues.count.resolved(cores: cores.count)
        return (0..<count).map { index in
            var settings = QueueSettings(number: UInt16(queues.first + index))
            settings.parking = UInt16((queues.parking ?? queues.first + count) + index)
            settings.parkingLength = UInt32(max(1, tracking.parked))
            settings.length = queues.length
            settings.copyRange = UInt32(queues.copyRange)
            settings.batch = queues.batch
            settings.receiveBuffer = queues.receiveBuffer
            settings.failOpen = queues.failOpen
            settings.aggregates = queues.gso
            switch queues.cpus {
            case .automatic: settings.cpu = cores.isEmpty ? nil : cores[index % cores.count]
            case .list(let list): settings.cpu = list.isEmpty ? nil : list[index % list.count]
            }
            return settings
        }
    }

    /// The limits of the table of fragments.
    ///
    /// - Parameter workers: queue workers.
    public func fragmentLimits(workers: Int) -> FragmentLimits {
        FragmentLimits(
            size: tracking.size, buckets: tracking.buckets, ttl: tracking.ttl.nanoseconds, parked: tracking.parked,
            workers: workers)
    }

    /// The limits of the table of pinned flows.
    ///
    /// - Parameters:
    ///   - workers: all threads that use it.
    ///   - backends: backends that have counters.
    func flowLimits(workers: Int, backends: Int) -> FlowLimits {
        var idle = FlowIdleTimes()
        idle.tcp = flows.tcp.nanoseconds
        idle.tcpOpening = flows.tcpOpening.nanoseconds
        idle.tcpClosing = flows.tcpClosing.nanoseconds
        idle.tcpClosed = flows.tcpClosed.nanoseconds
        idle.sctp = flows.sctp.nanoseconds
        idle.udp = flows.udp.nanoseconds
        return FlowLimits(size: flows.size, buckets: flows.buckets, backends: backends, workers: workers, idle: idle)
    }

    /// The load balancers as the data plane needs them.
    var tier: SnapshotPlan.Tier? {
        guard let own = loadBalancers, let pool = pool(named: own.pool) else { return nil }
        let peers = pool.backends.filter { $0.name != own.name }.compactMap { $0.hardwareAddress?.rawValue }
        return SnapshotPlan.Tier(pool: own.pool, own: own.name, peers: peers)
    }

    /// Every backend that has a check, with the id `pool/name`.
    public var healthTargets: [HealthTarget] {
        pools.flatMap { pool -> [HealthTarget] in
            guard let health = pool.health else { return [] }
            let policy = HealthPolicy(
                interval: health.interval, timeout: health.timeout, rise: health.rise, fall: health.fall)
            return pool.backends.compactMap { backend in
                guard let address = backend.addresses.first, backend.state != .inactive else { return nil }
                let endpoint = Endpoint(address: address, port: health.port)
                let kind: ProbeKind =
                    switch health.kind {
                    case .tcp: .tcpConnect(endpoint)
                    }
                let key = BackendKey(pool: pool.name, name: backend.name)
                return HealthTarget(id: key.description, probe: kind, policy: policy)
            }
        }
    }

    /// What the firewall has to know.
    ///
    /// - Parameter cores: how many CPUs the daemon will run on, for `auto`.
    public func rulePlan(cores: Int) -> RulePlan {
        let count = queues.count.resolved(cores: cores)
        var marks: Set<UInt32> = []
        return RulePlan(
            traffic: services.map {
                RulePlan.Traffic(
                    service: $0.name, protocols: $0.match.protocols, destinations: $0.match.destinations,
                    fallback: fallbackBackends(of: $0.pool))
            },
            fullCopy: fullCopyRules(workers: count),
            routes: pools.flatMap { pool in
                let isTier = pool.name == loadBalancers?.pool
                // Packets are never marked for the own load balancer: what is its own, it handles.
                return pool.backends.filter {
                    !(isTier && $0.name == loadBalancers?.name) && marks.insert($0.mark).inserted
                }.map {
                    RulePlan.Route(
                        backend: "\(pool.name)/\($0.name)", mark: $0.mark, addresses: $0.addresses,
                        isLoadBalancer: isTier)
                }
            },
            queues: UInt16(queues.first)...UInt16(queues.first + count - 1))
    }

    /// Who may take a pool's packets while no daemon marks them: backends that take new traffic first.
    private func fallbackBackends(of name: String) -> [IPAddress] {
        let backends = pool(named: name)?.backends ?? []
        return (backends.filter { $0.tableWeight > 0 } + backends.filter { $0.tableWeight == 0 }).flatMap(\.addresses)
    }

    /// Keys whose values differ from those of the running configuration and wait for a restart.
    func keysForRestart(running: Configuration) -> [String] {
        var keys: [String] = []
        func compare(_ key: String, _ same: Bool) { if !same { keys.append(key) } }
        let (mine, theirs) = (queues, running.queues)
        compare("queues.first", mine.first == theirs.first)
        compare("queues.count", mine.count == theirs.count)
        compare("queues.parking", mine.parking == theirs.parking)
        compare("queues.length", mine.length == theirs.length)
        compare("queues.copy_range", mine.copyRange == theirs.copyRange)
        compare("queues.batch", mine.batch == theirs.batch)
        compare("queues.receive_buffer", mine.receiveBuffer == theirs.receiveBuffer)
        compare("queues.fail_open", mine.failOpen == theirs.failOpen)
        compare("queues.gso", mine.gso == theirs.gso)
        compare("queues.cpus", mine.cpus == theirs.cpus)
        compare("control", control == running.control)
        compare("metrics", metrics == running.metrics)
        compare("tracking", tracking == running.tracking)
        compare("flows", flows == running.flows)
        compare("splitting", !splittingNeedsRestart(running: running))
        return keys
    }
}

extension LogLevel {
    /// The log's word for what the configuration says.
    public init(_ level: LogConfiguration.Level) {
        self =
            switch level {
            case .error: .error
            case .warning: .warning
            case .info: .info
            case .debug: .debug
            }
    }
}

extension Duration {
    /// Whole nanoseconds; the configuration keeps it within 292 years.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
