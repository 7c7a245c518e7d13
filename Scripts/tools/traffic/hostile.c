/* traffic hostile: fragments that cost a balancer memory and never make a datagram. */
#include "packets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { LONGEST = 1400, MOST_OF_A_PACKET = 3, FLAG = 46 << 2 };

static const char hostile_usage[] =
    "usage: traffic hostile --to ADDRESS [--rate FRAGMENTS/S 50000] [--seconds 10] [--sources 10] [--kinds KIND,…]\n"
    "                       [--port 9000] [--seed 1] [--source 10.79.0.0 (fd79::)] [--interface eth0]\n"
    "                       [--mac 02:77:01:00:00:01]\n"
    "Sends fragments of packets that cannot be put together, each under an identification of chance. --kinds:\n"
    "  unfinished  a first, middle or last fragment whose others never come\n"
    "  tiny        a first fragment that ends before its headers do (RFC 1858), and what rewrites it (RFC 3128)\n"
    "  overlap     fragments that share bytes with others (RFC 5722)\n"
    "  death       fragments that end behind the largest packet\n"
    "  lengths     empty ones, lengths that are no multiple of 8, two different ends of one packet\n"
    "  random      any offset, length, protocol and flag\n"
    "  flags       a last fragment, and 2 ms behind it a first one with DSCP 46 that must be refused\n"
    "All of them but flags unless told otherwise. --sources 0: each packet from another address of 10.0.0.0/8 (fd00::/8), except\n"
    "10.77.0.0/16 and 10.78.0.0/16 (fd77::/16, fd78::/16).\n";

enum kind { UNFINISHED, TINY, OVERLAP, DEATH, LENGTHS, RANDOM, FLAGS, KINDS };
static const char *const kind_names[KINDS] = {"unfinished", "tiny",   "overlap", "death",
                                              "lengths",    "random", "flags"};

struct flood {
    struct way way;
    unsigned sources, ready, late, kinds, choice[KINDS];
    uint64_t random, refused, sent, by_kind[KINDS];
    uint8_t junk[LONGEST];
    uint8_t headers[BATCH][MAX_HEADERS];
    struct iovec vectors[BATCH][2];
    struct mmsghdr messages[BATCH];
    struct piece flagged[BATCH]; /* those that go out behind the others */
};

static uint32_t below(struct flood *flood, uint32_t bound) { return random_below(&flood->random, bound); }

/* Every fragment carries the same bytes: a UDP header for a port that is served, then junk. */
static void add(struct flood *flood, struct piece piece) {
    const unsigned i = flood->ready++;
    uint8_t *headers = flood->headers[i];
    flood->vectors[i][0] = (struct iovec){headers, write_headers(&flood->way, headers, &piece, false)};
    flood->vectors[i][1] = (struct iovec){flood->junk, piece.length};
}

static void choose_source(struct flood *flood, uint8_t *address) {
    const struct way *way = &flood->way;
    if (flood->sources) {
        address_behind(way, way->source, 1 + below(flood, flood->sources), address);
        return;
    }
    do {
        const uint64_t high = next_random(&flood->random), low = next_random(&flood->random);
        memcpy(address, &high, 8);
        if (way->six) memcpy(address + 8, &low, 8);
        address[0] = way->six ? 0xfd : 10;
    } while (address[1] == (way->six ? 0x77 : 77) || address[1] == (way->six ? 0x78 : 78));
}

/* One packet's fragments: at most MOST_OF_A_PACKET. */
static void add_packet(struct flood *flood, enum kind kind, uint8_t *source) {
    static const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_TCP, IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_DSTOPTS};
    choose_source(flood, source);
    struct piece piece = {.source = source, .id = (uint32_t)next_random(&flood->random), .length = 256,
                          .protocol = IPPROTO_UDP, .more = true};
    const uint32_t part = below(flood, 3);
    switch (kind) {
    case UNFINISHED:
        piece.offset = part == 0 ? 0 : 8 * (1 + below(flood, 8000));
        piece.more = part != 2;
        add(flood, piece);
        break;
    case TINY:
        /* IPv6: a chain of headers that goes on behind the fragment (RFC 7112). */
        piece.protocol = flood->way.six ? IPPROTO_DSTOPTS : IPPROTO_TCP;
        piece.length = 8;
        add(flood, piece);
        piece.offset = 8;
        piece.length = 64;
        piece.more = false;
        add(flood, piece);
        break;
    case OVERLAP:
        add(flood, piece);
        piece.offset = 8 * (1 + below(flood, 31));
        add(flood, piece);
        piece.offset = 512;
        piece.more = false;
        add(flood, piece);
        break;
    case DEATH:
        if (part) add(flood, piece);
        piece.offset = 65528 - 8 * below(flood, 16);
        piece.length = LONGEST;
        piece.more = part == 1;
        add(flood, piece);
        break;
    case LENGTHS:
        piece.length = part == 0 ? 0 : part == 1 ? 249 : 256;
        add(flood, piece);
        if (part < 2) break;
        piece.offset = 1024;
        piece.more = false;
        add(flood, piece);
        piece.offset = 2048;
        add(flood, piece);
        break;
    case FLAGS:
        piece.offset = 64;
        piece.more = false;
        add(flood, piece);
        /* Half of a UDP header, or, where the flag's rule takes every protocol, less than TCP's. */
        piece.offset = 0;
        piece.more = true;
        piece.protocol = flood->way.six && part ? IPPROTO_TCP : IPPROTO_UDP;
        piece.length = piece.protocol == IPPROTO_TCP ? 8 : 4;
        flood->flagged[flood->late++] = piece;
        break;
    default:
        piece.offset = 8 * below(flood, 8192);
        piece.length = below(flood, LONGEST + 1);
        piece.protocol = protocols[below(flood, sizeof protocols)];
        piece.more = part != 0;
        add(flood, piece);
    }
}

static void flush(struct flood *flood) {
    flood->sent += way_send(&flood->way, flood->messages, flood->ready, &flood->refused);
    flood->ready = 0;
}

/* Fills the messages with whole packets and sends them. */
static void send_batch(struct flood *flood) {
    uint8_t sources[BATCH][16];
    for (unsigned packet = 0; flood->ready + MOST_OF_A_PACKET <= BATCH; packet++) {
        const enum kind kind = flood->choice[below(flood, flood->kinds)];
        const unsigned before = flood->ready;
        add_packet(flood, kind, sources[packet]);
        flood->by_kind[kind] += flood->ready - before;
    }
    flush(flood);
    if (flood->late == 0) return;
    nanosleep(&(struct timespec){0, 2000000}, NULL);
    flood->by_kind[FLAGS] += flood->late;
    flood->way.traffic_class = FLAG;
    for (unsigned i = 0; i < flood->late; i++) add(flood, flood->flagged[i]);
    flood->late = 0;
    flush(flood);
    flood->way.traffic_class = 0;
}

static void choose_kinds(struct flood *flood, char *names) {
    flood->kinds = 0;
    for (char *rest = names, *name; (name = strsep(&rest, ","));) {
        unsigned kind = 0;
        while (kind < KINDS && strcmp(name, kind_names[kind]) != 0) kind++;
        if (kind == KINDS || flood->kinds == KINDS) usage(hostile_usage);
        flood->choice[flood->kinds++] = kind;
    }
}

int hostile_main(int count, char **arguments) {
    static struct flood flood = {.sources = 10, .kinds = FLAGS, .choice = {0, 1, 2, 3, 4, 5}};
    unsigned port = 9000;
    double rate = 50000, seconds = 10, seed = 1;
    flood.way = default_way;
    static const struct option known[] = {
        WAY_OPTIONS,         {"rate", 1, 0, 'r'}, {"seconds", 1, 0, 'd'}, {"sources", 1, 0, 'S'}, {"kinds", 1, 0, 'k'},
        {"port", 1, 0, 'p'}, {"seed", 1, 0, 'e'}, {"help", 0, 0, 'h'},    {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "", known, NULL)) != -1;) {
        switch (option) {
        case 'r': rate = number(optarg, "rate", 1, 1e7); break;
        case 'd': seconds = number(optarg, "seconds", 0, 1e6); break;
        case 'S': flood.sources = (unsigned)number(optarg, "sources", 0, 1e6); break;
        case 'k': choose_kinds(&flood, optarg); break;
        case 'p': port = (unsigned)number(optarg, "port", 1, 65535); break;
        case 'e': seed = number(optarg, "seed", 0, 1e15); break;
        default:
            if (!way_option(&flood.way, option, optarg)) usage(hostile_usage);
        }
    }
    if (optind != count || !way_resolve(&flood.way, "10.79.0.0", "fd79::")) usage(hostile_usage);
    flood.random = mix((uint64_t)seed) | 1;
    for (size_t i = 0; i < sizeof flood.junk; i++) flood.junk[i] = (uint8_t)mix(i);
    const struct udphdr udp = {.source = htons(10000), .dest = htons((uint16_t)port), .len = htons(60000)};
    memcpy(flood.junk, &udp, sizeof udp);
    for (unsigned i = 0; i < BATCH; i++)
        flood.messages[i].msg_hdr = (struct msghdr){.msg_name = &flood.way.link, .msg_namelen = sizeof flood.way.link,
                                                    .msg_iov = flood.vectors[i], .msg_iovlen = 2};
    way_open(&flood.way);
    stop_on_signals();
    const uint64_t begin = now(), end = begin + (uint64_t)(seconds * 1e9);
    while (!stopping && now() < end) {
        await_turn(begin, flood.sent, rate);
        send_batch(&flood);
    }
    const double elapsed = (double)(now() - begin) / 1e9;
    printf("{\"sent\":%llu,\"seconds\":%.6f,\"per_second\":%.0f,\"refused\":%llu", (unsigned long long)flood.sent,
           elapsed, (double)flood.sent / elapsed, (unsigned long long)flood.refused);
    for (unsigned kind = 0; kind < KINDS; kind++)
        printf(",\"%s\":%llu", kind_names[kind], (unsigned long long)flood.by_kind[kind]);
    puts("}");
    return 0;
}
