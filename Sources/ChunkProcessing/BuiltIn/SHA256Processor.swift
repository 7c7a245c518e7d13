import COpenSSL

/// The SHA-256 digest of each chunk (FIPS 180-4), as 32 bytes.
public struct SHA256Processor: ChunkProcessor {
    /// The processor.
    public init() {}

    /// The digest.
    public func process(_ chunk: ChunkWork, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        // SAFETY: the digest has the bytes that the function writes.
        let good = unsafe chunk.payload.withUnsafeBytes { bytes in
            unsafe EVP_Digest(bytes.baseAddress, bytes.count, &digest, nil, EVP_sha256(), nil)
        }
        guard good == 1 else { throw .failed("OpenSSL has no SHA-256") }
        return digest
    }
}
