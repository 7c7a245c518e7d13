import CZlib

/// Compresses each chunk to a complete gzip member (RFC 1952), so that the concatenated results are one valid gzip
/// stream (§2.2: "a gzip file consists of a series of members").
public struct GzipProcessor: ChunkProcessor {
    private let level: Int32

    /// A processor that compresses this hard: 1 fast … 9 small.
    public init(level: Int = 6) { self.level = Int32(min(max(level, 1), 9)) }

    /// The member.
    public func process(_ chunk: ChunkWork, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
        var stream = unsafe z_stream()
        // 16 above the window's bits asks for gzip's header and trailer (zlib.h, deflateInit2).
        let started = unsafe deflateInit2_(
            &stream, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard started == Z_OK else { throw .failed("zlib cannot start (\(started)): is there memory left?") }
        defer { unsafe deflateEnd(&stream) }
        var input = chunk.payload
        let bound = unsafe Int(deflateBound(&stream, UInt(input.count)))
        // SAFETY: the stream's pointers are used inside the two closures alone, and each count is its buffer's.
        var ended = Z_OK
        return unsafe [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            unsafe input.withUnsafeMutableBufferPointer { bytes in
                unsafe stream.next_in = bytes.baseAddress
                unsafe stream.avail_in = UInt32(bytes.count)
                unsafe stream.next_out = output.baseAddress
                unsafe stream.avail_out = UInt32(bound)
                ended = unsafe deflate(&stream, Z_FINISH)
            }
            count = unsafe bound - Int(stream.avail_out)
            // The bound is zlib's own promise for one call.
            precondition(ended == Z_STREAM_END, "deflateBound was too small")
        }
    }
}
