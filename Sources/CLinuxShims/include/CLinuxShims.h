// What Linux offers and Swift's Glibc module does not import. Each declaration says why it is here;
// it may go when Swift imports the original.
#ifndef CLINUXSHIMS_H
#define CLINUXSHIMS_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "egress.h"
#include "processor.h"
#include "sockets.h"

// `struct mmsghdr` and `recvmmsg` stand behind _GNU_SOURCE, which the Glibc module does not set.
// The layout is the kernel's; the implementation asserts it.
struct ab_mmsghdr {
    struct msghdr header;
    unsigned int length;
};

// recvmmsg(2) without a timeout. Returns the number of messages, or -1 with errno.
int ab_recvmmsg(int descriptor, struct ab_mmsghdr *_Nonnull vector, unsigned int count, int flags);

// The CPU_SET macros are not imported. Pins the calling thread to one CPU; returns 0 or an errno value.
int ab_pin_thread(int cpu);

// `pthread_setname_np` stands behind _GNU_SOURCE. Names are cut at 15 bytes by the caller.
int ab_name_thread(const char *_Nonnull name);

// Gives the calling thread descriptors of its own: a copy of standard input, output and error and of those in `keep`
// (ascending). When the process is killed, they are closed as the thread ends, and not only after all memory has been
// given back. Returns 0 or an errno value.
int ab_own_descriptors(const int *_Nonnull keep, int count);

// SIOCGIFMTU of the device with this index: the longest packet it carries, in bytes. The request's union is not
// imported. Returns -1 with errno if there is no such device in this network namespace.
int ab_device_mtu(unsigned int index);

// pipe2(2) stands behind _GNU_SOURCE. Both ends are closed on exec from the start, so that no other thread's child can
// inherit them. Returns 0, or -1 with errno.
int ab_pipe(int ends[_Nonnull 2]);

// MAP_ANONYMOUS memory, zeroed, page-aligned; NULL when there is none. MAP_FAILED is a cast Swift cannot import.
void *_Nullable ab_map(size_t bytes);
void ab_unmap(void *_Nonnull base, size_t bytes);

#endif
