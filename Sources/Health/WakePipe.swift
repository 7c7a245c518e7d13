import Glibc

/// A pipe by which one thread ends another's poll(2).
package final class WakePipe: Sendable {
    /// Readable after `wake`.
    package let descriptor: Int32
    private let writer: Int32

    /// A pipe that nobody has written to.
    package init() {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { fatalError("no file descriptor left for a pipe") }
        descriptor = ends[0]
        writer = ends[1]
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        close(descriptor)
        close(writer)
    }

    /// Makes the other end readable. A full pipe is readable already.
    package func wake() {
        var byte: UInt8 = 1
        _ = unsafe write(writer, &byte, 1)
    }

    /// Takes out what was written.
    package func drain() {
        var bytes: UInt64 = 0
        while unsafe read(descriptor, &bytes, 8) > 0 {}
    }
}
