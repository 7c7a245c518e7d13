/*
 * Numbered UDP packets of many flows through a packet socket.
 *
 * Packets are made ready beforehand; per packet only the flow's address and port, the number and the checksums
 * change. Neither routing nor the UDP layer of the sending side costs anything, so that a measurement on a small
 * machine measures what forwards, not what sends.
 */
#ifndef GENERATOR_H
#define GENERATOR_H

#include "traffic.h"

#include <linux/if_packet.h>
#include <pthread.h>
#include <sys/socket.h>

enum {
    MAX_PACKET = 9000, /* largest IP packet */
    LEAST_MTU = 1280,  /* RFC 8200 §5; keeps the parts of the largest packet far below a burst */
    FIRST_PORT = 10000,
};

/* What to send. Options of the command line fill it; see plan_option. With an mtu, larger packets go out as fragments
 * in order, and every count of packets is one of fragments; only generator_burst's callers that send many know it. */
struct plan {
    const char *to, *from, *mac, *interface, *sink, *sink_interface;
    uint8_t destination[16], source[16], hardware[6];
    unsigned port, addresses, flows, size, threads, pause_us, window, mtu;
    int processor;
    bool six, urgent;
};

struct flow {
    uint64_t next;       /* number of the next packet */
    uint32_t sum;        /* everything under the UDP checksum except the number */
    uint32_t id;         /* network order */
    uint16_t port;       /* network order */
    uint16_t header_sum; /* IPv4 header checksum, network order */
    uint8_t source[16];
};

/* One generator: the flows index, index + threads, index + 2·threads, … of a plan. Used by one thread. */
struct generator {
    struct plan plan;
    unsigned index, flows, turn, parts; /* parts: fragments that a packet is sent in */
    uint32_t identification;            /* of the next packet that is sent in fragments */
    int socket, counter;
    struct sockaddr_ll link;
    struct flow *table;
    uint8_t (*packets)[MAX_PACKET];
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    size_t header, source_at, transport_at;
    uint64_t sent, refused, arrived, given_up, progress;
};

/* The options of every subcommand that sends, without the closing zero entry, and their help text. */
#define PLAN_OPTIONS                                                                                          \
    {"port", 1, 0, 'p'}, {"source", 1, 0, 's'}, {"addresses", 1, 0, 'a'}, {"flows", 1, 0, 'f'},               \
        {"size", 1, 0, 'z'}, {"interface", 1, 0, 'i'}, {"mac", 1, 0, 'm'}, {"processor", 1, 0, 'P'},          \
        {"urgent", 0, 0, 'u'}, {"pause", 1, 0, 'w'}, {"window", 1, 0, 'W'}, {"sink", 1, 0, 'S'},              \
        {"sink-interface", 1, 0, 'I'}
#define PLAN_USAGE                                                                                               \
    "  --port 9000 --source 10.78.0.0 (fd78::) --addresses 256 --flows 4096 --size 64\n"                         \
    "      Packets of --size bytes, IP header included. Flow f comes from address 1 + f mod ADDRESSES behind\n"  \
    "      --source, from port 10000 + f / ADDRESSES; flows take turns.\n"                                       \
    "  --interface eth0 --mac 02:77:01:00:00:01\n"                                                               \
    "      Where packets go out, and the hardware address of the next hop.\n"                                    \
    "  --processor N --urgent\n"                                                                                 \
    "      Stay on processor N (thread i: N + i). Run before all ordinary programs (SCHED_FIFO), as a network\n" \
    "      card's interrupts do: packets come whether or not there is time for them. Needs a rate or a window.\n" \
    "  --window PACKETS --sink NAMESPACE --sink-interface eth0 --pause 500\n"                                    \
    "      At most so many packets on their way; --pause microseconds between looks when it is full. Arrivals\n" \
    "      are counted at the sink's interface without taking packets out. What forwards is then always busy\n"  \
    "      and never flooded.\n"

extern const struct plan default_plan;

/* Takes one option that getopt_long returned; false if it is none of PLAN_OPTIONS. */
bool plan_option(struct plan *plan, int option, const char *argument);

/* Resolves the texts of a plan; false if they do not fit together. */
bool plan_resolve(struct plan *plan);

/* Makes sockets, flows and packets. Ends the program if the system refuses. */
void generator_open(struct generator *generator, const struct plan *plan, unsigned index);

/* Scheduling of the thread that is going to send. */
void generator_enter(const struct generator *generator);

/* Sends up to BATCH packets now, whole datagrams only; returns when the device took them. */
void generator_burst(struct generator *generator, unsigned packets);

/* With a window: how many packets may go out now. Packets without news for 500 ms are given up. */
uint64_t generator_allowance(struct generator *generator, uint64_t at);

/* With a window: waits until all has arrived, at most 500 ms without news. */
void generator_drain(struct generator *generator);

#endif
