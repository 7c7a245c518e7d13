import Glibc

/// A program that was run to its end: what it was given by pipe, what it said.
struct ChildProcess {
    /// Exit status 0 … 255, or 128 + the signal that ended it, as a shell counts.
    var status: Int32
    /// What it wrote to standard output.
    var output: String
    /// What it wrote to standard error.
    var errors: String

    /// Runs a program found in PATH, gives it `input`, and waits for its end.
    ///
    /// All three pipes are served by one loop, so that neither side can wait for the other. SIGPIPE has to be ignored.
    static func run(_ arguments: [String], input: String) throws(RuleError) -> ChildProcess {
        let stdin = try Pipe(arguments[0])
        let stdout = try Pipe(arguments[0])
        let stderr = try Pipe(arguments[0])
        let child = try spawn(arguments, stdin, stdout, stderr)
        stdin.closeReader()
        stdout.closeWriter()
        stderr.closeWriter()
        let (output, errors) = exchange(Array(input.utf8), stdin, stdout, stderr)
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0 && errno == EINTR {}
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        return ChildProcess(
            status: code, output: String(decoding: output, as: UTF8.self),
            errors: String(decoding: errors, as: UTF8.self))
    }

    private static func spawn(
        _ arguments: [String], _ stdin: borrowing Pipe, _ stdout: borrowing Pipe, _ stderr: borrowing Pipe
    ) throws(RuleError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, stdin.reader, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, stdout.writer, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, stderr.writer, STDERR_FILENO)
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        var child = pid_t()
        let code = unsafe posix_spawnp(&child, arguments[0], &actions, nil, &pointers, environ)
        guard code == 0 else { throw .notStarted(program: arguments[0], code: code) }
        return child
    }

    /// Feeds the child and collects what it says until it has closed both outputs.
    private static func exchange(
        _ input: [UInt8], _ stdin: borrowing Pipe, _ stdout: borrowing Pipe, _ stderr: borrowing Pipe
    ) -> (output: [UInt8], errors: [UInt8]) {
        var collected: [[UInt8]] = [[], []]
        var ended = [false, false]
        var sent = 0
        _ = fcntl(stdin.writer, F_SETFL, O_NONBLOCK)
        if input.isEmpty { stdin.closeWriter() }
        while ended.contains(false) {
            var waits = [stdout.reader, stderr.reader].enumerated().map { index, descriptor in
                pollfd(fd: ended[index] ? -1 : descriptor, events: Int16(POLLIN), revents: 0)
            }
            waits.append(pollfd(fd: sent < input.count ? stdin.writer : -1, events: Int16(POLLOUT), revents: 0))
            if unsafe poll(&waits, nfds_t(waits.count), -1) < 0 && errno != EINTR { break }
            for index in 0..<2 where waits[index].revents != 0 {
                ended[index] = !readMore(waits[index].fd, into: &collected[index])
            }
            guard waits[2].revents != 0 else { continue }
            let count = unsafe input.withUnsafeBytes {
                unsafe write(stdin.writer, $0.baseAddress! + sent, $0.count - sent)
            }
            if count >= 0 {
                sent += count
            } else if errno != EAGAIN && errno != EINTR {
                // The child reads no more; what it says of it comes through the other pipes.
                sent = input.count
            }
            if sent == input.count { stdin.closeWriter() }
        }
        return (collected[0], collected[1])
    }

    /// Takes what is there; false at the end.
    private static func readMore(_ descriptor: Int32, into bytes: inout [UInt8]) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 16_384)
        let count = unsafe read(descriptor, &chunk, chunk.count)
        if count < 0 { return errno == EINTR || errno == EAGAIN }
        bytes += chunk[..<count]
        return count > 0
    }
}

/// A pipe whose ends are closed once, at the latest with the value.
private struct Pipe: ~Copyable {
    let reader: Int32
    let writer: Int32
    private let readerOpen = Flag()
    private let writerOpen = Flag()

    private final class Flag { var open = true }

    init(_ program: String) throws(RuleError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw .notStarted(program: program, code: errno) }
        reader = ends[0]
        writer = ends[1]
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }

    borrowing func closeReader() {
        if readerOpen.open { close(reader) }
        readerOpen.open = false
    }

    borrowing func closeWriter() {
        if writerOpen.open { close(writer) }
        writerOpen.open = false
    }

    deinit {
        closeReader()
        closeWriter()
    }
}
