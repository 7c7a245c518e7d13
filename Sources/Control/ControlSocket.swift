import Glibc
import Hosting

/// The listening Unix socket: made so that nobody else can ever use it, and taken away at the end.
final class ControlSocket: Sendable {
    let descriptor: Int32
    private let path: String
    private let inode: ino_t

    /// Binds and listens.
    ///
    /// A file that is there is replaced only if it is a socket that nobody listens on.
    /// - Parameter group: who may use it next to the owner; left as it is when there is no such group.
    init(path: String, group: String) throws(ControlError) {
        try Self.clear(path)
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let listener = socket(AF_UNIX, kind, 0)
        guard listener >= 0 else { throw Self.fault("socket", path) }
        // Linux gives the file the socket's own mode, so it is never open to others, not even for a moment.
        fchmod(listener, 0o660)
        guard unsafe withUnixAddress(path, { unsafe bind(listener, $0, $1) }) == 0, unsafe chmod(path, 0o660) == 0,
            listen(listener, 64) == 0
        else {
            let error = Self.fault("bind", path)
            close(listener)
            throw error
        }
        if let entry = unsafe getgrnam(group) { unsafe chown(path, uid_t.max, entry.pointee.gr_gid) }
        var status = stat()
        unsafe stat(path, &status)
        inode = status.st_ino
        descriptor = listener
        self.path = path
    }

    /// Closes the socket and removes its file, unless the file is another one by now.
    deinit {
        var status = stat()
        if unsafe stat(path, &status) == 0 && status.st_ino == inode { unsafe unlink(path) }
        close(descriptor)
    }

    private static func clear(_ path: String) throws(ControlError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            if errno == ENOENT { makeDirectory(of: path) }
            return
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw ControlError("socket", "\(path) is there and is no socket: remove it or set control.socket")
        }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        defer { close(probe) }
        // A full backlog (EAGAIN) is somebody as well.
        let result = unsafe withUnixAddress(path) { unsafe connect(probe, $0, $1) }
        if result == 0 || errno != ECONNREFUSED {
            throw ControlError("socket", "another daemon listens on \(path): stop it or set control.socket")
        }
        unsafe unlink(path)
    }

    /// systemd makes /run/anabranch; without systemd the last part of the path is made here.
    private static func makeDirectory(of path: String) {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return }
        unsafe mkdir(String(path[..<slash]), 0o755)
    }

    private static func fault(_ call: String, _ path: String) -> ControlError {
        unsafe ControlError("socket", "\(call) \(path): \(String(cString: strerror(errno)))")
    }
}
