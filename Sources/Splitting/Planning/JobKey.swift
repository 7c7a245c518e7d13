import Wire

/// Hashes that place jobs on nodes. They never change between machines and versions, so load balancers agree.
public enum JobKey {
    /// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection that spreads every bit.
    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Of a name's UTF-8 bytes: FNV-1a, spread.
    public static func hash(_ name: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return mix(hash)
    }

    /// Of an address and a port: the key that names the reassembly node.
    public static func hash(_ endpoint: Endpoint) -> UInt64 {
        let address = endpoint.address
        let high = UInt64(UInt32(bigEndian: address.word0)) << 32 | UInt64(UInt32(bigEndian: address.word1))
        let low = UInt64(UInt32(bigEndian: address.word2)) << 32 | UInt64(UInt32(bigEndian: address.word3))
        let tail = UInt64(endpoint.port) << 8 | (address.family == .ipv4 ? 4 : 6)
        return mix(mix(mix(high) ^ low) &+ tail)
    }

    /// The key of a type's jobs: all of them begin at the same place of the ring, so that the type's data stays there.
    public static func key(ofType requestType: String) -> UInt64 { hash(requestType) }

    /// The key of a type's jobs for one shard: for data that is spread by a shard key.
    public static func key(ofType requestType: String, shard: UInt32) -> UInt64 {
        mix(hash(requestType) ^ UInt64(shard))
    }
}
