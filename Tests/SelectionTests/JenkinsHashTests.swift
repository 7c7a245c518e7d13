import Selection
import Testing
import Wire

@Suite struct JenkinsHashTests {
    /// Published by Bob Jenkins in lookup3.c (driver5), where the function is called hashlittle.
    @Test func jhashGivesThePublishedValues() {
        #expect(hash("", seed: 0) == 0xdead_beef)
        #expect(hash("", seed: 0xdead_beef) == 0xbd5b_7dde)
        #expect(hash("Four score and seven years ago", seed: 0) == 0x1777_0551)
        #expect(hash("Four score and seven years ago", seed: 1) == 0xcd62_8161)
    }

    /// The bytes nft hands to the kernel, put together one by one, give the same hash as the straight-line code.
    @Test(arguments: [IPFamily.ipv4, .ipv6])
    func theHashOfAnyFieldsIsTheHashOfTheirPaddedBytes(family: IPFamily) {
        var generator = SeededGenerator(state: 7)
        for _ in 0..<200 {
            let key = randomKey(family, using: &generator)
            let seed = UInt32.random(in: 0 ... .max, using: &generator)
            for choice in UInt8(0)...31 {
                let fields = HashFields(rawValue: choice)
                let expected = unsafe jhash(bytes(of: key, fields).span.bytes, seed: seed)
                #expect(shardHash(key, fields: fields, seed: seed) == expected)
            }
        }
    }

    /// Figures from a rule `jhash ip saddr . ip daddr . th sport . th dport mod 4093 seed 0x1234` on Linux 6.18.
    @Test func aRecordedRuleOfTheKernelIsMatched() {
        for (destination, port, shard) in [(2, 54503, 309), (1, 44003, 443), (3, 51334, 801)]
            as [(UInt8, UInt16, UInt32)]
        {
            let key = FlowKey(
                source: IPAddress(127, 0, 0, 1), destination: IPAddress(127, 0, 0, destination), sourcePort: port,
                destinationPort: 5000, transport: 17)
            #expect(shardIndex(hash: shardHash(key, fields: .fourTuple, seed: 0x1234), shards: 4093) == shard)
        }
    }

    @Test func theHashIsScaledNotDivided() {
        #expect(shardIndex(hash: 0, shards: 4093) == 0)
        #expect(shardIndex(hash: 4093, shards: 4093) == 0)
        #expect(shardIndex(hash: 0x8000_0000, shards: 4093) == 2046)
        #expect(shardIndex(hash: .max, shards: 4093) == 4092)
        #expect(shardIndex(hash: .max, shards: .max) == UInt32.max - 1)
    }

    private func hash(_ text: String, seed: UInt32) -> UInt32 { unsafe jhash(Array(text.utf8).span.bytes, seed: seed) }

    private func randomKey(_ family: IPFamily, using generator: inout SeededGenerator) -> FlowKey {
        func word() -> UInt32 { .random(in: 0 ... .max, using: &generator) }
        func address() -> IPAddress {
            family == .ipv4
                ? IPAddress(ipv4: word()) : IPAddress(word0: word(), word1: word(), word2: word(), word3: word())
        }
        return FlowKey(
            source: address(), destination: address(), sourcePort: UInt16(truncatingIfNeeded: word()),
            destinationPort: UInt16(truncatingIfNeeded: word()), transport: UInt8(truncatingIfNeeded: word()))
    }

    /// Each field in network order; padded to a multiple of four when it is not the only one.
    private func bytes(of key: FlowKey, _ fields: HashFields) -> [UInt8] {
        func port(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
        let parts: [(HashFields, [UInt8])] = [
            (.sourceAddress, key.source.networkBytes), (.destinationAddress, key.destination.networkBytes),
            (.transport, [key.transport]), (.sourcePort, port(key.sourcePort)),
            (.destinationPort, port(key.destinationPort)),
        ]
        let chosen = parts.filter { fields.contains($0.0) }.map(\.1)
        if chosen.count == 1 { return chosen[0] }
        return chosen.flatMap { $0 + [UInt8](repeating: 0, count: (4 - $0.count % 4) % 4) }
    }
}
