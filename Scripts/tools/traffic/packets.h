/* What the subcommands that build packets by hand share: checksums, random numbers, a way out to the wire. */
#ifndef PACKETS_H
#define PACKETS_H

#include "traffic.h"

#include <linux/if_packet.h>
#include <stddef.h>

enum {
    MAX_HEADERS = 48, /* IPv6 header and fragment header */
    MAX_PIECES = 128, /* 65,515 bytes in fragments of 552 are 119 */
};

/* RFC 1071: the sum of 16-bit words, folded later. Carries gather in the upper half. */
uint64_t sum_words(const void *data, size_t length, uint64_t sum);
uint16_t fold(uint64_t sum);

/* xorshift64*, Vigna 2016: the same numbers for the same seed. The state must not be zero. */
static inline uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}
static inline uint32_t random_below(uint64_t *state, uint32_t bound) {
    return (uint32_t)((next_random(state) >> 32) * bound >> 32);
}

/* splitmix64 (Steele, Lea, Flood 2014): from neighbouring numbers to numbers that have nothing in common. */
static inline uint64_t mix(uint64_t value) {
    value += 0x9e3779b97f4a7c15ull;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
    value = (value ^ value >> 27) * 0x94d049bb133111ebull;
    return value ^ value >> 31;
}

/* Where packets go out, and the addresses they bear. IPv4 addresses stand in the first 4 bytes. */
struct way {
    const char *to, *from, *mac, *interface;
    uint8_t destination[16], source[16];
    bool six;
    uint8_t traffic_class; /* IPv4's type of service; the DSCP value is in its upper six bits */
    int socket;
    struct sockaddr_ll link;
};

/* The options of a way, without the closing zero entry, and their help text. */
#define WAY_OPTIONS {"to", 1, 0, 't'}, {"source", 1, 0, 's'}, {"interface", 1, 0, 'i'}, {"mac", 1, 0, 'm'}
extern const struct way default_way;

/* Takes one option that getopt_long returned; false if it is none of WAY_OPTIONS. */
bool way_option(struct way *way, int option, const char *argument);

/* Resolves the texts; false if they make no sense. `four` and `six` are the source networks if none was given. */
bool way_resolve(struct way *way, const char *four, const char *six);

/* Opens the packet socket. Ends the program if the system refuses. */
void way_open(struct way *way);

/* The address `offset` behind `base`; only its lowest 32 bits count. */
void address_behind(const struct way *way, const uint8_t *base, uint32_t offset, uint8_t *address);

/* Sends the messages; what the device does not take at once is tried again and added to `refused`. Returns how many
 * went out: all, unless the program is to end. */
unsigned way_send(const struct way *way, struct mmsghdr *messages, unsigned count, uint64_t *refused);

/* One fragment of an IP packet. */
struct piece {
    const uint8_t *source; /* address */
    uint32_t id;           /* IPv4 takes the lower half */
    uint32_t offset;       /* in bytes; what does not fit the field's 13 bits is cut off */
    uint32_t length;       /* bytes behind the headers */
    uint8_t protocol;
    bool more;
};

/* Writes the headers of a fragment and returns their length. With `whole`, those of a packet that is none: no
 * fragment header in IPv6, DF and no identification in IPv4. */
size_t write_headers(const struct way *way, uint8_t *headers, const struct piece *piece, bool whole);

/* Writes the UDP header with its checksum before the payload of a datagram of `length` bytes, header included. */
void write_udp(const struct way *way, uint8_t *datagram, unsigned length, const uint8_t *source, unsigned from_port,
               unsigned to_port);

/* Cuts a datagram into pieces that fit `mtu`, at least 576, in order; returns how many, at most MAX_PIECES. */
unsigned cut_datagram(const struct way *way, unsigned mtu, uint32_t id, unsigned length, const uint8_t *source,
                      struct piece *pieces);

/* Puts pieces in an order of chance. */
void shuffle_pieces(uint64_t *random, struct piece *pieces, unsigned count);

/* Sleeps until packet number `next` is due, at `rate` per second since `begin` (nanoseconds; 0: always due). Sleeps
 * no shorter than 200 µs, so that packets go out in small bursts. */
void await_turn(uint64_t begin, uint64_t next, double rate);

#endif
