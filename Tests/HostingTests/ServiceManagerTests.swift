import Glibc
import Testing

import Hosting

struct ServiceManagerTests {
    @Test func systemdHearsTheDocumentedWords() throws {
        let path = "/tmp/ab-test-\(UInt32.random(in: 0...(.max))).notify"
        defer { unsafe unlink(path) }
        let listener = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(listener) }
        unsafe try #require(withUnixAddress(path) { unsafe bind(listener, $0, $1) } == 0)
        let manager = ServiceManager(path: path)
        manager.ready("queues 0 to 1")
        manager.reloading()
        manager.alive()
        manager.stopping()
        #expect(next(listener) == "READY=1\nSTATUS=queues 0 to 1\nMAINPID=\(getpid())")
        let reloading = next(listener)
        #expect(reloading.hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
        #expect((Int(reloading.split(separator: "=").last ?? "") ?? 0) > 0)
        #expect(next(listener) == "WATCHDOG=1")
        #expect(next(listener) == "STOPPING=1")
    }

    @Test func theAbstractNamespaceIsReachedToo() throws {
        let name = "@ab-test-\(UInt32.random(in: 0...(.max)))"
        let listener = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: [0] + Array(name.utf8.dropFirst()))
        }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.utf8.count)
        let bound = unsafe withUnsafeBytes(of: &address) {
            unsafe bind(listener, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!, length)
        }
        try #require(bound == 0)
        ServiceManager(path: name).alive()
        #expect(next(listener) == "WATCHDOG=1")
    }

    private func next(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = unsafe recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : ""
    }
}
