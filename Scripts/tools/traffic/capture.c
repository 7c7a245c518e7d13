/* traffic capture: writes the packets of many flows into a capture file instead of onto a wire. */
#include "traffic.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>

enum { SIZE = 64, LINK_TYPE_RAW = 101 };

static const char capture_usage[] =
    "usage: traffic capture --to ADDRESS [--count 200000] [--port 9000]\n"
    "Writes a pcap file of 64-byte UDP packets over IPv4 to standard output, each from a pseudo-random address behind\n"
    "10.78.0.0 and a pseudo-random port; the same ones every time.\n";

/* pcap, https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html */
struct file_header {
    uint32_t magic;
    uint16_t major, minor;
    uint32_t reserved[2], snapshot_length, link_type;
};
struct record_header {
    uint32_t seconds, microseconds, captured, original;
};

static uint32_t next_random(uint32_t *state) { /* xorshift32, Marsaglia 2003 */
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static uint16_t header_checksum(const struct iphdr *header) {
    uint16_t words[sizeof *header / 2];
    uint32_t sum = 0;
    memcpy(words, header, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) sum += words[i];
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

int capture_main(int count, char **arguments) {
    unsigned packets = 200000, port = 9000;
    struct in_addr to = {0};
    static const struct option options[] = {
        {"to", 1, 0, 't'}, {"count", 1, 0, 'c'}, {"port", 1, 0, 'p'}, {"help", 0, 0, 'h'}, {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        switch (option) {
        case 't':
            if (inet_pton(AF_INET, optarg, &to) != 1) usage(capture_usage);
            break;
        case 'c': packets = (unsigned)number(optarg, "count", 1, 1e8); break;
        case 'p': port = (unsigned)number(optarg, "port", 1, 65535); break;
        default: usage(capture_usage);
        }
    }
    if (!to.s_addr || optind != count) usage(capture_usage);

    const struct file_header header = {0xa1b2c3d4, 2, 4, {0, 0}, 65535, LINK_TYPE_RAW};
    if (fwrite(&header, sizeof header, 1, stdout) != 1) die("standard output");
    uint32_t state = 1;
    for (unsigned i = 0; i < packets; i++) {
        const struct record_header record = {i / 1000000, i % 1000000, SIZE, SIZE};
        struct {
            struct iphdr ip;
            struct udphdr udp;
            uint8_t payload[SIZE - sizeof(struct iphdr) - sizeof(struct udphdr)];
        } packet = {0};
        _Static_assert(sizeof packet == SIZE, "the packet must be written as one piece");
        packet.ip.version = 4;
        packet.ip.ihl = 5;
        packet.ip.tot_len = htons(SIZE);
        packet.ip.ttl = 64;
        packet.ip.protocol = IPPROTO_UDP;
        packet.ip.saddr = htonl(0x0a4e0000u | (next_random(&state) & 0xffff));
        packet.ip.daddr = to.s_addr;
        packet.ip.check = header_checksum(&packet.ip);
        packet.udp.source = htons((uint16_t)(next_random(&state) | 1024));
        packet.udp.dest = htons((uint16_t)port);
        packet.udp.len = htons(SIZE - sizeof packet.ip); /* checksum 0: none, as IPv4 allows */
        if (fwrite(&record, sizeof record, 1, stdout) != 1 || fwrite(&packet, sizeof packet, 1, stdout) != 1)
            die("standard output");
    }
    if (fflush(stdout) != 0) die("standard output");
    return 0;
}
