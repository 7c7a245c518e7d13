import Foundation

extension Lab {
    /// The virtual addresses of the shapes with backends.
    static let virtual4 = "10.77.100.1"
    static let virtual6 = "fd77:100::1"
    static let backends = ["b1", "b2", "b3"]

    /// The configuration of a load balancer in the shapes with backends: numbered datagrams, web pages and iperf3 over
    /// IPv4 and IPv6.
    ///
    /// - Parameters:
    ///   - node: The load balancer. lb1 and lb2 bring fragments together.
    ///   - affinity: What keeps its server: "shard" or "flow".
    ///   - inactive: The load balancer that this one takes for dead.
    ///   - protocols: What the service of the numbered datagrams takes.
    ///   - buckets: Main buckets of the fragment table, and extra ones.
    ///   - parked: Fragments that may wait for their first.
    func balancer(
        _ node: String = "lb", affinity: String = "shard", inactive: String = "", protocols: String = "\"udp\"",
        buckets: Int = 20_011, parked: Int = 8_192
    ) -> String {
        let backends = (1...3).map {
            "b\($0): { mark: \(0x100 + $0), address: [\"10.77.2.1\($0)\", \"fd77:2::1\($0)\"] },"
        }
        let balancers = (1...2).map { number in
            """
            lb\(number): { mark: \(0x200 + number), address: ["10.77.2.\(1 + number)", "fd77:2::\(1 + number)"],
                mac: "02:77:02:00:00:0\(1 + number)",
                state: "\(inactive == "lb\(number)" ? "inactive" : "active")" },
            """
        }
        let isTier = node != "lb"
        let tier = isTier ? "load_balancers: { name: \"\(node)\", pool: \"balancers\" }," : ""
        let tierPool = isTier ? "balancers: { backends: { \(balancers.joined(separator: "\n")) } }," : ""
        let destinations = "destinations: [\"\(Self.virtual4)\", \"\(Self.virtual6)\"], pool: \"servers\""
        return """
            {
                queues: { first: 0, count: 2, length: 16384 },
                tracking: { ft_size: \(buckets), ft_buckets: \(buckets), ft_ttl: "200ms", parked: \(parked) },
                flows: { tcp_closing: "2s", tcp_closed: "1s" },
                \(tier)
                pools: {
                    \(tierPool)
                    servers: { affinity: "\(affinity)", backends: { \(backends.joined(separator: "\n")) } },
                },
                services: {
                    numbered: { protocols: [\(protocols)], destination_ports: [9000], \(destinations) },
                    web: { protocols: ["tcp"], destination_ports: [80], \(destinations) },
                    // iperf3 opens two connections: the source address brings both to one server.
                    iperf: {
                        protocols: ["tcp"], destination_ports: [5201], hash: "source_address", \(destinations)
                    },
                },
                control: { socket: "\(socket(of: node))", group: "root" },
                metrics: { port: 9464 },
            }
            """
    }

    /// Writes a load balancer's configuration, starts its daemon, and puts its rules in place.
    func startBalancer(_ node: String = "lb", _ configuration: String) throws -> (daemon: Running, file: String) {
        let file = try write("\(node).json", configuration)
        let daemon = try startDaemon(file, in: node)
        let rules = try rules("apply", file, in: node)
        guard rules.status == 0 else { throw LabError(what: "rules in \(node): \(rules.error)") }
        return (daemon, file)
    }
}

/// What kept a lab from being what the test needs.
struct LabError: Error, CustomStringConvertible {
    var what: String
    var description: String { what }
}
