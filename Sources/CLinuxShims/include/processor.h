// Processor hints that Swift has no word for. Each is one instruction, or one system call after a long wait.

#ifndef ANABRANCH_PROCESSOR_H
#define ANABRANCH_PROCESSOR_H

#include <sched.h>
#include <time.h>

/// Asks for the cache line at `address`, to be written soon. Never faults, whatever the address.
/// May go when Swift exposes a prefetch.
__attribute__((swift_attr("@_noLocks"), swift_attr("@_noAllocation")))
static inline void anabranch_prefetch_for_write(const void *address) {
#if defined(__x86_64__)
    // The compiler's builtin asks for a shared line unless told of the processor; a second core would then have to be
    // asked again before the write. Processors without the instruction take it for a no-operation.
    __asm__ __volatile__("prefetchw %0" : : "m"(*(const char *)address));
#else
    __builtin_prefetch(address, 1, 3);
#endif
}

/// Tells the processor that this is a spin loop. May go when Swift exposes a pause.
__attribute__((swift_attr("@_noLocks"), swift_attr("@_noAllocation")))
static inline void anabranch_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/// Gives the processor away: first by yielding, after `rounds` has passed 16 by sleeping 50 microseconds, so that a
/// waiter with a higher real-time priority than the holder cannot keep the holder from running.
__attribute__((swift_attr("@_noLocks"), swift_attr("@_noAllocation")))
static inline void anabranch_give_way(unsigned int rounds) {
    if (rounds < 16) {
        sched_yield();
    } else {
        struct timespec pause = {0, 50000};
        nanosleep(&pause, NULL);
    }
}

#endif
