import Splitting
import Testing

@Suite("Checksums of chunks")
struct ChecksumTests {
    private let digits = Array("123456789".utf8)

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test func crc32cGivesThePublishedCheckValue() {
        // The catalogue of CRC algorithms, CRC-32/ISCSI; RFC 3720 B.4 for 32 bytes of zeros and of ones.
        #expect(hexadecimal(ChecksumAlgorithm.crc32c.checksum(of: digits)) == "e3069283")
        #expect(hexadecimal(ChecksumAlgorithm.crc32c.checksum(of: [UInt8](repeating: 0, count: 32))) == "8a9136aa")
        #expect(hexadecimal(ChecksumAlgorithm.crc32c.checksum(of: [UInt8](repeating: 255, count: 32))) == "62a8ab43")
    }

    @Test func sha256GivesThePublishedDigest() {
        // FIPS 180-2, example B.1.
        #expect(
            hexadecimal(ChecksumAlgorithm.sha256.checksum(of: Array("abc".utf8)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func xxh3GivesThePublishedValue() {
        // xxHash's own vector for no bytes and seed 0.
        #expect(hexadecimal(ChecksumAlgorithm.xxh3.checksum(of: [])) == "2d06800538d394c2")
    }

    @Test(arguments: ChecksumAlgorithm.allCases)
    func oneBitOfDifferenceIsSeen(_ algorithm: ChecksumAlgorithm) {
        for length in [1, 7, 8, 9, 63, 64, 65, 1000] {
            var bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let checksum = algorithm.checksum(of: bytes)
            #expect(checksum.count == algorithm.length)
            #expect(algorithm.verifies(checksum, of: bytes))
            for bit in 0..<min(8 * length, 512) {
                bytes[bit / 8] ^= 1 << (bit % 8)
                #expect(!algorithm.verifies(checksum, of: bytes))
                bytes[bit / 8] ^= 1 << (bit % 8)
            }
        }
    }

    @Test(arguments: ChecksumAlgorithm.allCases)
    func aNameLeadsBackToItsAlgorithm(_ algorithm: ChecksumAlgorithm) {
        #expect(ChecksumAlgorithm(name: algorithm.name) == algorithm)
        #expect(ChecksumAlgorithm(name: algorithm.name.uppercased()) == nil)
    }
}
