import CLinuxShims
import Glibc
import Synchronization

/// A running child: its process group and the ends of its standard input and output that are ours.
final class ExecChild: Sendable {
    /// The process, which leads a group of its own.
    let process: pid_t
    /// Its standard output and input.
    let channel: FrameChannel
    private let isInputOpen = Atomic<Bool>(true)

    /// How long a child may take to go by itself, and once more after SIGTERM.
    static var farewell: Duration { .milliseconds(500) }

    /// Starts a child.
    ///
    /// - Parameter errors: what becomes its standard error.
    /// - Throws: `unavailable` with what to do.
    init(_ settings: ExecSettings, errors: Int32) throws(ProcessorError) {
        let input = try Pipe()
        let output = try Pipe()
        process = try Self.spawn(settings, input: input.reader, output: output.writer, errors: errors)
        for end in [input.writer, output.reader] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        channel = FrameChannel(reader: output.keepReader(), writer: input.keepWriter())
    }

    deinit {
        close(channel.reader)
        closeInput()
        // The whole group: what the child started is of no use without it.
        kill(-process, SIGKILL)
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0 && errno == EINTR {}
    }

    /// Whether the child has ended by itself; it is not waited for.
    var hasEnded: Bool {
        var information = unsafe siginfo_t()
        // WNOWAIT leaves the process to `deinit`, so that its number stays taken.
        let code = unsafe waitid(P_PID, id_t(process), &information, WEXITED | WNOHANG | WNOWAIT)
        return unsafe code != 0 || information.si_signo != 0
    }

    /// Lets children go: their standard input ends, as their programs are promised; those who do not go are asked by
    /// SIGTERM. Who is there still is killed with the last reference. Waits for twice ``farewell`` at most.
    static func farewell(to children: [ExecChild]) {
        for child in children { child.closeInput() }
        if haveEnded(children, within: farewell) { return }
        for child in children where !child.hasEnded { kill(-child.process, SIGTERM) }
        _ = haveEnded(children, within: farewell)
    }

    private static func haveEnded(_ children: [ExecChild], within time: Duration) -> Bool {
        let end = ContinuousClock.now + time
        while !children.allSatisfy({ $0.hasEnded }) {
            guard ContinuousClock.now < end else { return false }
            usleep(2000)
        }
        return true
    }

    private func closeInput() {
        if isInputOpen.exchange(false, ordering: .relaxed) { close(channel.writer) }
    }

    private static func spawn(
        _ settings: ExecSettings, input: Int32, output: Int32, errors: Int32
    ) throws(ProcessorError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // The node blocks its signals and ignores SIGPIPE; the child begins like any program.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe settings.command.map { unsafe strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] =
            unsafe settings.fullEnvironment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (arguments + environment).forEach { unsafe free($0) } }
        var child = pid_t()
        let path = settings.command.first ?? ""
        let code = unsafe posix_spawn(&child, path, &actions, &attributes, &arguments, &environment)
        guard code == 0 else { throw .unavailable("cannot start \(path): \(systemMessage(code))") }
        return child
    }
}

/// A pipe whose ends are closed with it, unless they were kept.
private struct Pipe: ~Copyable {
    private(set) var reader: Int32
    private(set) var writer: Int32

    init() throws(ProcessorError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe ab_pipe(&ends) == 0 else { throw .unavailable("no pipe: \(systemMessage(errno))") }
        reader = ends[0]
        writer = ends[1]
    }

    consuming func keepReader() -> Int32 {
        defer { reader = -1 }
        return reader
    }

    consuming func keepWriter() -> Int32 {
        defer { writer = -1 }
        return writer
    }

    deinit {
        if reader >= 0 { close(reader) }
        if writer >= 0 { close(writer) }
    }
}
