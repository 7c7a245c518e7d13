import Glibc

/// A network of its own for a test, without a name and without traces.
///
/// The body runs on a thread that has left the network namespace of the process. Sockets it opens and programs it starts
/// are in the new namespace, and the kernel clears it away when the thread and they have ended, however they end: nothing
/// is left behind even after a crash.
enum PrivateNetwork {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs `body` in a new network namespace and gives what it gives.
    static func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) throws -> Result {
        let work = Work {
            guard leaveNetwork() == 0 else { throw Failure(description: "unshare: errno \(errno)") }
            return try body()
        }
        var thread = pthread_t()
        // SAFETY: the thread takes the one reference handed to it, and is joined before `work` goes out of scope.
        let started = unsafe pthread_create(
            &thread, nil,
            { argument in
                unsafe Unmanaged<AnyWork>.fromOpaque(argument!).takeRetainedValue().perform()
                return nil
            }, Unmanaged<AnyWork>.passRetained(work).toOpaque())
        guard started == 0 else { throw Failure(description: "pthread_create: \(started)") }
        pthread_join(thread, nil)
        return try work.outcome!.get()
    }

    /// Runs a program to its end with `input` on its standard input; gives its standard output.
    static func execute(_ program: String, _ arguments: [String], input: String = "") throws -> String {
        let (inputRead, inputWrite) = try pipeEnds()
        let (outputRead, outputWrite) = try pipeEnds()
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, inputRead, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, outputWrite, 1)
        var argv = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe argv.indices { unsafe free(argv[index]) } }
        var child = pid_t()
        let spawned = unsafe posix_spawnp(&child, program, &actions, nil, &argv, environ)
        close(inputRead)
        close(outputWrite)
        guard spawned == 0 else {
            close(inputWrite)
            close(outputRead)
            throw Failure(description: "\(program): \(spawned)")
        }
        // The programs used here read all their input before they write, so this order cannot stall.
        writeAll(input, to: inputWrite)
        close(inputWrite)
        let output = readAll(from: outputRead)
        close(outputRead)
        var status: Int32 = 0
        unsafe waitpid(child, &status, 0)
        guard status == 0 else {
            throw Failure(description: "\(program) \(arguments.joined(separator: " ")): status \(status)\n\(output)")
        }
        return output
    }

    /// Calls unshare(2) with CLONE_NEWNET, which Glibc's module hides behind _GNU_SOURCE.
    private static func leaveNetwork() -> Int32 {
        typealias Unshare = @convention(c) (Int32) -> Int32
        guard let symbol = unsafe dlsym(dlopen(nil, RTLD_NOW), "unshare") else { return -1 }
        // SAFETY: this is the function's type in sched.h.
        return unsafe unsafeBitCast(symbol, to: Unshare.self)(0x4000_0000)
    }

    private static func pipeEnds() throws -> (read: Int32, write: Int32) {
        // A pair of sockets, since pipe2 is hidden: whatever else is started meanwhile must not inherit an end.
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw Failure(description: "errno \(errno)") }
        return (ends[0], ends[1])
    }

    private static func writeAll(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe write(descriptor, $0.baseAddress! + sent, $0.count - sent)
            }
            if count <= 0 { return }
            sent += count
        }
    }

    private static func readAll(from descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress!, $0.count) }
            if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(contentsOf: chunk.prefix(count))
        }
    }

    /// What a thread has to do. The base class is what can be handed through a C function pointer.
    private class AnyWork {
        func perform() {}
    }

    private final class Work<Result>: AnyWork {
        let body: () throws -> Result
        var outcome: Swift.Result<Result, any Error>?

        init(_ body: @escaping () throws -> Result) { self.body = body }

        override func perform() { outcome = Swift.Result { try body() } }
    }
}
