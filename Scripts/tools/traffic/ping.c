/* traffic ping and traffic echo: round-trip times through the balancer, one question after the other. */
#include "traffic.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_NAMES = 64,
    MAX_PORTS = 512,
};

static const char echo_usage[] =
    "usage: traffic echo [--port 9001] [--name NAME]\n"
    "Sends each datagram back from the address it was sent to, with NAME appended if one is given.\n";

int echo_main(int count, char **arguments) {
    unsigned port = 9001;
    const char *name = "";
    static const struct option options[] = {{"port", 1, 0, 'p'}, {"name", 1, 0, 'n'}, {"help", 0, 0, 'h'}, {0, 0, 0, 0}};
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        switch (option) {
        case 'p': port = (unsigned)number(optarg, "port", 1, 65535); break;
        case 'n': name = optarg; break;
        default: usage(echo_usage);
        }
    }
    if (optind != count || strlen(name) > 255) usage(echo_usage);
    int socket_ = udp_socket(), on = 1, bytes = 16 << 20;
    /* Three datagrams of 60,000 bytes in fragments fill what a socket gets by default. */
    if (setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0) die("receive buffer");
    if (setsockopt(socket_, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) < 0) die("IPV6_RECVPKTINFO");
    /* The address may be ours by a local route alone; answering from it is then a foreign bind to IPv6. */
    if (setsockopt(socket_, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on) < 0) die("IPV6_FREEBIND");
    struct sockaddr_in6 address = endpoint("::", port);
    if (bind(socket_, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
    stop_on_signals();
    puts("ready");
    fflush(stdout);
    uint64_t answered = 0;
    while (!stopping) {
        struct sockaddr_in6 peer;
        static uint8_t data[65536 + 256];
        _Alignas(struct cmsghdr) uint8_t control[256];
        struct iovec vector = {data, 65536};
        struct msghdr message = {.msg_name = &peer, .msg_namelen = sizeof peer, .msg_iov = &vector, .msg_iovlen = 1,
                                 .msg_control = control, .msg_controllen = sizeof control};
        ssize_t got = recvmsg(socket_, &message, 0);
        if (got < 0) {
            if (errno == EINTR || errno == ECONNREFUSED) continue;
            die("receive");
        }
        /* The packet information that came in goes out again: it names our address. Any interface may carry it. */
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
            if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
                ((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_ifindex = 0;
        memcpy(data + got, name, strlen(name));
        vector.iov_len = (size_t)got + strlen(name);
        message.msg_flags = 0;
        if (sendmsg(socket_, &message, 0) >= 0) answered++;
    }
    printf("{\"answered\":%llu}\n", (unsigned long long)answered);
    return 0;
}

static const char ping_usage[] =
    "usage: traffic ping --to ADDRESS [--port 9001] [--from ADDRESS] [--count 2000] [--interval MICROSECONDS]\n"
    "                    [--timeout MILLISECONDS] [--ports N] [--processor N]\n"
    "One datagram after another, each waited for; times in microseconds. With --ports N it takes turns over N source\n"
    "ports, so that a hash over ports spreads the questions. `answers` counts by the name that echo appended.\n";

static int ascending(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

int ping_main(int count, char **arguments) {
    const char *to = NULL, *from = NULL;
    unsigned port = 9001, questions = 2000, ports = 1;
    double interval_us = 1000, timeout_ms = 200;
    int processor = -1;
    static const struct option options[] = {
        {"to", 1, 0, 't'},       {"port", 1, 0, 'p'},    {"from", 1, 0, 'f'},  {"count", 1, 0, 'c'},
        {"interval", 1, 0, 'i'}, {"timeout", 1, 0, 'o'}, {"ports", 1, 0, 'n'}, {"processor", 1, 0, 'u'},
        {"help", 0, 0, 'h'},     {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        switch (option) {
        case 't': to = optarg; break;
        case 'p': port = (unsigned)number(optarg, "port", 1, 65535); break;
        case 'f': from = optarg; break;
        case 'c': questions = (unsigned)number(optarg, "count", 1, 1e8); break;
        case 'i': interval_us = number(optarg, "interval", 0, 1e9); break;
        case 'o': timeout_ms = number(optarg, "timeout", 1, 1e6); break;
        case 'n': ports = (unsigned)number(optarg, "ports", 1, MAX_PORTS); break;
        case 'u': processor = (int)number(optarg, "processor", 0, 1023); break;
        default: usage(ping_usage);
        }
    }
    if (!to || optind != count) usage(ping_usage);
    run_on(processor);
    struct sockaddr_in6 remote = endpoint(to, port);
    int sockets[MAX_PORTS];
    for (unsigned i = 0; i < ports; i++) {
        sockets[i] = udp_socket();
        if (from) {
            struct sockaddr_in6 local = endpoint(from, 0);
            if (bind(sockets[i], (struct sockaddr *)&local, sizeof local) < 0) die("bind");
        }
        if (connect(sockets[i], (struct sockaddr *)&remote, sizeof remote) < 0) die("connect");
    }
    uint64_t *times = calloc(questions, sizeof *times);
    if (!times) die("memory");
    static struct {
        char name[512];
        uint64_t answers;
    } names[MAX_NAMES];
    unsigned answered = 0, lost = 0, known = 0;
    double total = 0;
    stop_on_signals();
    uint64_t next = now();
    for (unsigned q = 0; q < questions && !stopping; q++) {
        uint64_t at = now();
        if (at < next) {
            struct timespec pause = {(time_t)((next - at) / 1000000000u), (long)((next - at) % 1000000000u)};
            nanosleep(&pause, NULL);
        }
        next = now() + (uint64_t)(interval_us * 1e3);
        int socket_ = sockets[q % ports];
        struct numbered question = {.magic = htonl(MAGIC), .flow = htonl(q % ports), .number = htobe64(q)};
        uint8_t answer[512];
        ssize_t got = -1;
        const uint64_t asked = now();
        if (send(socket_, &question, sizeof question, 0) == (ssize_t)sizeof question) {
            const uint64_t deadline = asked + (uint64_t)(timeout_ms * 1e6);
            /* Answers to earlier questions that came too late are read and left aside. */
            while ((at = now()) < deadline && !stopping) {
                struct pollfd wait = {.fd = socket_, .events = POLLIN};
                struct timespec patience = {(time_t)((deadline - at) / 1000000000u),
                                            (long)((deadline - at) % 1000000000u)};
                if (ppoll(&wait, 1, &patience, NULL) <= 0) continue;
                got = recv(socket_, answer, sizeof answer - 1, MSG_DONTWAIT);
                if (got >= (ssize_t)sizeof question && memcmp(answer, &question, sizeof question) == 0) break;
                got = -1;
            }
        }
        if (got < 0) {
            lost++;
            continue;
        }
        times[answered] = now() - asked;
        total += (double)times[answered++];
        answer[got] = 0;
        const char *name = (const char *)answer + sizeof question;
        if (!*name) continue;
        unsigned n = 0;
        while (n < known && strcmp(names[n].name, name) != 0) n++;
        if (n == known) {
            if (known == MAX_NAMES) continue;
            snprintf(names[known++].name, sizeof names[0].name, "%s", name);
        }
        names[n].answers++;
    }
    qsort(times, answered, sizeof *times, ascending);
    const double last = answered ? answered - 1 : 0;
#define PERCENTILE(p) (answered ? (double)times[(unsigned)(last * (p) + 0.5)] / 1e3 : 0.0)
    printf("{\"sent\":%u,\"answered\":%u,\"lost\":%u,\"min_us\":%.1f,\"mean_us\":%.1f,\"p50_us\":%.1f,\"p90_us\":%.1f,"
           "\"p99_us\":%.1f,\"max_us\":%.1f,\"answers\":{",
           answered + lost, answered, lost, PERCENTILE(0), answered ? total / answered / 1e3 : 0.0, PERCENTILE(0.5),
           PERCENTILE(0.9), PERCENTILE(0.99), PERCENTILE(1));
    for (unsigned n = 0; n < known; n++)
        printf("%s\"%s\":%llu", n ? "," : "", names[n].name, (unsigned long long)names[n].answers);
    puts("}}");
    return 0;
}
