/// What can go wrong with a capture file. Each case names the file; ``description`` is fit to be shown.
public enum CaptureError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file cannot be opened, or is no pcap or pcapng file.
    case cannotOpen(file: String, reason: String)
    /// The packets in the file begin with a link-layer header that is not known here.
    case unsupportedLinkType(file: String, linkType: String)
    /// The file breaks off or is damaged behind its first `intact` packets.
    case cannotRead(file: String, intact: Int, reason: String)
    /// The file cannot be written.
    case cannotWrite(file: String, reason: String)

    /// One sentence with the file's name and the reason.
    public var description: String {
        switch self {
        case .cannotOpen(let file, let reason):
            "\(file): cannot open the capture: \(reason)"
        case .unsupportedLinkType(let file, let linkType):
            "\(file): link type \(linkType) is not supported; use Ethernet, Linux cooked, raw IP or loopback"
        case .cannotRead(let file, let intact, let reason):
            "\(file): cannot read on after packet \(intact): \(reason)"
        case .cannotWrite(let file, let reason):
            "\(file): cannot write the capture: \(reason)"
        }
    }
}
