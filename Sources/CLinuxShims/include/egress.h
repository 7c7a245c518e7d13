// Sockets that only send. <linux/filter.h> is not in Swift's Glibc module; these go when it is.

#ifndef ANABRANCH_EGRESS_H
#define ANABRANCH_EGRESS_H

#include <stdint.h>

/// Attaches a filter that lets nothing in (SO_ATTACH_FILTER, "return 0"). Returns 0, or -1 with errno.
int ab_refuse_reception(int descriptor);

/// Packets that the socket has dropped, by its filter or for want of room (SO_MEMINFO); -1 with errno.
int64_t ab_socket_drops(int descriptor);

#endif
