/* traffic datagrams: receives whole datagrams, and checks every byte and that each came once. */
#include "datagrams.h"

#include <errno.h>
#include <getopt.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char datagrams_usage[] =
    "usage: traffic datagrams [--port 9000] [--expect DATAGRAMS] [--quiet SECONDS] [--processor N]\n"
    "Receives what `traffic fragments` sends, put together by this machine's kernel. Ends by a signal, after --expect\n"
    "distinct datagrams, or when nothing came for --quiet seconds after the first.\n"
    "  received    datagrams, copies included\n"
    "  distinct    different ones: flow and number\n"
    "  corrupt     the pattern or the length is not what was sent (among received)\n"
    "  foreign     something else: not counted as received\n"
    "  overrun     arrived here, but this program was too slow\n"
    "  flows       by flow: distinct datagrams that were sent whole, and in fragments\n";

struct seen {
    uint64_t *numbers; /* a bit for each that came */
    uint64_t words, whole, fragmented;
};

/* Whether this number of the flow is new. */
static bool enter(struct seen *flow, uint64_t number_) {
    const uint64_t word = number_ / 64, bit = (uint64_t)1 << (number_ % 64);
    if (word >= flow->words) {
        const uint64_t words = 2 * word + 16;
        flow->numbers = realloc(flow->numbers, words * sizeof *flow->numbers);
        if (!flow->numbers) die("memory");
        memset(flow->numbers + flow->words, 0, (words - flow->words) * sizeof *flow->numbers);
        flow->words = words;
    }
    const bool new = !(flow->numbers[word] & bit);
    flow->numbers[word] |= bit;
    return new;
}

int datagrams_main(int count, char **arguments) {
    unsigned port = 9000;
    double expected = 0, quiet = 0;
    int processor = -1;
    static const struct option options[] = {
        {"port", 1, 0, 'p'}, {"expect", 1, 0, 'e'}, {"quiet", 1, 0, 'q'}, {"processor", 1, 0, 'u'},
        {"help", 0, 0, 'h'}, {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        switch (option) {
        case 'p': port = (unsigned)number(optarg, "port", 1, 65535); break;
        case 'e': expected = number(optarg, "expect", 1, 1e15); break;
        case 'q': quiet = number(optarg, "quiet", 0, 1e6); break;
        case 'u': processor = (int)number(optarg, "processor", 0, 1023); break;
        default: usage(datagrams_usage);
        }
    }
    if (optind != count) usage(datagrams_usage);
    run_on(processor);
    const int socket_ = udp_socket(), bytes = 256 << 20;
    if (setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0) die("receive buffer");
    const struct sockaddr_in6 address = endpoint("::", port);
    if (bind(socket_, (const struct sockaddr *)&address, sizeof address) < 0) die("bind");
    const struct timeval tick = {.tv_usec = 50000};
    if (setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick) < 0) die("timeout");

    struct seen *table = calloc(MAX_FLOWS, sizeof *table);
    static uint8_t data[65536], wanted[65536];
    if (!table) die("memory");
    uint64_t received = 0, distinct = 0, corrupt = 0, duplicated = 0, foreign = 0, first = 0, last = 0;
    stop_on_signals();
    puts("ready");
    fflush(stdout);
    while (!stopping && (expected == 0 || (double)distinct < expected)) {
        const ssize_t got = recv(socket_, data, sizeof data, 0);
        const uint64_t at = now();
        if (got < 0) {
            if (errno != EAGAIN && errno != EINTR) die("receive");
            if (quiet > 0 && received && (double)(at - last) / 1e9 > quiet) break;
            continue;
        }
        struct numbered head;
        if (got < WHOLE_SIZE || got > MAX_DATAGRAM) {
            foreign++;
            continue;
        }
        memcpy(&head, data, sizeof head);
        const uint32_t f = ntohl(head.flow);
        const uint64_t n = be64toh(head.number);
        if (head.magic != htonl(MAGIC) || f >= MAX_FLOWS || n >= 1u << 30) {
            foreign++;
            continue;
        }
        if (!first) first = at;
        last = at;
        received++;
        write_datagram(wanted, (size_t)got, f, n);
        if (memcmp(data, wanted, (size_t)got) != 0) {
            corrupt++;
        } else if (!enter(&table[f], n)) {
            duplicated++;
        } else {
            distinct++;
            if (got == WHOLE_SIZE) table[f].whole++; else table[f].fragmented++;
        }
    }
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof memory;
    if (getsockopt(socket_, SOL_SOCKET, SO_MEMINFO, memory, &length) < 0) die("SO_MEMINFO");
    printf("{\"received\":%llu,\"distinct\":%llu,\"corrupt\":%llu,\"duplicated\":%llu,\"foreign\":%llu,"
           "\"overrun\":%u,\"seconds\":%.6f,\"flows\":{",
           (unsigned long long)received, (unsigned long long)distinct, (unsigned long long)corrupt,
           (unsigned long long)duplicated, (unsigned long long)foreign, memory[SK_MEMINFO_DROPS],
           (double)(last - first) / 1e9);
    const char *separator = "";
    for (unsigned f = 0; f < MAX_FLOWS; f++) {
        if (table[f].whole + table[f].fragmented == 0) continue;
        printf("%s\"%u\":{\"whole\":%llu,\"fragmented\":%llu}", separator, f, (unsigned long long)table[f].whole,
               (unsigned long long)table[f].fragmented);
        separator = ",";
    }
    puts("}}");
    return 0;
}
