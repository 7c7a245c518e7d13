import Glibc

/// Reads files; the only place of this module that calls the system.
enum FileBytes {
    /// Why a file could not be read, as a sentence.
    struct Fault: Error {
        let message: String
    }

    /// The bytes of the file at `path`, at most `limit`.
    static func read(path: String, limit: Int) -> Result<[UInt8], Fault> {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(fault("cannot be opened", errno)) }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            // SAFETY: the array owns as many bytes as the call is told.
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return .failure(fault("cannot be read", errno))
            }
            if count == 0 { return .success(bytes) }
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count > limit {
                return .failure(Fault(message: "the file is larger than \(Units.text(bytes: limit)); make it smaller"))
            }
        }
    }

    private static func fault(_ what: String, _ code: Int32) -> Fault {
        // SAFETY: strerror returns a C string that is valid until the thread calls it again.
        let reason = unsafe String(cString: strerror(code))
        return Fault(message: "the file \(what): \(reason); check its path and permissions")
    }
}
