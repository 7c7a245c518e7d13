import Glibc
import Selection
import Testing
import Wire

enum KernelTests {
    /// As root with nft at hand, and always in CI: there they fail when they cannot run.
    static var mayRun: Bool {
        let inCI = unsafe getenv("CI") != nil
        let hasNft = unsafe access("/usr/sbin/nft", X_OK) == 0
        return inCI || (hasNft && geteuid() == 0)
    }
}

/// The promise that the whole kernel path stands on: user space and an nftables rule choose the same shard.
///
/// Random packets run through a ruleset that stores each packet's source, which no other packet has, together with the mark
/// the kernel computed for it; the sets are read back and compared, packet by packet.
@Suite(.serialized, .enabled(if: KernelTests.mayRun, "needs root and nft"), .timeLimit(.minutes(1)))
struct KernelAgreementTests {
    @Test func tenThousandPacketsFallIntoTheShardTheKernelComputes() throws {
        try compare(packetsPerFamily: 6000, choices: [.fourTuple], shards: 4093)
    }

    @Test func everyChoiceOfFieldsFallsIntoTheShardTheKernelComputes() throws {
        try compare(packetsPerFamily: 1000, choices: (1...31).map(HashFields.init(rawValue:)), shards: 65537)
    }

    /// Sends packets and holds the kernel's marks against ``shardHash(_:fields:seed:)``.
    private func compare(packetsPerFamily: Int, choices: [HashFields], shards: UInt32) throws {
        let random = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(state: random)
        let seed = UInt32.random(in: 1 ... .max, using: &generator)
        let families: [IPFamily] = [.ipv4, .ipv6]
        var sent: [IPFamily: [IPAddress: FlowKey]] = [:]
        for family in families {
            var keys: [IPAddress: FlowKey] = [:]
            while keys.count < packetsPerFamily {
                let key = randomKey(family, using: &generator)
                keys[key.source] = key
            }
            sent[family] = keys
        }
        let keys = sent.values.flatMap(\.values)
        let rules = ruleset(choices: choices, shards: shards, seed: seed)
        let listing = try PrivateNetwork.run {
            _ = try PrivateNetwork.execute("ip", ["link", "set", "lo", "up"])
            // Every address is local, so whatever is sent goes out through the output hook and comes in on lo.
            _ = try PrivateNetwork.execute("ip", ["route", "add", "local", "default", "dev", "lo"])
            _ = try PrivateNetwork.execute("ip", ["-6", "route", "add", "local", "default", "dev", "lo"])
            _ = try PrivateNetwork.execute("nft", ["-f", "-"], input: rules)
            let sender = try RawSender()
            for key in keys { try sender.send(key) }
            return try PrivateNetwork.execute("nft", ["-n", "list", "table", "inet", "ab_selection"])
        }
        let sets = try NftSets(listing: listing)
        for family in families {
            for fields in choices {
                let computed = sets.marks[setName(family, fields)] ?? [:]
                #expect(computed.count == packetsPerFamily)
                let wrong = computed.filter { source, mark in
                    guard let key = sent[family]?[source] else { return true }
                    return mark != shardIndex(hash: shardHash(key, fields: fields, seed: seed), shards: shards)
                }
                let differ = wrong.count
                #expect(differ == 0, "\(nftFields(fields, family)), random \(random)")
            }
        }
    }

    private func ruleset(choices: [HashFields], shards: UInt32, seed: UInt32) -> String {
        var sets = ""
        var rules = ""
        for fields in choices {
            for (family, ip) in [(IPFamily.ipv4, "ip"), (.ipv6, "ip6")] {
                let name = setName(family, fields)
                let element = "\(ip) saddr . meta mark"
                sets += "set \(name) { typeof \(element); flags dynamic; size 65535; }\n"
                rules += "meta nfproto ipv\(family.rawValue) meta mark set jhash \(nftFields(fields, family)) "
                rules += "mod \(shards) seed \(seed) add @\(name) { \(element) }\n"
            }
        }
        return """
            table inet ab_selection {
            \(sets)
            chain computed {
            type filter hook output priority 0
            meta l4proto != { 6, 17, 132 } accept
            \(rules)
            }
            chain swallow {
            type filter hook prerouting priority -300; policy drop
            }
            }
            """
    }

    private func setName(_ family: IPFamily, _ fields: HashFields) -> String {
        "v\(family.rawValue)_\(fields.rawValue)"
    }

    private func nftFields(_ fields: HashFields, _ family: IPFamily) -> String {
        let ip = family == .ipv4 ? "ip" : "ip6"
        let names: [(HashFields, String)] = [
            (.sourceAddress, "\(ip) saddr"), (.destinationAddress, "\(ip) daddr"), (.transport, "meta l4proto"),
            (.sourcePort, "th sport"), (.destinationPort, "th dport"),
        ]
        return names.filter { fields.contains($0.0) }.map(\.1).joined(separator: " . ")
    }

    private func randomKey(_ family: IPFamily, using generator: inout SeededGenerator) -> FlowKey {
        func address() -> IPAddress {
            switch family {
            case .ipv4:
                let first = UInt8.random(in: 1...223, using: &generator)
                let rest = UInt32.random(in: 1...0xFF_FFFE, using: &generator)
                return IPAddress(
                    first == 127 ? 10 : first, UInt8(rest >> 16), UInt8(rest >> 8 & 0xFF), UInt8(rest & 0xFF))
            case .ipv6:
                let words = (0..<4).map { _ in UInt32.random(in: 0 ... .max, using: &generator) }
                // 2000::/3, the addresses that are routed at large.
                let first = (words[0].bigEndian & 0x1FFF_FFFF | 0x2000_0000).bigEndian
                return IPAddress(word0: first, word1: words[1], word2: words[2], word3: words[3])
            }
        }
        return FlowKey(
            source: address(), destination: address(), sourcePort: .random(in: 0 ... .max, using: &generator),
            destinationPort: .random(in: 0 ... .max, using: &generator),
            transport: [6, 17, 132].randomElement(using: &generator)!)
    }
}

/// The sets of a table as `nft -n list table` prints them: a mark for each source address.
private struct NftSets {
    private(set) var marks: [String: [IPAddress: UInt32]] = [:]

    init(listing: String) throws {
        var name = ""
        for line in listing.split(separator: "\n") {
            var words = line.split(whereSeparator: { " \t,{}".contains($0) })
            if words.first == "set" { name = String(words[1]) }
            if words.first == "elements" { words.removeFirst(2) }
            if words.count < 3 || words[1] != "." { continue }
            // Address . mark, several to a line.
            for start in stride(from: 0, to: words.count, by: 3) {
                guard let source = IPAddress(String(words[start])),
                    let mark = UInt32(words[start + 2].dropFirst(2), radix: 16)
                else { throw PrivateNetwork.Failure(description: "cannot read '\(line)'") }
                marks[name, default: [:]][source] = mark
            }
        }
    }
}
