/* traffic sink: counts numbered packets, and tells lost, duplicated and reordered ones apart. */
#include "traffic.h"

#include <errno.h>
#include <getopt.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    WINDOW = 1024,         /* numbers of a flow that are remembered to tell a duplicate from a late packet */
    MAX_INTERVALS = 36000,
};

static const char sink_usage[] =
    "usage: traffic sink [--port 9000] [--interval MILLISECONDS] [--idle SECONDS] [--processor N]\n"
    "Counts numbered packets until it is ended, or until nothing came for --idle seconds after the first packet.\n"
    "  lost        numbers of a flow missing below the highest that came\n"
    "  duplicated  the same number again (a late packet more than 1024 numbers old is `ancient`, not told apart)\n"
    "  reordered   came after a higher number of its flow\n"
    "  overrun     arrived here, but this program was too slow: they are among the lost\n"
    "  silence_ms  longest time without any packet between the first and the last\n"
    "  intervals   packets per interval, from the first packet on\n";

struct seen {
    uint64_t highest; /* highest number + 1; 0: none came */
    uint64_t unique;
    uint64_t window[WINDOW / 64];
};

int sink_main(int count, char **arguments) {
    unsigned port = 9000;
    double interval_ms = 100, idle = 0;
    int processor = -1;
    static const struct option options[] = {
        {"port", 1, 0, 'p'}, {"interval", 1, 0, 'i'}, {"idle", 1, 0, 'd'}, {"processor", 1, 0, 'u'},
        {"help", 0, 0, 'h'}, {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        switch (option) {
        case 'p': port = (unsigned)number(optarg, "port", 1, 65535); break;
        case 'i': interval_ms = number(optarg, "interval", 1, 1e6); break;
        case 'd': idle = number(optarg, "idle", 0, 1e6); break;
        case 'u': processor = (int)number(optarg, "processor", 0, 1023); break;
        default: usage(sink_usage);
        }
    }
    if (optind != count) usage(sink_usage);
    run_on(processor);
    int socket_ = udp_socket(), bytes = 32 << 20;
    if (setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0) die("receive buffer");
    struct sockaddr_in6 address = endpoint("::", port);
    if (bind(socket_, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
    struct timeval tick = {.tv_usec = 50000};
    if (setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick) < 0) die("timeout");

    unsigned capacity = 4096;
    struct seen *table = calloc(capacity, sizeof *table);
    uint32_t *intervals = calloc(MAX_INTERVALS, sizeof *intervals);
    static uint8_t buffers[BATCH][64]; /* only the first 16 bytes of a payload are looked at */
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    if (!table || !intervals) die("memory");
    memset(messages, 0, sizeof messages);
    for (unsigned i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){buffers[i], sizeof buffers[i]};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    uint64_t received = 0, foreign = 0, duplicated = 0, reordered = 0, ancient = 0, first = 0, last = 0, silence = 0;
    unsigned flows = 0, used_intervals = 0;
    stop_on_signals();
    puts("ready");
    fflush(stdout);
    while (!stopping) {
        int got = recvmmsg(socket_, messages, BATCH, MSG_WAITFORONE, NULL);
        uint64_t at = now();
        if (got < 0) {
            if (errno != EAGAIN && errno != EINTR) die("receive");
            if (idle > 0 && received && (double)(at - last) / 1e9 > idle) break;
            continue;
        }
        if (!first) first = at;
        if (last && at - last > silence) silence = at - last;
        last = at;
        unsigned interval = (unsigned)((double)(at - first) / (interval_ms * 1e6));
        if (interval >= MAX_INTERVALS) interval = MAX_INTERVALS - 1;
        if (interval + 1 > used_intervals) used_intervals = interval + 1;
        for (int i = 0; i < got; i++) {
            struct numbered payload;
            memcpy(&payload, buffers[i], sizeof payload);
            const uint32_t f = ntohl(payload.flow);
            const uint64_t n = be64toh(payload.number);
            if (messages[i].msg_len < sizeof payload || payload.magic != htonl(MAGIC) || f >= MAX_FLOWS) {
                foreign++;
                continue;
            }
            received++;
            intervals[interval]++;
            while (f >= capacity) {
                table = realloc(table, 2 * capacity * sizeof *table);
                if (!table) die("memory");
                memset(table + capacity, 0, capacity * sizeof *table);
                capacity *= 2;
            }
            struct seen *flow = &table[f];
            if (flow->highest == 0) flows++;
            uint64_t *word = &flow->window[n / 64 % (WINDOW / 64)];
            const uint64_t bit = (uint64_t)1 << (n % 64);
            if (n >= flow->highest) {
                /* Forget the numbers that the window leaves behind: word by word. */
                const uint64_t from = flow->highest ? (flow->highest - 1) / 64 + 1 : 0, to = n / 64;
                if (to >= from + WINDOW / 64)
                    memset(flow->window, 0, sizeof flow->window);
                else
                    for (uint64_t w = from; w <= to; w++) flow->window[w % (WINDOW / 64)] = 0;
                flow->highest = n + 1;
            } else if (n / 64 + WINDOW / 64 <= (flow->highest - 1) / 64) {
                ancient++;
                reordered++;
                flow->unique++;
                continue;
            } else if (*word & bit) {
                duplicated++;
                continue;
            } else {
                reordered++;
            }
            *word |= bit;
            flow->unique++;
        }
    }
    uint64_t lost = 0, flows_with_loss = 0;
    for (unsigned f = 0; f < capacity; f++) {
        uint64_t missing = table[f].highest > table[f].unique ? table[f].highest - table[f].unique : 0;
        lost += missing;
        flows_with_loss += missing > 0;
    }
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof memory;
    if (getsockopt(socket_, SOL_SOCKET, SO_MEMINFO, memory, &length) < 0) die("SO_MEMINFO");
    printf("{\"received\":%llu,\"flows\":%u,\"lost\":%llu,\"flows_with_loss\":%llu,\"duplicated\":%llu,"
           "\"reordered\":%llu,\"ancient\":%llu,\"overrun\":%u,\"foreign\":%llu,\"seconds\":%.6f,"
           "\"silence_ms\":%.3f,\"interval_ms\":%.0f,\"intervals\":[",
           (unsigned long long)received, flows, (unsigned long long)lost, (unsigned long long)flows_with_loss,
           (unsigned long long)duplicated, (unsigned long long)reordered, (unsigned long long)ancient,
           memory[SK_MEMINFO_DROPS], (unsigned long long)foreign, (double)(last - first) / 1e9,
           (double)silence / 1e6, interval_ms);
    for (unsigned i = 0; i < used_intervals; i++) printf("%s%u", i ? "," : "", intervals[i]);
    puts("]}");
    return 0;
}
