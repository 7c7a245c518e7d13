import Glibc

/// The link types ``CaptureWriter`` can announce, by the numbers of the file format.
public enum CaptureLinkType: UInt32, Sendable {
    /// The packets begin with an Ethernet header.
    case ethernet = 1
    /// The packets begin with an IPv4 or IPv6 header.
    case rawIP = 101
}

/// Writes pcap files (version 2.4, nanoseconds, little-endian).
///
/// ```swift
/// var writer = try CaptureWriter(path: "trace.pcap")
/// try writer.write(packet, timestamp: now)
/// try writer.close()
/// ```
@safe
public struct CaptureWriter: ~Copyable {
    private let file: UnsafeMutablePointer<FILE>
    private let path: String

    /// Creates the file, or empties it, and writes the file header.
    ///
    /// - Throws: ``CaptureError/cannotWrite(file:reason:)``.
    public init(path: String, linkType: CaptureLinkType = .rawIP) throws(CaptureError) {
        guard let opened = unsafe fopen(path, "we") else {
            throw .cannotWrite(file: path, reason: Self.reason(errno))
        }
        // Magic for nanoseconds, version 2.4, no time zone, no accuracy, largest snapshot length.
        let header = [0xA1B2_3C4D, 4 << 16 | 2, 0, 0, 262_144, linkType.rawValue].map(\.littleEndian)
        guard unsafe fwrite(header, 4, header.count, opened) == header.count else {
            let reason = Self.reason(errno)
            unsafe fclose(opened)
            throw .cannotWrite(file: path, reason: reason)
        }
        unsafe file = opened
        self.path = path
    }

    deinit { unsafe fclose(file) }

    /// Appends one packet.
    ///
    /// - Parameters:
    ///   - bytes: What was captured of it, at most 262,144 bytes.
    ///   - wireLength: How long it was on the wire; nil if all of it was captured.
    ///   - timestamp: Nanoseconds since 1970-01-01 UTC, not negative.
    /// - Throws: ``CaptureError/cannotWrite(file:reason:)``.
    public mutating func write(
        _ bytes: [UInt8], wireLength: Int? = nil, timestamp: Int64 = 0
    ) throws(CaptureError) {
        let seconds = UInt32(truncatingIfNeeded: timestamp / 1_000_000_000)
        let nanoseconds = UInt32(truncatingIfNeeded: timestamp % 1_000_000_000)
        let length = UInt32(max(wireLength ?? 0, bytes.count))
        let header = [seconds, nanoseconds, UInt32(bytes.count), length].map(\.littleEndian)
        try check(unsafe fwrite(header, 4, header.count, file) == header.count)
        try check(unsafe fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }

    /// Writes out what is still buffered. A writer that is merely dropped closes its file too, but cannot say whether
    /// the disk took all of it.
    public consuming func close() throws(CaptureError) {
        try check(unsafe fflush(file) == 0)
    }

    private func check(_ written: Bool) throws(CaptureError) {
        guard written else { throw .cannotWrite(file: path, reason: Self.reason(errno)) }
    }

    private static func reason(_ code: CInt) -> String {
        unsafe String(cString: strerror(code))
    }
}
