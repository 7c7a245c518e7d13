#include "packets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

uint64_t sum_words(const void *data, size_t length, uint64_t sum) {
    const uint8_t *bytes = data;
    for (; length >= 2; bytes += 2, length -= 2) sum += (uint32_t)bytes[0] << 8 | bytes[1];
    return length ? sum + ((uint32_t)bytes[0] << 8) : sum;
}

uint16_t fold(uint64_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

const struct way default_way = {.interface = "eth0", .mac = "02:77:01:00:00:01"};

bool way_option(struct way *way, int option, const char *argument) {
    switch (option) {
    case 't': way->to = argument; break;
    case 's': way->from = argument; break;
    case 'i': way->interface = argument; break;
    case 'm': way->mac = argument; break;
    default: return false;
    }
    return true;
}

bool way_resolve(struct way *way, const char *four, const char *six) {
    if (!way->to) return false;
    way->six = strchr(way->to, ':') != NULL;
    const int family = way->six ? AF_INET6 : AF_INET;
    uint8_t *h = way->link.sll_addr;
    return inet_pton(family, way->to, way->destination) == 1 &&
           inet_pton(family, way->from ? way->from : way->six ? six : four, way->source) == 1 &&
           sscanf(way->mac, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", h, h + 1, h + 2, h + 3, h + 4, h + 5) == 6;
}

void way_open(struct way *way) {
    way->link.sll_family = AF_PACKET;
    way->link.sll_protocol = htons(way->six ? ETH_P_IPV6 : ETH_P_IP);
    way->link.sll_ifindex = (int)if_nametoindex(way->interface);
    way->link.sll_halen = 6;
    if (way->link.sll_ifindex == 0) die(way->interface);
    /* Protocol 0: the socket receives nothing. SOCK_DGRAM: the kernel writes the Ethernet header. */
    way->socket = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int on = 1, bytes = 4 << 20;
    if (way->socket < 0) die("packet socket");
    if (setsockopt(way->socket, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) < 0) die("PACKET_QDISC_BYPASS");
    if (setsockopt(way->socket, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0) die("send buffer");
}

void address_behind(const struct way *way, const uint8_t *base, uint32_t offset, uint8_t *address) {
    const size_t low_at = way->six ? 12 : 0;
    uint32_t low;
    memcpy(address, base, way->six ? 16 : 4);
    memcpy(&low, address + low_at, sizeof low);
    low = htonl(ntohl(low) + offset);
    memcpy(address + low_at, &low, sizeof low);
}

unsigned way_send(const struct way *way, struct mmsghdr *messages, unsigned count, uint64_t *refused) {
    unsigned done = 0;
    while (done < count) {
        const int got = sendmmsg(way->socket, messages + done, count - done, 0);
        if (got > 0) {
            done += (unsigned)got;
        } else if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) {
            ++*refused;
            if (stopping) break;
        } else {
            die("send");
        }
    }
    return done;
}

size_t write_headers(const struct way *way, uint8_t *headers, const struct piece *piece, bool whole) {
    if (!way->six) {
        struct iphdr ip = {.version = 4, .ihl = 5, .tos = way->traffic_class, .ttl = 64, .protocol = piece->protocol};
        ip.tot_len = htons((uint16_t)(sizeof ip + piece->length));
        if (whole) {
            ip.frag_off = htons(IP_DF);
        } else {
            ip.id = htons((uint16_t)piece->id);
            ip.frag_off = htons((uint16_t)((piece->offset / 8 & IP_OFFMASK) | (piece->more ? IP_MF : 0)));
        }
        memcpy(&ip.saddr, piece->source, sizeof ip.saddr);
        memcpy(&ip.daddr, way->destination, sizeof ip.daddr);
        ip.check = htons(fold(sum_words(&ip, sizeof ip, 0)));
        memcpy(headers, &ip, sizeof ip);
        return sizeof ip;
    }
    struct ip6_hdr ip = {0};
    const size_t fragment_header = whole ? 0 : sizeof(struct ip6_frag);
    ip.ip6_flow = htonl(6u << 28 | (uint32_t)way->traffic_class << 20);
    ip.ip6_plen = htons((uint16_t)(fragment_header + piece->length));
    ip.ip6_nxt = whole ? piece->protocol : IPPROTO_FRAGMENT;
    ip.ip6_hlim = 64;
    memcpy(&ip.ip6_src, piece->source, sizeof ip.ip6_src);
    memcpy(&ip.ip6_dst, way->destination, sizeof ip.ip6_dst);
    memcpy(headers, &ip, sizeof ip);
    if (!whole) {
        const struct ip6_frag fragment = {
            .ip6f_nxt = piece->protocol,
            .ip6f_offlg = htons((uint16_t)((piece->offset & 0xfff8) | (piece->more ? 1 : 0))),
            .ip6f_ident = htonl(piece->id),
        };
        memcpy(headers + sizeof ip, &fragment, sizeof fragment);
    }
    return sizeof ip + fragment_header;
}

void write_udp(const struct way *way, uint8_t *datagram, unsigned length, const uint8_t *source, unsigned from_port,
               unsigned to_port) {
    const size_t address_size = way->six ? 16 : 4;
    struct udphdr udp = {.source = htons((uint16_t)from_port), .dest = htons((uint16_t)to_port),
                         .len = htons((uint16_t)length)};
    memcpy(datagram, &udp, sizeof udp);
    const uint64_t sum = sum_words(source, address_size, sum_words(way->destination, address_size, 0));
    const uint16_t check = fold(sum_words(datagram, length, sum + IPPROTO_UDP + length));
    udp.check = check ? htons(check) : 0xffff; /* RFC 768: a sum of zero is sent as all ones */
    memcpy(datagram, &udp, sizeof udp);
}

unsigned cut_datagram(const struct way *way, unsigned mtu, uint32_t id, unsigned length, const uint8_t *source,
                      struct piece *pieces) {
    const unsigned headers = way->six ? MAX_HEADERS : sizeof(struct iphdr), room = (mtu - headers) & ~7u;
    unsigned count = 0;
    for (unsigned at = 0; at < length; at += room) {
        const unsigned rest = length - at;
        pieces[count++] = (struct piece){.source = source, .id = id, .offset = at, .length = rest > room ? room : rest,
                                         .protocol = IPPROTO_UDP, .more = rest > room};
    }
    return count;
}

void shuffle_pieces(uint64_t *random, struct piece *pieces, unsigned count) {
    for (unsigned i = count - 1; i > 0; i--) {
        const unsigned other = random_below(random, i + 1);
        const struct piece kept = pieces[i];
        pieces[i] = pieces[other];
        pieces[other] = kept;
    }
}

void await_turn(uint64_t begin, uint64_t next, double rate) {
    if (rate <= 0) return;
    const uint64_t due = begin + (uint64_t)((double)next * 1e9 / rate);
    for (uint64_t at = now(); at < due && !stopping; at = now()) {
        const uint64_t left = due - at, pause = left < 200000 ? 200000 : left;
        nanosleep(&(struct timespec){(time_t)(pause / 1000000000u), (long)(pause % 1000000000u)}, NULL);
    }
}
