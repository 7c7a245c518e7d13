import Glibc

/// Runs `body` on `count` threads at once, with the numbers 0 ..< count, and waits for all of them.
///
/// Plain threads rather than tasks: a simulation's thread is busy for minutes, and its speed is being measured.
public func onThreads(_ count: Int, _ body: @Sendable (Int) -> Void) {
    if count == 1 {
        body(0)
        return
    }
    withoutActuallyEscaping(body) { body in
        var threads: [pthread_t] = []
        for number in 0..<count {
            let job = Job { body(number) }
            var thread = pthread_t()
            // SAFETY: the job is retained for the thread, which releases it; the thread is joined below.
            let failed = unsafe pthread_create(
                &thread, nil,
                { argument in
                    unsafe Unmanaged<Job>.fromOpaque(argument!).takeRetainedValue().run()
                    return nil
                }, Unmanaged.passRetained(job).toOpaque())
            precondition(failed == 0, "no more threads are to be had")
            threads.append(thread)
        }
        for thread in threads { pthread_join(thread, nil) }
    }
}

private final class Job: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Nanoseconds of the system's monotonic clock: to measure, not to simulate.
public func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Nanoseconds of processor time that the process has used.
func processorNanoseconds() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Lets another thread run.
func giveWay() { sched_yield() }
