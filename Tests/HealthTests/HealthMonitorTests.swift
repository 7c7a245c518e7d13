import Glibc
import Synchronization
import Testing
import Wire

@testable import Health

/// A TCP listener on loopback that accepts nothing itself: the kernel completes the handshake.
private final class Listener: Sendable {
    let endpoint: Endpoint
    private let descriptor: Int32

    init(_ host: String = "127.0.0.1") throws {
        let loopback = IPAddress(host)!
        let descriptor = socket(loopback.family == .ipv4 ? AF_INET : AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        // A listener without a bind gets a free port of every address (ip(7)).
        try #require(listen(descriptor, 1024) == 0)
        var address = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let result = unsafe withUnsafeMutableBytes(of: &address) {
            unsafe getsockname(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!, &length)
        }
        try #require(result == 0)
        // The port stands at the same place in both families.
        endpoint = Endpoint(address: loopback, port: UInt16(bigEndian: address.sin6_port))
    }

    deinit { close(descriptor) }

    func shut() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}

private final class Changes: Sendable {
    private let list = Mutex<[HealthMonitor.Change]>([])
    func add(_ change: HealthMonitor.Change) { list.withLock { $0.append(change) } }
    var all: [HealthMonitor.Change] { list.withLock { $0 } }

    /// Waits until the condition holds, up to five seconds.
    func wait(until condition: () -> Bool) -> Bool {
        for _ in 0..<500 {
            if condition() { return true }
            usleep(10_000)
        }
        return condition()
    }
}

struct HealthMonitorTests {
    private let quick = HealthPolicy(interval: .milliseconds(50), timeout: .milliseconds(40), rise: 2, fall: 2)

    @Test(arguments: ["127.0.0.1", "::1"])
    func aListenerIsUpAndAClosedPortIsDownSoonAfterTheStart(host: String) throws {
        let listener = try Listener(host)
        let gone = try Listener(host).endpoint
        let changes = Changes()
        let monitor = HealthMonitor { changes.add($0) }
        monitor.watch([
            HealthTarget(id: "p/up", probe: .tcpConnect(listener.endpoint), policy: HealthPolicy()),
            HealthTarget(id: "p/down", probe: .tcpConnect(gone), policy: HealthPolicy()),
        ])
        let began = monotonicNow()
        #expect(monitor.start())
        #expect(changes.wait { changes.all.count == 2 })
        #expect(monotonicNow() - began < 1_000_000_000)
        monitor.stop()
        #expect(monitor.report("p/up")?.state == .up)
        #expect(monitor.report("p/down")?.state == .down)
        #expect(monitor.report("p/down")?.last == .failed(ECONNREFUSED))
        #expect(monitor.report("p/other") == nil)
    }

    @Test func aBackendThatDiesIsTakenOutAfterFallFailures() throws {
        let changes = Changes()
        let monitor = HealthMonitor { changes.add($0) }
        let listener = try Listener()
        monitor.watch([HealthTarget(id: "a", probe: .tcpConnect(listener.endpoint), policy: quick)])
        #expect(monitor.start())
        #expect(changes.wait { changes.all.last?.state == .up })
        listener.shut()
        #expect(changes.wait { changes.all.last?.state == .down })
        monitor.stop()
        #expect(changes.all.map(\.state) == [.up, .down])
        #expect((monitor.report("a")?.failures ?? 0) >= 2)
        #expect(monitor.report("a")?.changes == 1)
    }

    @Test func aSilentBackendTimesOut() {
        let changes = Changes()
        let monitor = HealthMonitor { changes.add($0) }
        // TEST-NET-1 (RFC 5737): nobody answers; where there is no route at all, the call fails instead.
        let nowhere = Endpoint("192.0.2.1:9")!
        monitor.watch([HealthTarget(id: "a", probe: .tcpConnect(nowhere), policy: quick)])
        #expect(monitor.start())
        #expect(changes.wait { changes.all.last?.state == .down })
        monitor.stop()
    }

    @Test func aListThatChangesKeepsWhatItKnowsOfThoseThatStay() throws {
        let listener = try Listener()
        let changes = Changes()
        let monitor = HealthMonitor { changes.add($0) }
        let kept = HealthTarget(id: "kept", probe: .tcpConnect(listener.endpoint), policy: quick)
        monitor.watch([kept, HealthTarget(id: "gone", probe: .tcpConnect(listener.endpoint), policy: quick)])
        #expect(monitor.start())
        #expect(changes.wait { changes.all.count == 2 })
        monitor.watch([kept])
        #expect(changes.wait { (monitor.report("kept")?.probes ?? 0) > 3 })
        #expect(monitor.report("gone") == nil)
        monitor.stop()
        #expect(changes.all.count == 2, "a target that stays is not judged anew")
    }

    @Test func moreTargetsThanPlacesAreAllProbed() throws {
        let listener = try Listener()
        let changes = Changes()
        let monitor = HealthMonitor { changes.add($0) }
        let policy = HealthPolicy(interval: .seconds(5), timeout: .seconds(5))
        monitor.watch(
            (0..<700).map { HealthTarget(id: "t\($0)", probe: .tcpConnect(listener.endpoint), policy: policy) })
        #expect(monitor.start())
        _ = changes.wait { changes.all.count == 700 }
        monitor.stop()
        #expect(changes.all.count == 700)
    }
}
