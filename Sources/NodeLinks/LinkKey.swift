import COpenSSL
import Glibc

/// The secret that all load balancers and nodes of a site share. Never printed, not even by a debugger's dump.
public struct LinkKey: Sendable, CustomStringConvertible, CustomReflectable {
    /// The shortest key that is taken, in bytes.
    public static var minimumLength: Int { 16 }
    /// The longest key that is taken, in bytes.
    public static var maximumLength: Int { 4096 }

    private let bytes: [UInt8]

    /// A key of these bytes.
    ///
    /// - Throws: `LinkSetupError` when it is shorter than ``minimumLength`` or longer than ``maximumLength``.
    public init(bytes: [UInt8]) throws(LinkSetupError) {
        guard bytes.count >= Self.minimumLength else {
            throw LinkSetupError(
                "the key has \(bytes.count) bytes, at least \(Self.minimumLength) are needed: "
                    + "make one with `openssl rand -hex 32`")
        }
        guard bytes.count <= Self.maximumLength else {
            throw LinkSetupError("the key has more than \(Self.maximumLength) bytes")
        }
        self.bytes = bytes
    }

    /// The key in a file; one line end behind it does not belong to it.
    ///
    /// - Throws: `LinkSetupError` when the file cannot be read, is not a regular file, is open to more than its owner
    ///   and, for reading, its group (0640), or holds no good key.
    public init(file path: String) throws(LinkSetupError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw LinkSetupError(call: "key file \(path)") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw LinkSetupError(call: "key file \(path)") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw LinkSetupError("key file \(path): it is not a regular file")
        }
        let mode = status.st_mode & 0o777
        guard mode & ~0o640 == 0 else {
            throw LinkSetupError(
                "key file \(path): mode \(String(mode, radix: 8)) lets others at the key: chmod 0600 or 0640 \(path)")
        }
        var content = [UInt8](repeating: 0, count: Self.maximumLength + 2)
        let count = unsafe read(descriptor, &content, content.count)
        guard count >= 0 else { throw LinkSetupError(call: "key file \(path)") }
        content.removeLast(content.count - count)
        if content.last == UInt8(ascii: "\n") { content.removeLast() }
        do throws(LinkSetupError) {
            try self.init(bytes: content)
        } catch {
            throw LinkSetupError("key file \(path): \(error)")
        }
    }

    /// HMAC-SHA-256 (RFC 2104) of a message under the key.
    func authenticate(_ message: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        let result = unsafe HMAC(
            EVP_sha256(), bytes, Int32(bytes.count), message, message.count, &code, &length)
        precondition(unsafe result != nil && length == 32, "OpenSSL does not offer HMAC-SHA-256")
        return code
    }

    /// Whether two codes are equal, in a time that does not depend on where they differ.
    static func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        unsafe a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
    }

    /// Not the key.
    public var description: String { "key of \(bytes.count) bytes" }
    /// Empty.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
