import Glibc

/// The signals a program that serves lives by, taken one after the other by the main thread: no handler interrupts
/// anything.
public struct Signals {
    private var set = sigset_t()

    /// Blocks the signals for this thread and all that it starts. To be called before any other thread exists.
    public init() {
        unsafe sigemptyset(&set)
        for number in [SIGHUP, SIGTERM, SIGINT] { unsafe sigaddset(&set, number) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        // A client that goes away in the middle of an answer is an error of that write, nothing more.
        signal(SIGPIPE, SIG_IGN)
    }

    /// The next signal, or nil when none came in time.
    public mutating func next(milliseconds: Int) -> Int32? {
        var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        let number = unsafe sigtimedwait(&set, nil, &time)
        return number > 0 ? number : nil
    }
}
