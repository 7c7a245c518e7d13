import Glibc

/// A counter that threads wait on (sem_overview(7)).
@safe
package final class Semaphore: Sendable {
    // SAFETY: any thread may use it; it is destroyed when nobody refers to it.
    private nonisolated(unsafe) let semaphore: UnsafeMutablePointer<sem_t>

    /// A counter that begins at `count`.
    package init(_ count: Int = 0) {
        unsafe semaphore = .allocate(capacity: 1)
        unsafe sem_init(semaphore, 0, UInt32(count))
    }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    /// Adds one.
    package func signal() { unsafe sem_post(semaphore) }

    /// Takes one, as soon as there is one.
    package func wait() { while unsafe sem_wait(semaphore) != 0 && errno == EINTR {} }

    /// Takes one if there is one within the time, in milliseconds.
    package func wait(milliseconds: Int) -> Bool {
        if unsafe sem_trywait(semaphore) == 0 { return true }
        var until = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &until)
        until.tv_sec += milliseconds / 1000
        until.tv_nsec += milliseconds % 1000 * 1_000_000
        if until.tv_nsec >= 1_000_000_000 {
            until.tv_nsec -= 1_000_000_000
            until.tv_sec += 1
        }
        while unsafe sem_timedwait(semaphore, &until) != 0 { if errno != EINTR { return false } }
        return true
    }
}
