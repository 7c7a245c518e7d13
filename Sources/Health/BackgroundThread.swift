import Glibc
import Synchronization

/// A thread that runs one function to its end.
package final class BackgroundThread: Sendable {
    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private let id: Mutex<pthread_t?>

    /// Starts the thread.
    ///
    /// - Throws: `ThreadError` with pthread_create(3)'s errno value.
    package init(_ body: @escaping @Sendable () -> Void) throws(ThreadError) {
        var created = pthread_t()
        let argument = unsafe Unmanaged.passRetained(Work(body)).toOpaque()
        let code = unsafe pthread_create(
            &created, nil,
            { argument in
                // SAFETY: the creator passed a retained `Work` and nobody else takes it.
                unsafe Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, argument)
        guard code == 0 else {
            unsafe Unmanaged<Work>.fromOpaque(argument).release()
            throw ThreadError(code: code)
        }
        id = Mutex(created)
    }

    /// Waits for the thread's end. A second call returns at once.
    package func join() {
        let thread = id.withLock { id in
            defer { id = nil }
            return id
        }
        if let thread { pthread_join(thread, nil) }
    }
}

/// A thread could not be made.
package struct ThreadError: Error, CustomStringConvertible {
    let code: Int32
    /// "pthread_create: message".
    package var description: String { unsafe "pthread_create: \(String(cString: strerror(code)))" }
}
