import CLinuxShims
import Glibc
import Logging
import Synchronization

/// Takes what children write to standard error into the log, a line a second at most.
final class ErrorOutput: Sendable {
    /// A longer line is cut.
    private static var maximumLine: Int { 512 }

    /// What becomes the children's standard error.
    let writer: Int32
    private let reader: Int32
    private let name: String
    private let stopping = Atomic<Bool>(false)
    private let thread = Mutex<pthread_t?>(nil)

    /// Begins to read; lines are logged as `name`'s.
    ///
    /// - Throws: `unavailable`.
    init(_ name: String) throws(ProcessorError) {
        self.name = name
        var ends: [Int32] = [-1, -1]
        guard unsafe ab_pipe(&ends) == 0 else { throw .unavailable("no pipe: \(systemMessage(errno))") }
        reader = ends[0]
        writer = ends[1]
        _ = fcntl(reader, F_SETFL, O_NONBLOCK)
    }

    /// Starts the reading thread.
    func start() throws(ProcessorError) {
        var created = pthread_t()
        let argument = unsafe Unmanaged.passRetained(self).toOpaque()
        let code = unsafe pthread_create(
            &created, nil,
            { argument in
                // SAFETY: the creator passed a retained object and nobody else takes it.
                unsafe Unmanaged<ErrorOutput>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, argument)
        guard code == 0 else {
            unsafe Unmanaged<ErrorOutput>.fromOpaque(argument).release()
            throw .unavailable("no thread: \(systemMessage(code))")
        }
        thread.withLock { $0 = created }
    }

    /// Ends the thread, once.
    func stop() {
        stopping.store(true, ordering: .relaxed)
        // One byte ends the poll; what is left unread is of dead children.
        var end: UInt8 = 0x0A
        _ = unsafe Glibc.write(writer, &end, 1)
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let running { pthread_join(running, nil) }
    }

    deinit {
        close(reader)
        close(writer)
    }

    private func run() {
        _ = unsafe ab_name_thread("exec-errors")
        var limit = LogLimit()
        var line: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !stopping.load(ordering: .relaxed) {
            var wait = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&wait, 1, 1000)
            let count = unsafe read(reader, &chunk, chunk.count)
            guard count > 0 else { continue }
            for byte in chunk[..<count] {
                if byte == 0x0A {
                    tell(line, &limit)
                    line.removeAll(keepingCapacity: true)
                } else if line.count < Self.maximumLine {
                    line.append(byte)
                }
            }
        }
    }

    private func tell(_ line: [UInt8], _ limit: inout LogLimit) {
        guard !line.isEmpty, let heldBack = limit.admit() else { return }
        let more = heldBack > 0 ? " (\(heldBack) lines before it were not logged)" : ""
        Log.warning("processor \(name): \(String(decoding: line, as: UTF8.self))\(more)")
    }
}
