/*
 * traffic reorder: lets some packets of a queue go later than those behind them.
 *
 * The firewall brings packets to the queue. Most are accepted as they come; one in --every is held until --behind others
 * have passed it, or --hold milliseconds are over. Nothing is lost, and nothing is changed.
 */
#include "packets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { MAX_HELD = 4096, SLOT = 1024 /* a message with 64 bytes of its packet */ };

static const char reorder_usage[] =
    "usage: traffic reorder [--queue 40] [--every 20] [--behind 3] [--hold 5] [--seed 1]\n"
    "Prints how many packets there were, and how many of them were passed by others.\n";

static struct {
    uint32_t id;
    unsigned behind;
    uint64_t until;
} held[MAX_HELD];
static unsigned first, last; /* places in held, counted on and on */

static void request(int socket_, unsigned type, uint16_t queue, uint16_t attribute, const void *value, size_t length) {
    struct {
        struct nlmsghdr header;
        struct nfgenmsg general;
        struct nlattr attribute;
        uint8_t value[16];
    } message = {
        .header = {.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(struct nfgenmsg)) + NLA_HDRLEN + NLA_ALIGN(length)),
                   .nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type), .nlmsg_flags = NLM_F_REQUEST},
        .general = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(queue)},
        .attribute = {.nla_len = (uint16_t)(NLA_HDRLEN + length), .nla_type = attribute},
    };
    memcpy(message.value, value, length);
    if (send(socket_, &message, message.header.nlmsg_len, 0) < 0) die("netlink");
}

static void accept_packet(int socket_, uint16_t queue, uint32_t id) {
    const struct nfqnl_msg_verdict_hdr verdict = {.verdict = htonl(NF_ACCEPT), .id = id};
    request(socket_, NFQNL_MSG_VERDICT, queue, NFQA_VERDICT_HDR, &verdict, sizeof verdict);
}

/* Lets those go that have been held long enough; all of them at the end. */
static void release(int socket_, uint16_t queue, bool all) {
    const uint64_t at = now();
    while (first != last && (all || held[first % MAX_HELD].behind == 0 || held[first % MAX_HELD].until <= at))
        accept_packet(socket_, queue, held[first++ % MAX_HELD].id);
}

int reorder_main(int count, char **arguments) {
    unsigned queue = 40, every = 20, behind = 3;
    double hold_ms = 5, seed = 1;
    static const struct option options[] = {
        {"queue", 1, 0, 'q'}, {"every", 1, 0, 'e'}, {"behind", 1, 0, 'b'}, {"hold", 1, 0, 'o'},
        {"seed", 1, 0, 's'},  {"help", 0, 0, 'h'},  {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        switch (option) {
        case 'q': queue = (unsigned)number(optarg, "queue", 0, 65535); break;
        case 'e': every = (unsigned)number(optarg, "every", 1, 1e9); break;
        case 'b': behind = (unsigned)number(optarg, "behind", 1, 1e6); break;
        case 'o': hold_ms = number(optarg, "hold", 1, 1e6); break;
        case 's': seed = number(optarg, "seed", 0, 1e15); break;
        default: usage(reorder_usage);
        }
    }
    if (optind != count) usage(reorder_usage);
    const int socket_ = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER), bytes = 8 << 20, on = 1;
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    if (socket_ < 0) die("socket");
    if (setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0) die("receive buffer");
    if (setsockopt(socket_, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on) < 0) die("NETLINK_NO_ENOBUFS");
    if (bind(socket_, (const struct sockaddr *)&address, sizeof address) < 0) die("bind");
    const struct nfqnl_msg_config_cmd bind_command = {.command = NFQNL_CFG_CMD_BIND, .pf = htons(AF_UNSPEC)};
    const struct nfqnl_msg_config_params parameters = {.copy_range = htonl(64), .copy_mode = NFQNL_COPY_PACKET};
    const uint32_t length = htonl(16384);
    request(socket_, NFQNL_MSG_CONFIG, (uint16_t)queue, NFQA_CFG_CMD, &bind_command, sizeof bind_command);
    request(socket_, NFQNL_MSG_CONFIG, (uint16_t)queue, NFQA_CFG_PARAMS, &parameters, sizeof parameters);
    request(socket_, NFQNL_MSG_CONFIG, (uint16_t)queue, NFQA_CFG_QUEUE_MAXLEN, &length, sizeof length);
    stop_on_signals();
    puts("ready");
    fflush(stdout);
    uint64_t random = mix((uint64_t)seed) | 1, packets = 0, passed = 0;
    while (!stopping) {
        static _Alignas(NLMSG_ALIGNTO) uint8_t data[SLOT];
        struct pollfd wait = {.fd = socket_, .events = POLLIN};
        if (poll(&wait, 1, first == last ? 1000 : 1) > 0) {
            const ssize_t got = recv(socket_, data, sizeof data, MSG_DONTWAIT);
            const struct nlmsghdr *header = (const struct nlmsghdr *)data;
            if (got < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS) die("receive");
            if (got > 0 && NLMSG_OK(header, (size_t)got) && header->nlmsg_type == NLMSG_ERROR) {
                const struct nlmsgerr *error = NLMSG_DATA(header);
                errno = -error->error;
                if (errno) die("queue");
            }
            /* The packet header comes first of all attributes. */
            const size_t at = NLMSG_LENGTH(sizeof(struct nfgenmsg)) + NLA_HDRLEN;
            if (got >= (ssize_t)(at + sizeof(struct nfqnl_msg_packet_hdr)) &&
                header->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET)) {
                uint32_t id;
                memcpy(&id, data + at, sizeof id);
                packets++;
                if (random_below(&random, every) == 0 && last - first < MAX_HELD) {
                    held[last % MAX_HELD].id = id;
                    held[last % MAX_HELD].behind = behind;
                    held[last++ % MAX_HELD].until = now() + (uint64_t)(hold_ms * 1e6);
                } else {
                    accept_packet(socket_, (uint16_t)queue, id);
                    for (unsigned i = first; i != last; i++) {
                        if (held[i % MAX_HELD].behind == behind) passed++;
                        if (held[i % MAX_HELD].behind > 0) held[i % MAX_HELD].behind--;
                    }
                }
            }
        }
        release(socket_, (uint16_t)queue, false);
    }
    release(socket_, (uint16_t)queue, true);
    printf("{\"packets\":%llu,\"passed\":%llu}\n", (unsigned long long)packets, (unsigned long long)passed);
    return 0;
}
