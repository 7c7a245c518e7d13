import Foundation
import Testing

/// Fragments follow their first, in whatever order they come.
@Suite("Fragments", .serialized, .exclusive, .enabled(if: Host.obstacle == nil))
struct FragmentTests {
    private static let orders = ["in-order", "reversed", "shuffled", "duplicated", "first-last", "interleaved"]

    /// The four kinds of traffic: address, bytes a datagram, datagrams a second.
    private static let kinds = [
        (Lab.virtual4, 8_000, 2_000), (Lab.virtual4, 60_000, 700), (Lab.virtual6, 8_000, 2_000),
        (Lab.virtual6, 60_000, 700),
    ]

    @Test func tenThousandDatagramsInEveryOrderArriveWholeWhereTheirFlowGoes() throws {
        let lab = try Lab("star")
        let daemon = try lab.startBalancer("lb", lab.balancer()).daemon
        var packets = 0
        for (index, (address, size, rate)) in Self.kinds.enumerated() {
            let plan = DatagramPlan(to: address, size: size, datagrams: 10_000, rate: rate, network: index + 1)
            packets += try lab.expectArrival(plan).packets
        }
        let counters = try lab.counters()
        counters.expectBalance()
        counters.expectNothingKept()
        #expect(counters.received == packets, "\(counters.text)")
        #expect(counters.table["reassembled"].map { $0 >= 35_000 } == true, "\(counters.text)")
        #expect(daemon.isRunning)
    }

    /// Datagrams of each kind in each order; ANABRANCH_DATAGRAMS=10000 makes it a longer test.
    private static let each = ProcessInfo.processInfo.environment["ANABRANCH_DATAGRAMS"].flatMap { Int($0) } ?? 1_000

    @Test(arguments: orders) func datagramsArriveWholeWhereTheirFlowGoes(order: String) throws {
        let lab = try Lab("star")
        let daemon = try lab.startBalancer("lb", lab.balancer()).daemon
        for (index, (address, size, rate)) in Self.kinds.enumerated() {
            try lab.expectArrival(
                DatagramPlan(
                    to: address, size: size, order: order, datagrams: Self.each, rate: rate, network: index + 1))
        }
        let counters = try lab.counters()
        counters.expectBalance()
        counters.expectNothingKept()
        #expect(daemon.isRunning)
    }

    @Test func whatTheKernelHasPutTogetherGoesWhereItsFlowGoes() throws {
        let lab = try Lab("star")
        let daemon = try lab.startBalancer("lb", lab.balancer()).daemon
        var network = 0
        func trial(_ state: String) throws {
            for address in [Lab.virtual4, Lab.virtual6] {
                network += 1
                try lab.expectArrival(
                    DatagramPlan(to: address, size: 60_000, datagrams: 1_000, rate: 500, network: network), state)
            }
        }
        try trial("without connection tracking: ")
        #expect(try lab.shown("status", "fragments", "defragmented") as? Bool == false)
        #expect(!daemon.error.contains("defragmented"), "\(daemon.error)")
        let before = try lab.counters()
        for program in ["iptables", "ip6tables"] {
            try lab.run(
                "lb", program, "-A", "FORWARD", "-m", "conntrack", "--ctstate", "NEW", "-m", "comment", "--comment",
                "fragments come whole", "-j", "ACCEPT")
        }
        try trial("with connection tracking: ")
        let after = try lab.counters()
        #expect(after.received - before.received == 2_000, "the kernel did not defragment: \(after.text)")
        #expect(try lab.shown("status", "fragments", "defragmented") as? Bool == true)
        let text = try lab.operate("show", "status").output
        #expect(text.contains("arrive defragmented"), "\(text)")
        #expect(daemon.error.contains("packets arrive defragmented"), "the log does not tell: \(daemon.error)")
        after.expectBalance()
        #expect(daemon.isRunning)
    }
}
