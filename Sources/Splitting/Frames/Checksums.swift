import COpenSSL
import CXXHash
import Wire

extension ChecksumAlgorithm {
    /// The name in the configuration.
    public var name: String {
        switch self {
        case .xxh3: "xxh3"
        case .crc32c: "crc32c"
        case .sha256: "sha256"
        }
    }

    /// The algorithm of that name, or nil.
    public init?(name: String) {
        guard let algorithm = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = algorithm
    }

    /// How many bytes its checksums have.
    public var length: Int {
        switch self {
        case .xxh3: 8
        case .crc32c: 4
        case .sha256: 32
        }
    }

    /// The longest checksum of all algorithms, in bytes.
    public static var maximumLength: Int { 32 }

    /// The checksum of the bytes; numbers in network byte order.
    public func checksum(of bytes: [UInt8]) -> [UInt8] {
        switch self {
        case .xxh3:
            let value = unsafe bytes.withUnsafeBytes { unsafe XXH3_64bits($0.baseAddress, $0.count) }
            return (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
        case .crc32c:
            let value = CRC32C.of(bytes)
            return (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
        case .sha256:
            var digest = [UInt8](repeating: 0, count: 32)
            let result = unsafe bytes.withUnsafeBytes {
                unsafe EVP_Digest($0.baseAddress, $0.count, &digest, nil, EVP_sha256(), nil)
            }
            // An OpenSSL without SHA-256 is a broken installation; no checksum is worse than no process.
            precondition(result == 1, "OpenSSL does not offer SHA-256")
            return digest
        }
    }

    /// Whether that is the checksum of the bytes.
    public func verifies(_ checksum: [UInt8], of bytes: [UInt8]) -> Bool {
        checksum == self.checksum(of: bytes)
    }
}
