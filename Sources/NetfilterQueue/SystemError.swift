import Glibc

/// A system call that failed: which, and why.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call's name as its manual page has it.
    public let call: String
    /// The errno value.
    public let code: Int32

    /// Reads errno, so it must be made right after the call.
    init(_ call: String) {
        self.call = call
        code = errno
    }

    init(_ call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    /// "call: message".
    public var description: String {
        unsafe "\(call): \(String(cString: strerror(code)))"
    }
}
