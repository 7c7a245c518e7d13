#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(struct ab_mmsghdr) == sizeof(struct mmsghdr), "mmsghdr changed its size");
_Static_assert(offsetof(struct ab_mmsghdr, length) == offsetof(struct mmsghdr, msg_len), "mmsghdr changed its layout");

int ab_recvmmsg(int descriptor, struct ab_mmsghdr *vector, unsigned int count, int flags)
{
    return recvmmsg(descriptor, (struct mmsghdr *)vector, count, flags, NULL);
}

int ab_pin_thread(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

int ab_name_thread(const char *name)
{
    return pthread_setname_np(pthread_self(), name);
}

int ab_own_descriptors(const int *keep, int count)
{
    if (unshare(CLONE_FILES) != 0) {
        return errno;
    }
    unsigned int first = STDERR_FILENO + 1;
    for (int i = 0; i < count; i++) {
        if ((unsigned int)keep[i] > first) {
            syscall(SYS_close_range, first, (unsigned int)keep[i] - 1, 0);
        }
        first = (unsigned int)keep[i] + 1;
    }
    return syscall(SYS_close_range, first, ~0U, 0) == 0 ? 0 : errno;
}

int ab_device_mtu(unsigned int index)
{
    struct ifreq request = {0};
    if (if_indextoname(index, request.ifr_name) == NULL) {
        return -1;
    }
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return -1;
    }
    int status = ioctl(descriptor, SIOCGIFMTU, &request);
    int error = errno;
    close(descriptor);
    errno = error;
    return status < 0 ? -1 : request.ifr_mtu;
}

int ab_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC);
}

void *ab_map(size_t bytes)
{
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return base == MAP_FAILED ? NULL : base;
}

void ab_unmap(void *base, size_t bytes)
{
    munmap(base, bytes);
}
