/* The content of the datagrams that `traffic fragments` sends and `traffic datagrams` checks. */
#ifndef DATAGRAMS_H
#define DATAGRAMS_H

#include "packets.h"

#include <arpa/inet.h>
#include <string.h>

enum {
    WHOLE_SIZE = 64,        /* payload of a datagram that is sent in one piece */
    MAX_DATAGRAM = 65507,   /* largest UDP payload over IPv4 (RFC 768, RFC 791) */
};

/* Fills a payload: magic, flow and number, then bytes of which each depends on flow, number, place
 * and the payload's size. */
static inline void write_datagram(uint8_t *payload, size_t size, uint32_t flow, uint64_t number_) {
    const struct numbered head = {.magic = htonl(MAGIC), .flow = htonl(flow), .number = htobe64(number_)};
    memcpy(payload, &head, sizeof head);
    const uint64_t seed = mix(((uint64_t)flow << 40 ^ number_) + mix(size));
    for (size_t at = sizeof head; at < size; at += 8) {
        const uint64_t word = mix(seed + at);
        memcpy(payload + at, &word, size - at < 8 ? size - at : 8);
    }
}

#endif
