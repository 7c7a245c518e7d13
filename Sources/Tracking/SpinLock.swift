import CLinuxShims
import Synchronization

/// A lock of one byte for sections of some tens of nanoseconds: one atomic exchange to take, one store to release.
///
/// Spinning is bounded. The holder never sleeps inside, so a long wait means that it was preempted: then the waiter
/// yields, and after 16 yields sleeps 50 µs at a time. The thread sanitizer understands it (it does not understand
/// `Mutex`).
struct SpinLock: ~Copyable {
    private let word = Atomic<UInt8>(0)

    /// Looks at a held lock before the processor is given away, about 2 µs.
    static var spins: Int { 100 }

    @inline(__always)
    borrowing func lock() {
        if word.exchange(1, ordering: .acquiring) != 0 {
            wait()
        }
    }

    @inline(__always)
    borrowing func unlock() {
        word.store(0, ordering: .releasing)
    }

    /// For invariants: is anybody inside?
    var isLocked: Bool { word.load(ordering: .relaxed) != 0 }

    @inline(never)
    private borrowing func wait() {
        var rounds: UInt32 = 0
        while true {
            var spun = 0
            while spun < Self.spins {
                if word.load(ordering: .relaxed) == 0, word.exchange(1, ordering: .acquiring) == 0 { return }
                anabranch_pause()
                spun += 1
            }
            anabranch_give_way(rounds)
            rounds &+= 1
        }
    }
}

/// A counter with one writer and any number of readers: no atomic read-modify-write, no torn value.
struct Counter: ~Copyable {
    private let value = Atomic<UInt64>(0)

    @inline(__always)
    borrowing func add(_ amount: UInt64 = 1) {
        value.store(value.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    var total: UInt64 { value.load(ordering: .relaxed) }
}
