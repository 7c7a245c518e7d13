import Glibc

/// Something that a link needs before any peer is there could not be had: what, why, and what to do.
public struct LinkSetupError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The sentence for the operator.
    public let description: String

    /// With that sentence.
    public init(_ description: String) { self.description = description }

    /// A system call that failed; reads errno, so it must be made right after the call.
    init(call: String) {
        description = unsafe "\(call): \(String(cString: strerror(errno)))"
    }
}
