// libmicrohttpd as Debian's libmicrohttpd-dev brings it.
#ifndef ANABRANCH_CMICROHTTPD_H
#define ANABRANCH_CMICROHTTPD_H

#include <microhttpd.h>

// MHD_start_daemon takes variable arguments, which Swift cannot call. One thread of the library's own serves everybody;
// a client that is silent for `timeout` seconds is sent away. Goes when the library offers options as an array alone.
static inline struct MHD_Daemon *_Nullable ab_http_start(
    const struct sockaddr *_Nonnull address, unsigned int connections, unsigned int timeout,
    MHD_AccessHandlerCallback _Nonnull handler, void *_Nullable context)
{
    return MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, handler, context,
        MHD_OPTION_SOCK_ADDR, address,
        MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_CONNECTION_TIMEOUT, timeout,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384,
        MHD_OPTION_END);
}

#endif
