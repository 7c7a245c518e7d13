import Foundation
import Testing

/// Two load balancers, and a router that gives each of them fragments of the same packets.
@Suite("Two load balancers", .serialized, .exclusive, .enabled(if: Host.obstacle == nil))
struct TierTests {
    private static let balancers = ["lb1", "lb2"]
    private static let timeExceeded = ["IcmpOutTimeExcds", "Icmp6OutTimeExcds"]

    private func counters(_ lab: Lab) throws -> [Counters] { try Self.balancers.map { try lab.counters(of: $0) } }

    /// What came in is what was sent, and what one load balancer gave the other: nothing went round.
    private func expectNoLoop(_ lab: Lab, packets: Int) throws {
        let counters = try counters(lab)
        let handedOver = counters.reduce(0) { $0 + ($1.outcomes["forwarded_peer"] ?? 0) }
        let text = counters.map(\.text).joined(separator: "; ")
        #expect(counters.reduce(0) { $0 + $1.received } == packets + handedOver, "\(text)")
        #expect(handedOver <= packets, "\(text)")
        for node in Self.balancers + ["router"] {
            for name in Self.timeExceeded { #expect(try lab.kernelCount(name, in: node) == 0, "\(name) in \(node)") }
        }
        counters.forEach { $0.expectBalance() }
    }

    @Test func fragmentsThatPartMeetAgain() throws {
        let lab = try Lab("tier")
        let daemons = try Self.balancers.map { try lab.startBalancer($0, lab.balancer($0)).daemon }
        var packets = 0
        let kinds = [
            (Lab.virtual4, 8_000, 1_500), (Lab.virtual4, 60_000, 600), (Lab.virtual6, 8_000, 1_500),
            (Lab.virtual6, 60_000, 600),
        ]
        for (index, (address, size, rate)) in kinds.enumerated() {
            let plan = DatagramPlan(to: address, size: size, datagrams: 10_000, rate: rate, network: index + 1)
            packets += try lab.expectArrival(plan, through: Self.balancers).packets
        }
        try expectNoLoop(lab, packets: packets)
        for counters in try counters(lab) {
            #expect((counters.outcomes["forwarded_peer"] ?? 0) > 0, "\(counters.text)")
            counters.expectNothingKept()
        }
        for daemon in daemons { #expect(daemon.isRunning) }
    }

    @Test func balancersThatTakeEachOtherForTheRightOnePassNothingInCircles() throws {
        let lab = try Lab("tier")
        // Each believes the other to be the only one.
        let balancers = try Self.balancers.map { try lab.startBalancer($0, lab.balancer($0, inactive: $0)) }
        var packets = 0
        for (index, address) in [Lab.virtual4, Lab.virtual6].enumerated() {
            let run = try lab.send(DatagramPlan(to: address, datagrams: 1_000, rate: 500, network: index + 1))
            packets += run.packets
            #expect(run.distinct >= run.whole, "whole packets are no business of the tier")
        }
        try expectNoLoop(lab, packets: packets)
        // Agreed again, they bring all together.
        for (node, balancer) in zip(Self.balancers, balancers) {
            _ = try lab.write("\(node).json", lab.balancer(node))
            #expect(try lab.operate("reload", of: node).status == 0)
            #expect(balancer.daemon.isRunning)
        }
        for (index, address) in [Lab.virtual4, Lab.virtual6].enumerated() {
            let plan = DatagramPlan(to: address, datagrams: 1_000, rate: 500, network: index + 3)
            packets += try lab.expectArrival(plan, through: Self.balancers, "agreed again: ").packets
        }
        try expectNoLoop(lab, packets: packets)
    }
}
