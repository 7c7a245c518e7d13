import Testing
import Wire

@testable import Tracking

/// A flow table with a clock.
private final class Flows {
    let table: FlowTable
    var now: Int64 = 0

    static let second: Int64 = 1_000_000_000
    static let fin: UInt8 = 0x11
    static let syn: UInt8 = 0x02
    static let rst: UInt8 = 0x04
    static let ack: UInt8 = 0x10

    init(_ limits: FlowLimits = FlowLimits(size: 61, buckets: 64, backends: 4)) throws {
        table = try FlowTable(limits, hashing: KeyedHash(seed: 2))
    }

    deinit {
        // Every flow is idle in the end: nothing may be left.
        now += 100 * 3600 * Self.second
        expire()
        expire()
        #expect(table.table._checkInvariants() == nil)
        #expect(table.table.extraPool.free == Int(table.table.extraPool.count))
        #expect(table.table.entryPool.free == Int(table.table.entryPool.count))
        for backend in 0..<UInt16(table.limits.backends) { #expect(flows(on: backend) == 0) }
    }

    func key(_ port: UInt16, _ transport: UInt8 = TransportProtocol.tcp) -> FlowKey {
        FlowKey(
            source: IPAddress(10, 0, 0, 1), destination: IPAddress(192, 0, 2, 1), sourcePort: port,
            destinationPort: 443, transport: transport)
    }

    func bind(_ key: FlowKey, _ flags: UInt8 = 0x10, to backend: UInt16) -> FlowOutcome {
        table.bind(
            key, hash: table.hash(key), tcpFlags: flags, choice: FlowBinding(backend: backend, mark: 100),
            now: now, worker: 0)
    }

    func follow(_ key: FlowKey, _ flags: UInt8 = 0x10, isReply: Bool = false) -> UInt16? {
        table.follow(key, hash: table.hash(key), tcpFlags: flags, isReply: isReply, now: now)?.backend
    }

    func rebind(_ key: FlowKey, to backend: UInt16) -> Bool {
        table.rebind(key, hash: table.hash(key), to: FlowBinding(backend: backend, mark: 1), now: now, worker: 0)
    }

    func pinned(_ key: FlowKey) -> UInt16? { table.binding(of: key, now: now)?.backend }

    func flows(on backend: UInt16) -> Int { table.flows(on: backend) }

    /// One turn of the table.
    func expire() { while !table.expire(7, now: now, worker: 0) {} }
}

@Suite struct FlowTableTests {
    @Test func aFlowStaysWhereItBeganWhateverTheTableSaysLater() throws {
        let flows = try Flows()
        #expect(flows.follow(flows.key(1)) == nil)
        #expect(flows.bind(flows.key(1), Flows.syn, to: 2) == .began)
        #expect(flows.bind(flows.key(1), to: 3) == .pinned(FlowBinding(backend: 2, mark: 100)))
        #expect(flows.follow(flows.key(1)) == 2)
        #expect(flows.flows(on: 2) == 1 && flows.flows(on: 3) == 0)
    }

    @Test func eachProtocolHasItsIdleTime() throws {
        let idle = FlowIdleTimes()
        for (transport, time) in [(UInt8(6), idle.tcp), (17, idle.udp), (132, idle.sctp), (47, idle.other)] {
            let flows = try Flows()
            let key = flows.key(1, transport)
            #expect(flows.bind(key, to: 1) == .began)
            flows.now += time
            #expect(flows.follow(key) == 1)
            flows.now += time
            #expect(flows.pinned(key) == 1)
            flows.now += 1
            #expect(flows.pinned(key) == nil)
        }
    }

    @Test func aSynAloneIsSoonForgotten() throws {
        let flows = try Flows()
        #expect(flows.bind(flows.key(1), Flows.syn, to: 1) == .began)
        flows.now += FlowIdleTimes().tcpOpening + 1
        #expect(flows.pinned(flows.key(1)) == nil)
    }

    @Test func theEndOfAConnectionShortensItsTime() throws {
        let idle = FlowIdleTimes()
        let ends: [(Int64, (Flows, FlowKey) -> Void)] = [
            (idle.tcpClosing, { _ = $0.follow($1, Flows.fin) }),
            (idle.tcpClosing, { _ = $0.follow($1, Flows.fin, isReply: true) }),
            (
                idle.tcpClosed,
                {
                    _ = $0.follow($1, Flows.fin)
                    _ = $0.follow($1, Flows.fin, isReply: true)
                }
            ),
            (idle.tcpClosed, { _ = $0.follow($1, Flows.rst) }),
            (idle.tcpClosed, { _ = $0.follow($1, Flows.rst, isReply: true) }),
        ]
        for (time, end) in ends {
            let flows = try Flows()
            let key = flows.key(1)
            _ = flows.bind(key, to: 1)
            end(flows, key)
            // A late copy of a packet does not wake the connection up.
            #expect(flows.follow(key) == 1)
            flows.now += time
            #expect(flows.pinned(key) == 1)
            flows.now += 1
            #expect(flows.pinned(key) == nil)
        }
    }

    @Test func aNewConnectionOverAnEndedOneIsNewlyPinned() throws {
        let flows = try Flows()
        let key = flows.key(1)
        _ = flows.bind(key, to: 1)
        // A repeated SYN of a live connection is not a new one.
        #expect(flows.follow(key, Flows.syn) == 1)
        _ = flows.follow(key, Flows.fin)
        #expect(flows.follow(key, Flows.syn) == nil)
        #expect(flows.bind(key, Flows.syn, to: 3) == .began)
        #expect(flows.follow(key) == 3)
        #expect(flows.flows(on: 1) == 0 && flows.flows(on: 3) == 1)
    }

    @Test func aDrainEndsWhenTheLastFlowIsIdle() throws {
        let flows = try Flows()
        for port in UInt16(0)..<50 { _ = flows.bind(flows.key(port, 17), to: 1) }
        #expect(flows.flows(on: 1) == 50)
        flows.now += FlowIdleTimes().udp
        #expect(flows.follow(flows.key(7, 17)) == 1)
        flows.now += 1
        flows.expire()
        #expect(flows.flows(on: 1) == 1)
        flows.now += FlowIdleTimes().udp
        flows.expire()
        #expect(flows.flows(on: 1) == 0)
        #expect(flows.table.table._checkInvariants() == nil)
    }

    @Test func aFullTablePinsNoMoreUntilSomethingIsIdle() throws {
        let flows = try Flows(FlowLimits(size: 4, buckets: 4, backends: 2))
        var pinned = 0
        for port in UInt16(0)..<40 where flows.bind(flows.key(port, 17), to: 0) == .began { pinned += 1 }
        #expect(pinned <= 8)
        #expect(flows.flows(on: 0) == pinned)
        #expect(flows.table.statistics(now: flows.now).rejected == UInt64(40 - pinned))
        flows.now += FlowIdleTimes().udp + 1
        for port in UInt16(100)..<104 { #expect(flows.bind(flows.key(port, 17), to: 1) == .began) }
        #expect(flows.table.table._checkInvariants() == nil)
    }

    @Test func aFlowOfADeadBackendCanBeMoved() throws {
        let flows = try Flows()
        _ = flows.bind(flows.key(1), to: 1)
        #expect(flows.rebind(flows.key(1), to: 2))
        #expect(!flows.rebind(flows.key(2), to: 2))
        #expect(flows.follow(flows.key(1)) == 2)
        #expect(flows.flows(on: 1) == 0 && flows.flows(on: 2) == 1)
    }

    @Test func limitsAreChecked() {
        #expect(throws: TrackingError.limit("backends is 0; it must be 1 to 65536")) {
            _ = try FlowTable(FlowLimits(backends: 0)).limits
        }
        #expect(throws: TrackingError.limit("size is 0; it must be 1 to 268435456")) {
            _ = try FragmentTracker(FragmentLimits(size: 0)).limits
        }
        #expect(throws: TrackingError.limit("workers is 65; it must be 1 to 64")) {
            _ = try FragmentTracker(FragmentLimits(workers: 65)).limits
        }
    }
}
