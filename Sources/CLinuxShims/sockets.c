#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <linux/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

int ab_tcp_state(int descriptor, struct ab_tcp_state *state)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    // An older kernel fills in less; the rest is 0.
    memset(&info, 0, sizeof info);
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return -1;
    state->delivery_rate = info.tcpi_delivery_rate;
    state->bytes_retransmitted = info.tcpi_bytes_retrans;
    state->round_trip = info.tcpi_rtt;
    state->round_trip_variance = info.tcpi_rttvar;
    state->retransmits = info.tcpi_total_retrans;
    state->unacknowledged = info.tcpi_unacked;
    state->unsent = info.tcpi_notsent_bytes;
    state->application_limited = info.tcpi_delivery_rate_app_limited;
    return 0;
}

int ab_accept(int descriptor, struct sockaddr_storage *address)
{
    socklen_t length = sizeof *address;
    return accept4(descriptor, (struct sockaddr *)address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int ab_epoll_set(int epoll, int operation, int descriptor, uint32_t events, uint64_t token)
{
    struct epoll_event event = {.events = events, .data.u64 = token};
    return epoll_ctl(epoll, operation, descriptor, &event);
}

int ab_epoll_wait(int epoll, struct ab_event *found, int count, int64_t nanoseconds)
{
    struct epoll_event events[128];
    struct timespec timeout = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    if (count > 128)
        count = 128;
    int ready = epoll_pwait2(epoll, events, count, nanoseconds < 0 ? NULL : &timeout, NULL);
    for (int index = 0; index < ready; index++)
        found[index] = (struct ab_event){.token = events[index].data.u64, .events = events[index].events};
    return ready;
}
