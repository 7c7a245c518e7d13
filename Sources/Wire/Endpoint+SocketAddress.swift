import Glibc

extension Endpoint {
    /// Calls `body` with the endpoint as socket calls want it: a `sockaddr_in` or `sockaddr_in6` and its length.
    ///
    /// - Parameter body: Gets a pointer that is good during the call only.
    public func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        let bytes = address.networkBytes
        switch address.family {
        case .ipv4:
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            unsafe withUnsafeMutableBytes(of: &address.sin_addr) { unsafe $0.copyBytes(from: bytes) }
            // SAFETY: every kind of socket address begins with the family, by which the kernel tells them apart.
            return unsafe withUnsafeBytes(of: &address) { raw in
                unsafe body(raw.assumingMemoryBound(to: sockaddr.self).baseAddress!, socklen_t(raw.count))
            }
        case .ipv6:
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) { unsafe $0.copyBytes(from: bytes) }
            return unsafe withUnsafeBytes(of: &address) { raw in
                unsafe body(raw.assumingMemoryBound(to: sockaddr.self).baseAddress!, socklen_t(raw.count))
            }
        }
    }
}
