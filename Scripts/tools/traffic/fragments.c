/*
 * traffic fragments: UDP datagrams in fragments, in every order the network may bring them.
 *
 * The fragments are cut here and not by the kernel, so that their order, their copies and their identifications are
 * ours to choose. `traffic datagrams` receives what the other kernel makes of them.
 */
#include "datagrams.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    MAX_MESSAGES = 4 * MAX_PIECES,      /* two datagrams, each piece twice */
    FIRST_SOURCE_PORT = 10000,
    REUSE_SECONDS = 30,                 /* receivers keep half a datagram so long (RFC 791, RFC 8200) */
};

static const char fragments_usage[] =
    "usage: traffic fragments --to ADDRESS [--datagrams 1000] [--size 8000] [--mtu 1500] [--order in-order]\n"
    "                         [--whole 10] [--rate DATAGRAMS/S, 0 = flat out] [--flows 64] [--addresses 8]\n"
    "                         [--first-flow 0] [--seed 1] [--port 9000] [--source 10.78.0.0 (fd78::)]\n"
    "                         [--interface eth0] [--mac 02:77:01:00:00:01]\n"
    "Sends UDP datagrams of --size bytes of payload in fragments that fit --mtu. --order is one of\n"
    "  in-order     as a sender's kernel does\n"
    "  reversed     the last one first\n"
    "  shuffled     any order\n"
    "  duplicated   each fragment but one twice, in any order\n"
    "  first-last   in order, but the first comes last\n"
    "  interleaved  two datagrams of one source at a time, their fragments in turns\n"
    "  random       a different one of these for each datagram\n"
    "The datagrams of a flow whose number is a multiple of --whole are small and go out in one piece (0: none), to\n"
    "compare where they go. Flow f comes from address 1 + f mod ADDRESSES behind --source, from port 10000 + f /\n"
    "ADDRESSES; flows take turns, and are named from --first-flow on. The same --seed makes the same packets.\n";

enum order { IN_ORDER, REVERSED, SHUFFLED, DUPLICATED, FIRST_LAST, INTERLEAVED, RANDOM, ORDERS };
static const char *const order_names[ORDERS] = {"in-order",   "reversed",    "shuffled", "duplicated",
                                                "first-last", "interleaved", "random"};

struct options {
    struct way way;
    unsigned datagrams, size, mtu, whole, flows, addresses, first_flow, port;
    double rate;
    uint64_t seed;
    enum order order;
};

struct sender {
    struct options options;
    uint64_t random, sent, fragments, whole, refused;
    uint64_t *numbers; /* next number by flow */
    uint32_t *ids;     /* next identification by address */
    unsigned turn, ready;
    uint8_t datagrams[2][sizeof(struct udphdr) + MAX_DATAGRAM];
    uint8_t headers[MAX_MESSAGES][MAX_HEADERS];
    struct iovec vectors[MAX_MESSAGES][2];
    struct mmsghdr messages[MAX_MESSAGES];
};

/* Puts one more message at the end of those that are ready. */
static void add(struct sender *sender, const struct piece *piece, const uint8_t *data, bool whole) {
    const unsigned i = sender->ready++;
    sender->vectors[i][0] = (struct iovec){
        sender->headers[i], write_headers(&sender->options.way, sender->headers[i], piece, whole)};
    sender->vectors[i][1] = (struct iovec){(void *)(uintptr_t)(data + piece->offset), piece->length};
    sender->messages[i].msg_hdr = (struct msghdr){.msg_name = &sender->options.way.link,
                                                  .msg_namelen = sizeof sender->options.way.link,
                                                  .msg_iov = sender->vectors[i], .msg_iovlen = 2};
}

static void flush(struct sender *sender) {
    way_send(&sender->options.way, sender->messages, sender->ready, &sender->refused);
    sender->ready = 0;
}

/* Writes the next datagram of a flow into a buffer and says how long it is, UDP header included. */
static unsigned write_next(struct sender *sender, unsigned flow, uint8_t *datagram, uint8_t *source, bool *whole) {
    const struct options *options = &sender->options;
    const struct way *way = &options->way;
    const uint64_t n = sender->numbers[flow]++;
    *whole = options->whole && n % options->whole == 0;
    const unsigned size = *whole ? WHOLE_SIZE : options->size, length = sizeof(struct udphdr) + size;
    address_behind(way, way->source, 1 + flow % options->addresses, source);
    write_datagram(datagram + sizeof(struct udphdr), size, options->first_flow + flow, n);
    write_udp(way, datagram, length, source, FIRST_SOURCE_PORT + flow / options->addresses, options->port);
    sender->sent++;
    if (*whole) sender->whole++;
    return length;
}

/* Cuts a datagram into pieces, in order. */
static unsigned cut(struct sender *sender, unsigned flow, unsigned length, const uint8_t *source,
                    struct piece *pieces) {
    const uint32_t id = sender->ids[flow % sender->options.addresses]++;
    return cut_datagram(&sender->options.way, sender->options.mtu, id, length, source, pieces);
}

/* Each piece but one of chance twice, in any order. Two of all would be the same datagram twice where the network
 * changes their order once more, and rightly so. */
static unsigned duplicate(struct sender *sender, struct piece *pieces, unsigned count) {
    const unsigned single = random_below(&sender->random, count);
    unsigned all = count;
    for (unsigned i = 0; i < count; i++)
        if (i != single) pieces[all++] = pieces[i];
    shuffle_pieces(&sender->random, pieces, all);
    return all;
}

static unsigned arrange(struct sender *sender, enum order order, struct piece *pieces, unsigned count) {
    const struct piece first = pieces[0];
    switch (order) {
    case REVERSED:
        for (unsigned i = 0; i < count / 2; i++) {
            const struct piece kept = pieces[i];
            pieces[i] = pieces[count - 1 - i];
            pieces[count - 1 - i] = kept;
        }
        return count;
    case SHUFFLED: shuffle_pieces(&sender->random, pieces, count); return count;
    case DUPLICATED: return duplicate(sender, pieces, count);
    case FIRST_LAST:
        memmove(pieces, pieces + 1, (count - 1) * sizeof *pieces);
        pieces[count - 1] = first;
        return count;
    default: return count;
    }
}

/* The next datagram of a flow, arranged; returns how many pieces go out, 0 if it went out whole. */
static unsigned prepare(struct sender *sender, unsigned flow, enum order order, unsigned buffer, uint8_t *source,
                        struct piece *pieces) {
    bool whole;
    uint8_t *datagram = sender->datagrams[buffer];
    const unsigned length = write_next(sender, flow, datagram, source, &whole);
    if (whole) {
        const struct piece all = {.source = source, .length = length, .protocol = IPPROTO_UDP};
        add(sender, &all, datagram, true);
        return 0;
    }
    return arrange(sender, order, pieces, cut(sender, flow, length, source, pieces));
}

/* Sends the next datagram, or the next two if they go interleaved. */
static void send_next(struct sender *sender) {
    const struct options *options = &sender->options;
    struct piece pieces[2][2 * MAX_PIECES];
    uint8_t sources[2][16];
    unsigned counts[2] = {0, 0};
    const unsigned flow = sender->turn;
    const enum order order = options->order == RANDOM ? random_below(&sender->random, RANDOM) : options->order;
    sender->turn = (flow + 1) % options->flows;
    counts[0] = prepare(sender, flow, order, 0, sources[0], pieces[0]);
    if (order == INTERLEAVED && sender->sent < options->datagrams) {
        /* Another flow of the same source, if there is one: it may well belong to another backend. */
        unsigned other = (flow + options->addresses) % options->flows;
        if (other % options->addresses != flow % options->addresses) other = flow;
        counts[1] = prepare(sender, other, order, 1, sources[1], pieces[1]);
    }
    for (unsigned i = 0; i < counts[0] || i < counts[1]; i++)
        for (unsigned d = 0; d < 2; d++)
            if (i < counts[d]) add(sender, &pieces[d][i], sender->datagrams[d], false);
    sender->fragments += counts[0] + counts[1];
    flush(sender);
}

static enum order order_named(const char *name) {
    for (enum order order = 0; order < ORDERS; order++)
        if (strcmp(name, order_names[order]) == 0) return order;
    usage(fragments_usage);
}

int fragments_main(int count, char **arguments) {
    struct options options = {.way = default_way, .datagrams = 1000, .size = 8000, .mtu = 1500, .whole = 10,
                              .flows = 64, .addresses = 8, .port = 9000, .seed = 1};
    static const struct option known[] = {
        WAY_OPTIONS,           {"datagrams", 1, 0, 'd'}, {"size", 1, 0, 'z'},       {"mtu", 1, 0, 'u'},
        {"order", 1, 0, 'o'},  {"whole", 1, 0, 'w'},     {"rate", 1, 0, 'r'},       {"flows", 1, 0, 'f'},
        {"port", 1, 0, 'p'},   {"addresses", 1, 0, 'a'}, {"first-flow", 1, 0, 'F'}, {"seed", 1, 0, 'e'},
        {"help", 0, 0, 'h'},   {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "", known, NULL)) != -1;) {
        switch (option) {
        case 'd': options.datagrams = (unsigned)number(optarg, "datagrams", 1, 1e9); break;
        case 'z': options.size = (unsigned)number(optarg, "size", WHOLE_SIZE + 1, MAX_DATAGRAM); break;
        case 'u': options.mtu = (unsigned)number(optarg, "mtu", 576, 65535); break;
        case 'o': options.order = order_named(optarg); break;
        case 'w': options.whole = (unsigned)number(optarg, "whole", 0, 1e9); break;
        case 'r': options.rate = number(optarg, "rate", 0, 1e6); break;
        case 'f': options.flows = (unsigned)number(optarg, "flows", 1, MAX_FLOWS); break;
        case 'a': options.addresses = (unsigned)number(optarg, "addresses", 1, MAX_FLOWS); break;
        case 'F': options.first_flow = (unsigned)number(optarg, "first-flow", 0, MAX_FLOWS - 1); break;
        case 'p': options.port = (unsigned)number(optarg, "port", 1, 65535); break;
        case 'e': options.seed = (uint64_t)number(optarg, "seed", 0, 1e15); break;
        default:
            if (!way_option(&options.way, option, optarg)) usage(fragments_usage);
        }
    }
    if (optind != count || !way_resolve(&options.way, "10.78.0.0", "fd78::") ||
        options.first_flow + options.flows > MAX_FLOWS ||
        (options.flows - 1) / options.addresses + FIRST_SOURCE_PORT > 65535)
        usage(fragments_usage);
    const unsigned sources = options.addresses < options.flows ? options.addresses : options.flows;
    if (!options.way.six && options.datagrams / sources > 65535 &&
        (options.rate == 0 || options.rate / sources * REUSE_SECONDS > 65535)) {
        fprintf(stderr, "traffic: %u addresses would use an identification again within %u s: take more --addresses "
                        "or a lower --rate\n", sources, REUSE_SECONDS);
        return 2;
    }
    static struct sender sender;
    sender.options = options;
    sender.random = mix(options.seed) | 1;
    sender.numbers = calloc(options.flows, sizeof *sender.numbers);
    sender.ids = calloc(options.addresses, sizeof *sender.ids);
    if (!sender.numbers || !sender.ids) die("memory");
    for (unsigned i = 0; i < options.addresses; i++) sender.ids[i] = (uint32_t)next_random(&sender.random);
    way_open(&sender.options.way);
    stop_on_signals();
    const uint64_t begin = now();
    while (!stopping && sender.sent < options.datagrams) {
        await_turn(begin, sender.sent, options.rate);
        send_next(&sender);
    }
    const double elapsed = (double)(now() - begin) / 1e9;
    printf("{\"sent\":%llu,\"whole\":%llu,\"fragments\":%llu,\"flows\":%u,\"size\":%u,\"seconds\":%.6f,"
           "\"per_second\":%.0f,\"refused\":%llu}\n",
           (unsigned long long)sender.sent, (unsigned long long)sender.whole, (unsigned long long)sender.fragments,
           options.flows, options.size, elapsed, (double)sender.sent / elapsed, (unsigned long long)sender.refused);
    return 0;
}
