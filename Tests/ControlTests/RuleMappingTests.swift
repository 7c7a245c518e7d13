import Configuration
import KernelPath
import Testing
import Wire

@testable import Control

/// What the firewall is told of a configuration.
struct RuleMappingTests {
    private static let servers = """
        servers: { backends: {
            b1: { mark: 0x101, address: "10.0.0.11", state: "draining" }, b2: { mark: 0x102, address: "10.0.0.12" } } }
        """
    private static let balancers = """
        balancers: { backends: {
            lb1: { mark: 0x201, address: "10.0.0.2", mac: "02:00:00:00:00:02" },
            lb2: { mark: 0x202, address: "10.0.0.3", mac: "02:00:00:00:00:03" } } }
        """

    private func plan(_ pools: [String], _ rest: String = "") throws -> RulePlan {
        try Configuration.parse(
            text: """
                { queues: { count: 2 }, pools: { \(pools.joined(separator: ", ")) }, services: { jobs: {
                    protocols: ["udp"], destinations: ["10.0.0.100"], pool: "servers" } }, \(rest) }
                """, file: "f"
        ).rulePlan(cores: 8)
    }

    @Test func theOwnLoadBalancerNeedsNoRouteAndTheOthersDo() throws {
        for (own, other) in [("lb1", "lb2"), ("lb2", "lb1")] {
            let plan = try plan(
                [Self.balancers, Self.servers], "load_balancers: { name: \"\(own)\", pool: \"balancers\" }")
            #expect(plan.routes.map(\.backend) == ["balancers/\(other)", "servers/b1", "servers/b2"])
            #expect(plan.routes.map(\.isLoadBalancer) == [true, false, false])
        }
    }

    @Test func aPoolOfLoadBalancersThatServesIsAPoolLikeAnyOther() throws {
        let plan = try plan([Self.balancers, Self.servers])
        #expect(plan.routes.map(\.backend) == ["balancers/lb1", "balancers/lb2", "servers/b1", "servers/b2"])
        #expect(!plan.routes.contains { $0.isLoadBalancer })
    }

    @Test func theFallbackIsTheServicesFirstBackendThatTakesTraffic() throws {
        let plan = try plan(
            [Self.balancers, Self.servers], "load_balancers: { name: \"lb1\", pool: \"balancers\" }")
        #expect(plan.traffic.map { $0.fallback.map(\.description) } == [["10.0.0.12", "10.0.0.11"]])
        #expect(plan.ipBatch(.ipv4).contains("route replace 10.0.0.100/32 via 10.0.0.12\n"))
    }

    @Test func flaggedPayloadsGoToTheQueueBehindTheParkingQueues() throws {
        let splitting = """
            splitting: { key_file: "/k", services: { jobs: { dscp: 46, max_packet_size: 1000 } } }
            """
        let plan = try plan([Self.servers], splitting)
        // Two queues, a parking queue for each, and the two of splitting.
        #expect(plan.queues == 0...1)
        let copy = try #require(plan.fullCopy.first)
        #expect(copy.queue == 6 && copy.dscp == 46 && copy.minimumPayload == 1001 && copy.service == "jobs")
        #expect(copy.destinations.map(\.description) == ["10.0.0.100/32"])
    }
}
