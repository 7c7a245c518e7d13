import Classification
import Configuration
import Dataplane
import Health
import JSONText
import Selection
import Wire

extension ControlPlane {
    var showServices: JSONValue {
        let view = director.view
        let rows = zip(view.configuration.services, view.serviceSlots).map { service, slot -> JSONValue in
            [
                "name": JSONValue(service.name), "priority": JSONValue(service.priority),
                "protocols": JSONValue(service.match.protocols.map(TransportProtocol.name(of:))),
                "destinations": JSONValue(service.match.destinations.map(\.description)),
                "sources": JSONValue(service.match.sources.map(\.description)),
                "destination_ports": JSONValue(service.match.destinationPorts.map(Self.text)),
                "source_ports": JSONValue(service.match.sourcePorts.map(Self.text)),
                "hash": JSONValue(service.hash.names), "hash_name": JSONValue(service.hash.shortName),
                "pool": JSONValue(service.pool),
                "up": JSONValue(view.isUp(service.pool)),
                "packets": JSONValue(director.ledger.packets(service: slot)),
            ]
        }
        return ["services": JSONValue(rows)]
    }

    var showPools: JSONValue {
        let rows = director.view.pools.map { pool -> JSONValue in
            let traffic = pool.backends.map { director.ledger.traffic(backend: $0.counterSlot) }
            return [
                "name": JSONValue(pool.configuration.name), "shards": JSONValue(pool.configuration.shards),
                "backends": JSONValue(pool.backends.count), "up": JSONValue(pool.up),
                "affinity": JSONValue(pool.configuration.affinity.rawValue),
                "health": JSONValue(pool.configuration.health?.kind.rawValue),
                "epoch": JSONValue(pool.table.epoch),
                "packets": JSONValue(traffic.reduce(0) { $0 &+ $1.packets }),
                "bytes": JSONValue(traffic.reduce(0) { $0 &+ $1.bytes }),
            ]
        }
        return ["pools": JSONValue(rows)]
    }

    var showBackends: JSONValue {
        ["backends": JSONValue(director.view.pools.flatMap { $0.backends.map(describe) })]
    }

    var showTables: JSONValue {
        let rows = director.view.pools.map { pool -> JSONValue in
            let total = pool.backends.reduce(0) { $0 + Int($1.effectiveWeight) }
            let shares = pool.backends.map { backend -> JSONValue in
                [
                    "backend": JSONValue(backend.key.name), "slots": JSONValue(backend.slots),
                    "share": JSONValue(Double(backend.slots) / Double(pool.configuration.shards)),
                    "wanted": JSONValue(total == 0 ? 0 : Double(backend.effectiveWeight) / Double(total)),
                ]
            }
            return [
                "pool": JSONValue(pool.configuration.name), "size": JSONValue(pool.configuration.shards),
                "epoch": JSONValue(pool.table.epoch), "digest": JSONValue(pool.table.table?.digestText),
                "moved": JSONValue(pool.table.moved), "shares": JSONValue(shares),
            ]
        }
        return ["tables": JSONValue(rows)]
    }

    func describe(_ backend: BackendStatus) -> JSONValue {
        let traffic = director.ledger.traffic(backend: backend.counterSlot)
        let report = health.report(backend.key.description)
        let flows = pinnedFlows(backend)
        return [
            "pool": JSONValue(backend.key.pool), "name": JSONValue(backend.key.name),
            "addresses": JSONValue(backend.configuration.addresses.map(\.description)),
            "mark": JSONValue(backend.configuration.mark), "condition": JSONValue(backend.condition),
            "state": JSONValue(backend.state.rawValue),
            "configured_state": JSONValue(backend.configuration.state.rawValue),
            "weight": JSONValue(backend.weight), "configured_weight": JSONValue(backend.configuration.weight),
            "overridden": JSONValue(backend.overridden), "slots": JSONValue(backend.slots),
            "capacity": JSONValue(backend.configuration.capacity),
            "health": JSONValue(report?.state.rawValue), "health_detail": JSONValue(report?.last?.description),
            "flows": JSONValue(flows),
            "drained": JSONValue(flows.map { backend.state == .draining && $0 == 0 }),
            "probes": JSONValue(report?.probes), "probe_failures": JSONValue(report?.failures),
            "packets": JSONValue(traffic.packets), "bytes": JSONValue(traffic.bytes),
        ]
    }

    private static func text(_ range: ClosedRange<UInt16>) -> String {
        range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
    }
}

extension HashFields {
    /// The fields' names in the order in which they are hashed, as the configuration spells them.
    var names: [String] {
        let all: [(HashFields, String)] = [
            (.sourceAddress, "source_address"), (.destinationAddress, "destination_address"),
            (.transport, "protocol"), (.sourcePort, "source_port"), (.destinationPort, "destination_port"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }

    /// The name that the configuration has for this set of fields, or the fields' names joined by "+".
    var shortName: String {
        let sets: [(HashFields, String)] = [
            (.fourTuple, "four_tuple"), (.fiveTuple, "five_tuple"), (.addresses, "addresses"), (.ports, "ports"),
        ]
        return sets.first { $0.0 == self }?.1 ?? names.joined(separator: "+")
    }
}
