#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

int ab_refuse_reception(int descriptor)
{
    struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {.len = 1, .filter = &nothing};
    return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

int64_t ab_socket_drops(int descriptor)
{
    uint32_t values[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof values;
    if (getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, values, &length) != 0)
        return -1;
    return values[SK_MEMINFO_DROPS];
}
