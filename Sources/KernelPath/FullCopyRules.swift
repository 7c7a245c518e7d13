import Wire

extension RulePlan {
    /// Flagged UDP payloads of one service that may be split: they go to a queue that hands over whole packets.
    ///
    /// The rules stand before the ordinary ones. They take large packets that are whole, and **every** fragment with the
    /// flag: a fragment's own length tells nothing of the payload's, and behind the first none has ports. So the queue
    /// also gets what is not to be split; who serves it decides as the ordinary queues' daemon does.
    public struct FullCopy: Equatable, Sendable {
        /// The service's name, for comments.
        public var service: String
        /// Virtual addresses; empty means every address.
        public var destinations: [IPPrefix]
        /// The flag, 0 … 63 (RFC 2474); nil: every packet.
        public var dscp: UInt8?
        /// Bytes of UDP payload from which on a packet goes there; 1 … 65,507. One more than `max_packet_size`.
        public var minimumPayload: Int
        /// The queue's number; none of ``RulePlan/queues``.
        public var queue: UInt16

        /// All fields.
        public init(service: String, destinations: [IPPrefix], dscp: UInt8?, minimumPayload: Int, queue: UInt16) {
            self.service = service
            self.destinations = destinations
            self.dscp = dscp
            self.minimumPayload = minimumPayload
            self.queue = queue
        }

        /// Where its rules apply in a family; nil: to every address.
        func destinations(_ family: IPFamily) -> [IPPrefix?] {
            destinations.isEmpty ? [nil] : destinations.filter { $0.address.family == family }
        }
    }

    /// Bytes of a UDP header.
    private static var udpHeader: Int { 8 }

    /// What follows `-A CHAIN`, one line a rule.
    ///
    /// The length match counts the packet from its IP header on, in both families. An IPv6 packet put together from
    /// fragments may pass 65,535 bytes, the largest number the match knows: so it is asked for what is *not* short.
    func fullCopyIptables(_ family: IPFamily) -> [String] {
        lines(family) { copy, destination in
            let base = destination.map { " -d \($0)" } ?? ""
            let flag = copy.dscp.map { " -m dscp --dscp 0x\(hexadecimal($0))" } ?? ""
            let target = " -j NFQUEUE --queue-num \(copy.queue)\(bypass ? " --queue-bypass" : "")"
            let header = (family == .ipv4 ? 20 : 40) + Self.udpHeader
            let long =
                family == .ipv4
                ? " -m length --length \(copy.minimumPayload + header):65535"
                : " -m length ! --length 0:\(copy.minimumPayload + header - 1)"
            // -f would miss the first fragment. The bytes from 4 on: identification, flags and offset. In IPv6 -p does not
            // find UDP behind further headers inside the fragments.
            let fragment =
                family == .ipv4 ? " -p udp\(flag) -m u32 --u32 \"4&0x3FFF=0x1:0x3FFF\"" : "\(flag) -m frag"
            return ["\(base) -p udp\(flag)\(long)\(target)", "\(base)\(fragment)\(target)"]
        }
    }

    /// The lines of the nft chain.
    ///
    /// `ip length` counts from the IP header on, `ip6 length` from behind it (RFC 8200 §3).
    func fullCopyNft(_ family: IPFamily) -> [String] {
        let keyword = family == .ipv4 ? "ip" : "ip6"
        return lines(family) { copy, destination in
            let base =
                destination.map { "\(keyword) daddr \($0)" } ?? "meta nfproto \(family == .ipv4 ? "ipv4" : "ipv6")"
            let flag = copy.dscp.map { " \(keyword) dscp 0x\(hexadecimal($0))" } ?? ""
            let target = "counter queue\(bypass ? " flags bypass" : "") to \(copy.queue)"
            let length = copy.minimumPayload + Self.udpHeader + (family == .ipv4 ? 20 : 0)
            let udp = " meta l4proto \(TransportProtocol.udp)"
            let fragment = family == .ipv4 ? "\(udp) ip frag-off & 0x3fff != 0" : " exthdr frag exists"
            return [
                "\(base)\(flag)\(udp) \(keyword) length >= \(length) \(target)", "\(base)\(flag)\(fragment) \(target)",
            ]
        }
    }

    /// The lines of a family; what several services share stands there once.
    private func lines(_ family: IPFamily, _ make: (FullCopy, IPPrefix?) -> [String]) -> [String] {
        var seen: Set<String> = []
        return fullCopy.flatMap { copy in
            copy.destinations(family).flatMap { make(copy, $0) }
        }.filter { seen.insert($0).inserted }
    }

    /// Two digits, as iptables and nft print the flag.
    private func hexadecimal(_ number: UInt8) -> String {
        let digits = String(number, radix: 16)
        return digits.count == 1 ? "0\(digits)" : digits
    }

    func fullCopyComment(_ prefix: String) -> String {
        fullCopy.map { copy in
            let destinations = copy.destinations.map(\.description).joined(separator: " ")
            let flag = copy.dscp.map { "DSCP \($0), " } ?? ""
            return "\(prefix)   splitting \(copy.service): \(destinations.isEmpty ? "every address" : destinations), "
                + "\(flag)UDP payload of \(copy.minimumPayload) bytes or more, and fragments: queue \(copy.queue)\n"
        }.joined()
    }
}
