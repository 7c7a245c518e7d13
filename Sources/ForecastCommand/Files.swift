import Glibc

/// Reading and writing whole files, the only place here that calls the C library.
enum Files {
    /// The bytes of a file, or of standard input when the path is `-`; nil with `errno` set when it cannot be read.
    static func read(_ path: String) -> [UInt8]? {
        let descriptor = path == "-" ? 0 : unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { if descriptor != 0 { _ = close(descriptor) } }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return result }
            if count < 0 {
                if errno == EINTR { continue }
                return nil
            }
            result += buffer[..<count]
        }
    }

    /// Writes all bytes to a descriptor; false when that failed.
    @discardableResult
    static func write(_ text: String, to descriptor: Int32) -> Bool {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { all in
                unsafe Glibc.write(descriptor, all.baseAddress! + done, bytes.count - done)
            }
            if count < 0 {
                if errno == EINTR { continue }
                return false
            }
            done += count
        }
        return true
    }

    /// Writes a file, replacing what was there; false with `errno` set when that failed.
    static func write(_ text: String, path: String) -> Bool {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return false }
        let written = write(text, to: descriptor)
        return close(descriptor) == 0 && written
    }

    /// What `errno` means.
    static func reason() -> String { unsafe String(cString: strerror(errno)) }

    /// Seconds on a clock that only goes forward.
    static func seconds() -> Double {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}
