import Glibc
import Testing
import Wire

/// A load balancer and a client, each in a network namespace of its own, with one link between them. Nothing has a name:
/// the kernel clears all away when the thread and the sockets are gone.
struct TwoHosts {
    private let balancerNetwork: Int32
    private let clientNetwork: Int32

    static let client4 = IPAddress("10.78.0.2")!
    static let client6 = IPAddress("fd78::2")!

    /// Runs the body on a thread that is in the load balancer's namespace.
    static func run(mtu: Int = 1500, _ body: (TwoHosts) throws -> Void) throws {
        let home = try network()
        defer { close(home) }
        defer { _ = setns(home, networkNamespace) }
        try #require(unshare(networkNamespace) == 0)
        let client = try network()
        defer { close(client) }
        try #require(unshare(networkNamespace) == 0)
        let balancer = try network()
        defer { close(balancer) }
        let hosts = TwoHosts(balancerNetwork: balancer, clientNetwork: client)
        try shell(
            """
            ip link set lo up
            ip link add lb address 02:00:00:00:00:01 type veth \
                peer name c address 02:00:00:00:00:02 netns /proc/$PPID/fd/\(client)
            ip link set lb mtu \(mtu) up
            ip addr add 10.78.0.1/24 dev lb
            ip addr add fd78::1/64 dev lb nodad
            ip neigh add fd78::2 lladdr 02:00:00:00:00:02 dev lb nud permanent
            """)
        try hosts.asClient {
            try shell(
                """
                ip link set lo up
                ip link set c mtu \(mtu) up
                ip addr add 10.78.0.2/24 dev c
                ip addr add fd78::2/64 dev c nodad
                ip neigh add fd78::1 lladdr 02:00:00:00:00:01 dev c nud permanent
                ip route add default via 10.78.0.1
                ip -6 route add default via fd78::1
                """)
        }
        try body(hosts)
    }

    /// Runs the body in the client's namespace; sockets made in it stay there.
    func asClient<Result>(_ body: () throws -> Result) throws -> Result {
        try #require(setns(clientNetwork, networkNamespace) == 0)
        defer { _ = setns(balancerNetwork, networkNamespace) }
        return try body()
    }

    /// A script of `sh` in the namespace of this thread.
    static func shell(_ script: String) throws {
        let status = unsafe system("set -e\n" + script)
        try #require(status == 0, "\(script)")
    }

    private static func network() throws -> Int32 {
        let descriptor = unsafe open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        return descriptor
    }
}

private let networkNamespace: Int32 = 0x4000_0000

// Both stand behind _GNU_SOURCE, which the Glibc module does not set.
@_silgen_name("unshare") private func unshare(_ flags: Int32) -> Int32
@_silgen_name("setns") private func setns(_ descriptor: Int32, _ kind: Int32) -> Int32

/// A plain UDP socket of a client.
final class ClientSocket {
    let descriptor: Int32
    private let family: IPFamily

    init(_ address: IPAddress) throws {
        family = address.family
        descriptor = socket(family == .ipv4 ? AF_INET : AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
        try #require(descriptor >= 0)
        var patience = timeval(tv_sec: 2, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var room: Int32 = 4 << 20
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &room, socklen_t(MemoryLayout<Int32>.size))
        try #require(unsafe call(bind, Endpoint(address: address, port: 0)) == 0)
    }

    deinit { close(descriptor) }

    var port: UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutableBytes(of: &storage) { raw in
            unsafe getsockname(descriptor, raw.assumingMemoryBound(to: sockaddr.self).baseAddress!, &length)
            return unsafe UInt16(raw[2]) << 8 | UInt16(raw[3])
        }
    }

    /// Makes the socket report errors of the other side, and take from it alone.
    func connect(to endpoint: Endpoint) -> Int32 { unsafe call(Glibc.connect, endpoint) }

    func send(_ bytes: [UInt8]) -> Int { unsafe Glibc.send(descriptor, bytes, bytes.count, 0) }

    /// The next datagram and where it came from; nil after 2 s.
    func receive() -> (bytes: [UInt8], from: Endpoint)? {
        var bytes = [UInt8](repeating: 0, count: 70_000)
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let count = unsafe withUnsafeMutableBytes(of: &storage) { raw in
            unsafe recvfrom(
                descriptor, &bytes, 70_000, 0, raw.assumingMemoryBound(to: sockaddr.self).baseAddress!, &length)
        }
        guard count >= 0 else { return nil }
        let from = unsafe withUnsafeBytes(of: storage) { raw in
            let address = unsafe IPAddress(networkBytes: family == .ipv4 ? raw[4..<8] : raw[8..<24])!
            return unsafe Endpoint(address: address, port: UInt16(raw[2]) << 8 | UInt16(raw[3]))
        }
        return (Array(bytes[..<count]), from)
    }

    private func call(_ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32, _ endpoint: Endpoint) -> Int32 {
        var bytes = [UInt8](repeating: 0, count: 28)
        let address = endpoint.address.networkBytes
        let family = endpoint.address.family == .ipv4 ? AF_INET : AF_INET6
        bytes[0] = UInt8(family)
        bytes[2] = UInt8(endpoint.port >> 8)
        bytes[3] = UInt8(endpoint.port & 0xFF)
        let place = address.count == 4 ? 4 : 8
        bytes.replaceSubrange(place..<place + address.count, with: address)
        let length = socklen_t(address.count == 4 ? 16 : 28)
        return unsafe bytes.withUnsafeBytes {
            unsafe function(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!, length)
        }
    }
}

/// Sees every packet that arrives in a namespace, from its IP header on.
final class Tap {
    private let descriptor: Int32

    init() throws {
        let everything = Int32(UInt16(0x0003).bigEndian)
        descriptor = socket(AF_PACKET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), everything)
        try #require(descriptor >= 0)
        var room: Int32 = 8 << 20
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &room, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(descriptor) }

    /// What has come since the last call.
    func packets() -> [[UInt8]] {
        var result: [[UInt8]] = []
        var bytes = [UInt8](repeating: 0, count: 70_000)
        while true {
            let count = unsafe recv(descriptor, &bytes, 70_000, 0)
            guard count > 0 else { return result }
            result.append(Array(bytes[..<count]))
        }
    }
}
