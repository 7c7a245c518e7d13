import Classification
import Configuration
import Dataplane
import Health
import JSONText
import Selection
import Wire

extension ControlPlane {
    func explain(_ request: ControlRequest) throws(ControlError) -> JSONValue {
        let name = try request.string("protocol")
        guard let transport = TransportProtocol.number(named: name) else {
            let hint =
                closestName(to: name, among: TransportProtocol.knownNames).map { ": did you mean '\($0)'?" } ?? ""
            throw ControlError("bad_request", "there is no protocol '\(name)'\(hint)")
        }
        let source = try endpoint(request, "source", needsPort: Self.hasPorts(transport))
        let destination = try endpoint(request, "destination", needsPort: Self.hasPorts(transport))
        guard source.address.family == destination.address.family else {
            throw ControlError("bad_request", "source and destination are of different families")
        }
        return Explanation(
            view: director.view, snapshot: director.publisher.snapshot, transport: transport, source: source,
            destination: destination
        ).json
    }

    private static func hasPorts(_ transport: UInt8) -> Bool {
        [TransportProtocol.tcp, TransportProtocol.udp, TransportProtocol.sctp].contains(transport)
    }

    private func endpoint(
        _ request: ControlRequest, _ name: String, needsPort: Bool
    ) throws(ControlError) -> Endpoint {
        let text = try request.string(name)
        if let endpoint = Endpoint(text) { return endpoint }
        if !needsPort, let address = IPAddress(text) { return Endpoint(address: address, port: 0) }
        throw ControlError(
            "bad_request",
            "--\(name) '\(text)' is no \(needsPort ? "ADDRESS:PORT" : "ADDRESS"), such as 10.0.0.1:80 or [fd00::1]:80")
    }
}

/// Where a packet would go and why, said by the data plane itself: a packet is built and decided like any other.
struct Explanation {
    let view: DirectorView
    let snapshot: Snapshot
    let transport: UInt8
    let source: Endpoint
    let destination: Endpoint

    /// The decision for the whole packet, and for its fragments.
    var json: JSONValue {
        let builder = PacketBuilder(from: source.address, to: destination.address)
        let whole = packet(builder)
        var object: JSONObject = [
            "protocol": JSONValue(TransportProtocol.name(of: transport)),
            "source": JSONValue(source.description), "destination": JSONValue(destination.description),
        ]
        for member in describe(whole) { object[member.key] = member.value }
        object["fragments"] = JSONValue(fragments)
        return JSONValue(object)
    }

    /// Where fragments of the packet go: the first carries the ports and is decided like a whole packet.
    private var fragments: JSONObject {
        var lines = ["the first fragment is decided like the whole packet, the others follow it"]
        let ttl = view.configuration.tracking.ttl.nanoseconds / 1_000_000
        lines.append("those that come before it are parked, for at most \(ttl) ms")
        guard let tier = view.configuration.loadBalancers else {
            return ["handled_by": "here", "why": JSONValue(lines)]
        }
        var by = tier.name
        let addresses = (source: source.address, destination: destination.address)
        if let peer = snapshot.peer(for: addresses) { by = peer }
        lines.append("by its addresses, load balancer \(by) of pool \(tier.pool) brings them together")
        return ["handled_by": JSONValue(by == tier.name ? "here" : by), "why": JSONValue(lines)]
    }

    private func packet(_ builder: PacketBuilder) -> [UInt8] {
        switch transport {
        case TransportProtocol.tcp: builder.tcp(from: source.port, to: destination.port, flags: .syn)
        case TransportProtocol.udp: builder.udp(from: source.port, to: destination.port)
        case TransportProtocol.sctp: builder.sctp(from: source.port, to: destination.port)
        case TransportProtocol.icmp, TransportProtocol.icmpv6: builder.echo(identifier: source.port)
        default: builder.packet(transport: transport, body: [UInt8](repeating: 0, count: 16))
        }
    }

    private func describe(_ packet: [UInt8]) -> JSONObject {
        var decision = unsafe snapshot.decide(packet.span.bytes, wireLength: packet.count)
        let pinned = unsafe snapshot.pinned(packet.span.bytes, wireLength: packet.count, now: monotonicNow())
        if let pinned { decision = pinned }
        var object = DecisionText(decision, snapshot).members
        object["pinned"] = JSONValue(pinned != nil)
        object["why"] = JSONValue(why(decision, packet, &object))
        return object
    }

    private func why(_ decision: Decision, _ packet: [UInt8], _ object: inout JSONObject) -> [String] {
        guard let parsed = unsafe try? Packet(parsing: packet.span.bytes, wireLength: packet.count) else {
            return ["the packet cannot be read: \(decision.error?.name ?? "unknown")"]
        }
        guard decision.service >= 0 else { return ["no service matches; fallback.on_no_service decides"] }
        let service = snapshot.services[Int(decision.service)]
        let count = snapshot.services.count
        var lines = ["service \(service.name) (priority \(service.priority)) is the first that matches, of \(count)"]
        guard decision.backend >= 0 else {
            return lines + ["no backend of pool \(service.pool) takes shards; fallback.on_no_backend decides"]
                + absent(service.pool)
        }
        let fields = usedFields(service.hash, parsed)
        let seed = snapshot.plan.hashSeed
        let hash = shardHash(parsed.key, fields: fields, seed: seed)
        let shards = snapshot.plan.pools[Int(decision.pool)].table?.size ?? 0
        object["hash"] = JSONValue(hash)
        object["hash_fields"] = JSONValue(fields.names)
        object["seed"] = JSONValue(seed)
        object["shards"] = JSONValue(shards)
        lines.append("jhash of \(fields.names.joined(separator: ", ")) with seed \(hex(seed)) is \(hex(hash))")
        lines.append("shard = (hash × \(shards)) >> 32 = \(decision.shard)")
        if object["pinned"]?.bool == true {
            lines.append(
                "the flow is pinned to \(snapshot.backendName(decision.backend) ?? "?"), whatever the table says")
            return lines + absent(service.pool)
        }
        lines.append(
            "slot \(decision.shard) of pool \(service.pool)'s table is "
                + "\(snapshot.backendName(decision.backend) ?? "?")'s"
        )
        return lines + absent(service.pool)
    }

    /// The backends that take no shards, and why.
    private func absent(_ pool: String) -> [String] {
        let backends = view.pools.first { $0.configuration.name == pool }?.backends ?? []
        return backends.filter { !$0.isUp }.map { "backend \($0.key.name) takes no shards: \($0.condition)" }
    }

    private func usedFields(_ fields: HashFields, _ packet: Packet) -> HashFields {
        let hasPorts = packet.kind != .other
        if hasPorts { return fields }
        let rest = fields.subtracting(.ports)
        return rest.isDisjoint(with: .addresses) ? .addresses : rest
    }
}

/// A decision in names, as `explain` and `replay` print it.
public struct DecisionText {
    private let decision: Decision
    private let snapshot: Snapshot

    /// A decision and the snapshot it was made with.
    public init(_ decision: Decision, _ snapshot: Snapshot) {
        self.decision = decision
        self.snapshot = snapshot
    }

    /// `outcome`, `verdict`, `service`, `pool`, `shard`, `backend`, `mark`; null where there is none.
    public var members: JSONObject {
        let hasShard = decision.backend >= 0
        let marked = decision.verdict.action == .acceptMarked
        return [
            "outcome": JSONValue(decision.outcome.name), "verdict": JSONValue(verdict),
            "service": JSONValue(snapshot.serviceName(decision.service)),
            "pool": JSONValue(snapshot.poolName(decision.pool)),
            "shard": JSONValue(hasShard ? decision.shard : nil),
            "backend": JSONValue(snapshot.backendName(decision.backend)),
            "mark": JSONValue(marked ? decision.verdict.mark : nil),
        ]
    }

    private var verdict: String {
        switch decision.verdict.action {
        case .accept: "accept"
        case .acceptMarked: "accept_marked"
        case .drop: "drop"
        case .park: "park"
        }
    }
}

private func hex(_ number: UInt32) -> String {
    let digits = String(number, radix: 16)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
}
