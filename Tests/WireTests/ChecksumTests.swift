import PacketBuilding
import Testing
import Wire

@Suite struct ChecksumTests {
    /// The numbers of RFC 1071 §3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2.
    @Test func theExampleOfTheStandardComesOut() {
        #expect(checksum(hex("0001 f203 f4f5 f6f7")) == ~0xDDF2)
        #expect(checksum([]) == 0xFFFF)
        #expect(checksum([0x12]) == ~0x1200)
    }

    /// An IPv4 header from Wikipedia's article on it, whose checksum is b861.
    @Test func aKnownHeaderHasItsChecksum() {
        #expect(checksum(hex("4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7")) == 0xB861)
        #expect(checksum(hex("4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7")) == 0)
    }

    /// Wide additions give what adding halves one by one gives.
    @Test func everyLengthSumsLikeHalfByHalf() {
        var random = SeededGenerator(seed: 7)
        for length in 0..<100 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 200...255, using: &random) }
            var sum: UInt32 = 0
            for index in stride(from: 0, to: length, by: 2) {
                sum += UInt32(bytes[index]) << 8 | (index + 1 < length ? UInt32(bytes[index + 1]) : 0)
            }
            while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
            #expect(checksum(bytes) == ~UInt16(sum))
        }
    }

    @Test(arguments: [
        PacketBuilder(from: "10.0.0.1", to: "10.0.0.2"), PacketBuilder(from: "fd00::1", to: "fd00::2"),
    ])
    func builtPacketsHaveChecksumsThatVerify(_ builder: PacketBuilder) throws {
        let payload = [UInt8](1...41)
        for bytes in [
            builder.udp(from: 1, to: 2, payload: payload), builder.tcp(from: 3, to: 4, payload: payload),
            builder.echo(identifier: 5, payload: payload),
        ] {
            let packet = try Packet(bytes)
            let segment = Array(bytes[packet.transportOffset...])
            let whole =
                packet.transport == TransportProtocol.icmp
                ? checksum(segment)
                : unsafe InternetChecksum.transport(
                    segment.span.bytes, source: packet.key.source, destination: packet.key.destination,
                    transport: packet.transport)
            #expect(whole == 0)
            if builder.family == .ipv4 { #expect(checksum(Array(bytes[..<20])) == 0) }
        }
    }

    /// A UDP checksum that comes out as 0 is sent as 0xFFFF (RFC 768): the payload is chosen so that it does.
    @Test func aUDPChecksumOfZeroIsWrittenAsOnes() throws {
        let builder = PacketBuilder(from: "10.0.0.1", to: "10.0.0.2")
        let zeroed = builder.udp(from: 1, to: 2, payload: [0, 0])
        let field = Array(zeroed[26..<28])
        #expect(Array(builder.udp(from: 1, to: 2, payload: field)[26..<28]) == [0xFF, 0xFF])
    }

    /// The check value of CRC-32C over "123456789" is e3069283; SCTP writes it lowest byte first.
    @Test func sctpPacketsCarryTheirCRC() {
        let bytes = PacketBuilder(from: "10.0.0.1", to: "10.0.0.2").sctp(from: 0x3132, to: 0x3334, verificationTag: 0)
        #expect(Array(bytes[28..<32]) == crc32c(Array(bytes[20..<28]) + zeros(4)))
        #expect(crc32c(Array("123456789".utf8)) == hex("839206e3"))
    }

    private func checksum(_ bytes: [UInt8]) -> UInt16 {
        unsafe InternetChecksum.of(bytes.span.bytes)
    }

    /// An independent CRC-32C: polynomial division from the highest bit, input and output reflected by hand.
    private func crc32c(_ bytes: [UInt8]) -> [UInt8] {
        func reflect(_ value: UInt32) -> UInt32 {
            (0..<32).reduce(0) { $0 | (value >> UInt32($1) & 1) << UInt32(31 - $1) }
        }
        var remainder = UInt32.max
        for byte in bytes {
            remainder ^= reflect(UInt32(byte))
            for _ in 0..<8 {
                remainder = remainder & 0x8000_0000 == 0 ? remainder << 1 : remainder << 1 ^ 0x1EDC_6F41
            }
        }
        let value = ~reflect(remainder)
        return [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}
