import CPcap

/// One frame of a capture file, its link-layer header taken off.
public struct CapturedFrame: Hashable, Sendable {
    /// The frame's place in the file, from 1 on, as other tools count.
    public var number: Int
    /// When it was captured, in nanoseconds since 1970-01-01 UTC.
    public var timestamp: Int64
    /// What the frame holds. Only ``FrameContent/ip`` has a packet in ``bytes``.
    public var content: FrameContent
    /// The captured bytes behind the link-layer header, padding of short Ethernet frames included.
    public var bytes: [UInt8]
    /// How many bytes there were on the wire behind the link-layer header; never fewer than ``bytes``.
    public var wireLength: Int
}

/// Reads pcap and pcapng files.
///
/// ```swift
/// var reader = try CaptureReader(path: "trace.pcap")
/// while let frame = try reader.next() { … }
/// ```
@safe
public struct CaptureReader: ~Copyable {
    private let handle: OpaquePointer
    private let link: LinkLayer
    private let path: String
    private var count = 0

    /// Opens a file.
    ///
    /// - Throws: ``CaptureError/cannotOpen(file:reason:)`` or ``CaptureError/unsupportedLinkType(file:linkType:)``.
    public init(path: String) throws(CaptureError) {
        var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
        // SAFETY: the buffer has the size that libpcap asks for and is read only as far as its terminator.
        let opened = unsafe pcap_open_offline_with_tstamp_precision(
            path, UInt32(PCAP_TSTAMP_PRECISION_NANO), &message)
        guard let opened = unsafe opened else {
            let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            // libpcap puts the path in front of what the system says; it is told once already.
            let reason = String(decoding: text, as: UTF8.self)
            let prefix = "\(path): "
            throw .cannotOpen(
                file: path, reason: reason.hasPrefix(prefix) ? String(reason.dropFirst(prefix.count)) : reason)
        }
        let type = unsafe pcap_datalink(opened)
        guard let link = Self.linkLayer(type) else {
            let name = unsafe pcap_datalink_val_to_name(type).map { unsafe String(cString: $0) } ?? String(type)
            unsafe pcap_close(opened)
            throw .unsupportedLinkType(file: path, linkType: name)
        }
        unsafe handle = opened
        self.link = link
        self.path = path
    }

    deinit { unsafe pcap_close(handle) }

    /// The next frame; nil at the file's end.
    ///
    /// - Throws: ``CaptureError/cannotRead(file:intact:reason:)`` if the file breaks off within a record.
    public mutating func next() throws(CaptureError) -> CapturedFrame? {
        var header: UnsafeMutablePointer<pcap_pkthdr>?
        var data: UnsafePointer<UInt8>?
        let result = unsafe pcap_next_ex(handle, &header, &data)
        if result == PCAP_ERROR_BREAK { return nil }
        guard result == 1, let header = unsafe header?.pointee, let data = unsafe data else {
            let reason = unsafe String(cString: pcap_geterr(handle))
            throw .cannotRead(file: path, intact: count, reason: reason)
        }
        count += 1
        // SAFETY: libpcap keeps `caplen` bytes at `data` until the next call, and they are copied here.
        let frame = unsafe UnsafeBufferPointer(start: data, count: Int(header.caplen))
        let (content, headerLength) = link.strip { offset in
            offset < frame.count ? unsafe frame[offset] : nil
        }
        return CapturedFrame(
            number: count,
            // With nanosecond precision libpcap puts nanoseconds in the microseconds' place.
            timestamp: Int64(header.ts.tv_sec) * 1_000_000_000 + Int64(header.ts.tv_usec),
            content: content,
            bytes: unsafe Array(frame.dropFirst(headerLength)),
            wireLength: max(Int(header.len), frame.count) - headerLength)
    }

    /// All frames of a file.
    public static func frames(ofFile path: String) throws(CaptureError) -> [CapturedFrame] {
        var reader = try CaptureReader(path: path)
        var frames: [CapturedFrame] = []
        while let frame = try reader.next() { frames.append(frame) }
        return frames
    }

    private static func linkLayer(_ type: CInt) -> LinkLayer? {
        switch type {
        case DLT_EN10MB: .ethernet
        case DLT_LINUX_SLL: .linuxCooked
        case DLT_LINUX_SLL2: .linuxCooked2
        case DLT_RAW, DLT_IPV4, DLT_IPV6: .rawIP
        case DLT_NULL, DLT_LOOP: .loopback
        default: nil
        }
    }
}
