/// Why a table could not be set up. Nothing on the packet path throws.
public enum TrackingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A limit is outside its range; the text names it and says what is allowed.
    case limit(String)
    /// The kernel refused the memory: bytes asked for and errno.
    case memory(bytes: Int, errno: Int32)

    /// A sentence that says what to do.
    public var description: String {
        switch self {
        case .limit(let text): text
        case .memory(let bytes, let errno):
            "the kernel refused \(bytes) bytes for the table (errno \(errno)): choose a smaller size or free memory"
        }
    }
}
