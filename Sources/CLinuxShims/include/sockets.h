// Waiting for descriptors, and what the kernel knows of a TCP connection. Goes when Swift's Glibc module has them.

#ifndef ANABRANCH_SOCKETS_H
#define ANABRANCH_SOCKETS_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

/// The parts of the kernel's `struct tcp_info` that a load balancer looks at. glibc's <netinet/tcp.h> has an older
/// layout without rates, and <linux/tcp.h> cannot be included beside it.
struct ab_tcp_state {
    uint64_t delivery_rate;    // bytes a second
    uint64_t bytes_retransmitted;
    uint32_t round_trip;       // microseconds, smoothed
    uint32_t round_trip_variance;
    uint32_t retransmits;      // segments, of all time
    uint32_t unacknowledged;   // segments
    uint32_t unsent;           // bytes
    uint32_t application_limited; // 1 when delivery_rate was bounded by what there was to send
};

/// Reads the state. Returns 0, or -1 with errno.
int ab_tcp_state(int descriptor, struct ab_tcp_state *_Nonnull state);

/// accept4(2) with SOCK_NONBLOCK and SOCK_CLOEXEC; it stands behind _GNU_SOURCE.
int ab_accept(int descriptor, struct sockaddr_storage *_Nonnull address);

/// epoll_ctl(2): `struct epoll_event` is packed and has a union, which strict memory safety cannot look into.
int ab_epoll_set(int epoll, int operation, int descriptor, uint32_t events, uint64_t token);

/// What epoll found: for which token, and what.
struct ab_event {
    uint64_t token;
    uint32_t events;
};

/// epoll_pwait2(2) without a signal mask, at most 128 events. `nanoseconds` below 0: without an end.
int ab_epoll_wait(int epoll, struct ab_event *_Nonnull found, int count, int64_t nanoseconds);

#endif
