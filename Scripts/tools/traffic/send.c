/*
 * traffic send: numbered UDP packets of many flows through a packet socket.
 *
 * Packets are made ready beforehand; per packet only the flow's address and port, the number and the checksums
 * change. Neither routing nor the UDP layer of the sending side costs anything, so that a measurement on a small
 * machine measures what forwards, not what sends.
 */
#include "traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

enum {
    MAX_PACKET = 9000, /* largest IP packet */
    MAX_THREADS = 64,
    FIRST_PORT = 10000,
};

static const char send_usage[] =
    "usage: traffic send --to ADDRESS [--port 9000] [--source 10.78.0.0 | fd78::] [--addresses 256] [--flows 4096]\n"
    "                    [--size 64] [--rate PACKETS/S, 0 = flat out] [--duration SECONDS | --count PACKETS]\n"
    "                    [--interface eth0] [--mac 02:77:01:00:00:01] [--threads 1] [--pinned] [--urgent]\n"
    "                    [--pause 500]\n"
    "Sends UDP packets of --size bytes (IP header included). Flow f comes from address 1 + f mod ADDRESSES behind\n"
    "--source and from port 10000 + f / ADDRESSES; flows take turns. --mac is the next hop's hardware address.\n"
    "--threads share flows and rate; --pinned puts thread i on processor i. --urgent runs them before all ordinary\n"
    "programs (SCHED_FIFO), as a network card's interrupts do: then packets come whether or not there is time for\n"
    "them; it needs a rate. At a rate, packets go out in bursts every --pause microseconds.\n";

struct plan {
    const char *interface;
    uint8_t destination[16], source[16], hardware[6];
    unsigned port, addresses, flows, size, threads, pause_us;
    double rate, duration, packets;
    bool six, pinned, urgent;
};

struct flow {
    uint64_t next;        /* number of the next packet */
    uint32_t sum;         /* everything under the UDP checksum except the number */
    uint32_t id;          /* network order */
    uint16_t port;        /* network order */
    uint16_t header_sum;  /* IPv4 header checksum, network order */
    uint8_t source[16];
};

/* One thread's share: flows first, first + threads, first + 2·threads, … */
struct sender {
    const struct plan *plan;
    pthread_t thread;
    unsigned index, flows;
    int socket;
    struct sockaddr_ll link;
    struct flow *table;
    uint8_t (*packets)[MAX_PACKET];
    size_t header, source_at;
    uint64_t sent, refused;
    double cpu_seconds;
};

/* RFC 1071: the sum of 16-bit words, folded later. Carries gather in the upper half. */
static uint64_t sum_words(const void *data, size_t length, uint64_t sum) {
    const uint8_t *bytes = data;
    for (; length >= 2; bytes += 2, length -= 2) sum += (uint32_t)bytes[0] << 8 | bytes[1];
    return length ? sum + ((uint32_t)bytes[0] << 8) : sum;
}

static uint16_t fold(uint64_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void prepare_template(const struct plan *plan, uint8_t *template, size_t header) {
    const uint16_t udp_length = (uint16_t)(plan->size - header);
    if (plan->six) {
        struct ip6_hdr *ip = (struct ip6_hdr *)template;
        ip->ip6_flow = htonl(6u << 28);
        ip->ip6_plen = htons(udp_length);
        ip->ip6_nxt = IPPROTO_UDP;
        ip->ip6_hlim = 64;
        memcpy(&ip->ip6_dst, plan->destination, 16);
    } else {
        struct iphdr *ip = (struct iphdr *)template;
        ip->version = 4;
        ip->ihl = 5;
        ip->tot_len = htons((uint16_t)plan->size);
        ip->frag_off = htons(IP_DF);
        ip->ttl = 64;
        ip->protocol = IPPROTO_UDP;
        memcpy(&ip->daddr, plan->destination, 4);
    }
    struct udphdr *udp = (struct udphdr *)(template + header);
    udp->dest = htons((uint16_t)plan->port);
    udp->len = htons(udp_length);
    const struct numbered payload = {.magic = htonl(MAGIC)};
    memcpy(template + header + sizeof *udp, &payload, sizeof payload);
}

static void prepare(struct sender *sender) {
    const struct plan *plan = sender->plan;
    const unsigned address_size = plan->six ? 16 : 4;
    sender->header = plan->six ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
    sender->source_at = plan->six ? offsetof(struct ip6_hdr, ip6_src) : offsetof(struct iphdr, saddr);
    sender->flows = (plan->flows - sender->index + plan->threads - 1) / plan->threads;
    sender->table = calloc(sender->flows, sizeof *sender->table);
    sender->packets = calloc(BATCH, sizeof *sender->packets);
    if (!sender->table || !sender->packets) die("memory");

    uint8_t template[MAX_PACKET] = {0};
    const size_t header = sender->header;
    const uint16_t udp_length = (uint16_t)(plan->size - header);
    prepare_template(plan, template, header);
    struct udphdr *udp = (struct udphdr *)(template + header);
    for (unsigned i = 0; i < sender->flows; i++) {
        struct flow *flow = &sender->table[i];
        const uint32_t id = sender->index + i * plan->threads;
        flow->id = htonl(id);
        memcpy(flow->source, plan->source, 16);
        uint32_t low;
        memcpy(&low, flow->source + address_size - 4, 4);
        low = htonl(ntohl(low) + 1 + id % plan->addresses);
        memcpy(flow->source + address_size - 4, &low, 4);
        flow->port = htons((uint16_t)(FIRST_PORT + id / plan->addresses));
        memcpy(template + sender->source_at, flow->source, address_size);
        if (!plan->six) {
            struct iphdr *ip = (struct iphdr *)template;
            ip->check = 0;
            flow->header_sum = htons(fold(sum_words(template, sizeof *ip, 0)));
        }
        udp->source = flow->port;
        uint64_t sum = sum_words(flow->source, address_size, sum_words(plan->destination, address_size, 0));
        sum = sum_words(template + header, udp_length, sum + IPPROTO_UDP + udp_length);
        flow->sum = (uint32_t)(sum + (id >> 16) + (id & 0xffff));
    }
    for (unsigned i = 0; i < BATCH; i++) memcpy(sender->packets[i], template, plan->size);

    sender->link = (struct sockaddr_ll){.sll_family = AF_PACKET,
                                        .sll_protocol = htons(plan->six ? ETH_P_IPV6 : ETH_P_IP),
                                        .sll_ifindex = (int)if_nametoindex(plan->interface), .sll_halen = 6};
    memcpy(sender->link.sll_addr, plan->hardware, 6);
    if (sender->link.sll_ifindex == 0) die(plan->interface);
    /* Protocol 0: the socket receives nothing. SOCK_DGRAM: the kernel writes the Ethernet header. */
    sender->socket = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int on = 1, bytes = 4 << 20;
    if (sender->socket < 0) die("packet socket");
    if (setsockopt(sender->socket, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) < 0) die("PACKET_QDISC_BYPASS");
    if (setsockopt(sender->socket, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0) die("send buffer");
}

static inline void fill(const struct sender *sender, uint8_t *packet, struct flow *flow) {
    const size_t header = sender->header;
    if (sender->plan->six) {
        memcpy(packet + sender->source_at, flow->source, 16);
    } else {
        memcpy(packet + sender->source_at, flow->source, 4);
        ((struct iphdr *)packet)->check = flow->header_sum;
    }
    const uint64_t n = flow->next++;
    const struct numbered payload = {.magic = htonl(MAGIC), .flow = flow->id, .number = htobe64(n)};
    struct udphdr *udp = (struct udphdr *)(packet + header);
    memcpy(udp + 1, &payload, sizeof payload);
    udp->source = flow->port;
    const uint16_t check =
        fold((uint64_t)flow->sum + (n >> 48) + (n >> 32 & 0xffff) + (n >> 16 & 0xffff) + (n & 0xffff));
    udp->check = check ? htons(check) : 0xffff; /* RFC 768: a sum of zero is sent as all ones */
}

static void *run(void *argument) {
    struct sender *sender = argument;
    const struct plan *plan = sender->plan;
    if (plan->pinned) run_on((int)sender->index);
    if (plan->urgent) {
        const struct sched_param parameter = {.sched_priority = 1};
        if (sched_setscheduler(0, SCHED_FIFO, &parameter) < 0) die("SCHED_FIFO");
    }
    prctl(PR_SET_TIMERSLACK, 1);

    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    memset(messages, 0, sizeof messages);
    for (unsigned i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){sender->packets[i], plan->size};
        messages[i].msg_hdr = (struct msghdr){.msg_name = &sender->link, .msg_namelen = sizeof sender->link,
                                              .msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    const double rate = plan->rate / plan->threads;
    /* The first threads take what an even split of --count leaves over. */
    const uint64_t wanted = (uint64_t)plan->packets;
    const uint64_t limit =
        wanted ? wanted / plan->threads + (sender->index < wanted % plan->threads) : UINT64_MAX;
    const uint64_t begin = now(), end = wanted ? UINT64_MAX : begin + (uint64_t)(plan->duration * 1e9);
    const double wait = rate > 0 && 1e9 / rate > plan->pause_us * 1e3 ? 1e9 / rate : plan->pause_us * 1e3;
    const struct timespec pause = {(time_t)(wait / 1e9), (long)((uint64_t)wait % 1000000000u)};
    unsigned turn = 0;
    for (uint64_t at = begin; !stopping && at < end && sender->sent < limit; at = now()) {
        uint64_t due = BATCH;
        if (rate > 0) {
            const uint64_t target = (uint64_t)((double)(at - begin) * rate / 1e9) + 1;
            if (target <= sender->sent) {
                nanosleep(&pause, NULL);
                continue;
            }
            due = target - sender->sent;
        }
        if (due > BATCH) due = BATCH;
        if (due > limit - sender->sent) due = limit - sender->sent;
        for (unsigned i = 0; i < due; i++) {
            fill(sender, sender->packets[i], &sender->table[turn]);
            turn = turn + 1 == sender->flows ? 0 : turn + 1;
        }
        unsigned done = 0;
        while (done < due) {
            const int got = sendmmsg(sender->socket, messages + done, (unsigned)(due - done), 0);
            if (got > 0) {
                done += (unsigned)got;
            } else if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) {
                /* The device would not take it. Flat out that is no fault: counted, and tried again. */
                sender->refused++;
                if (stopping) break;
            } else {
                die("send");
            }
        }
        sender->sent += done;
    }
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    sender->cpu_seconds = (double)used.tv_sec + (double)used.tv_nsec / 1e9;
    return NULL;
}

int send_main(int count, char **arguments) {
    struct plan plan = {.interface = "eth0", .port = 9000, .addresses = 256, .flows = 4096, .size = 64, .threads = 1,
                        .pause_us = 500, .duration = 1};
    const char *to = NULL, *source = NULL, *mac = "02:77:01:00:00:01";
    static const struct option options[] = {
        {"to", 1, 0, 't'},      {"port", 1, 0, 'p'},  {"source", 1, 0, 's'},    {"addresses", 1, 0, 'a'},
        {"flows", 1, 0, 'f'},   {"size", 1, 0, 'z'},  {"rate", 1, 0, 'r'},      {"duration", 1, 0, 'd'},
        {"count", 1, 0, 'c'},   {"mac", 1, 0, 'm'},   {"interface", 1, 0, 'i'}, {"threads", 1, 0, 'n'},
        {"pinned", 0, 0, 'P'},  {"urgent", 0, 0, 'u'}, {"pause", 1, 0, 'w'},    {"help", 0, 0, 'h'},
        {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        switch (option) {
        case 't': to = optarg; break;
        case 'p': plan.port = (unsigned)number(optarg, "port", 1, 65535); break;
        case 's': source = optarg; break;
        case 'a': plan.addresses = (unsigned)number(optarg, "addresses", 1, MAX_FLOWS); break;
        case 'f': plan.flows = (unsigned)number(optarg, "flows", 1, MAX_FLOWS); break;
        case 'z': plan.size = (unsigned)number(optarg, "size", 44, MAX_PACKET); break;
        case 'r': plan.rate = number(optarg, "rate", 0, 1e9); break;
        case 'd': plan.duration = number(optarg, "duration", 0, 1e6); break;
        case 'c': plan.packets = number(optarg, "count", 1, 1e15); break;
        case 'i': plan.interface = optarg; break;
        case 'm': mac = optarg; break;
        case 'n': plan.threads = (unsigned)number(optarg, "threads", 1, MAX_THREADS); break;
        case 'P': plan.pinned = true; break;
        case 'u': plan.urgent = true; break;
        case 'w': plan.pause_us = (unsigned)number(optarg, "pause", 1, 1e6); break;
        default: usage(send_usage);
        }
    }
    if (!to || optind != count) usage(send_usage);
    plan.six = strchr(to, ':') != NULL;
    const int family = plan.six ? AF_INET6 : AF_INET;
    const size_t headers = (plan.six ? sizeof(struct ip6_hdr) : sizeof(struct iphdr)) + sizeof(struct udphdr);
    if (!source) source = plan.six ? "fd78::" : "10.78.0.0";
    uint8_t *h = plan.hardware;
    if (inet_pton(family, to, plan.destination) != 1 || inet_pton(family, source, plan.source) != 1 ||
        sscanf(mac, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", h, h + 1, h + 2, h + 3, h + 4, h + 5) != 6 ||
        plan.size < headers + sizeof(struct numbered) || (plan.flows - 1) / plan.addresses + FIRST_PORT > 65535 ||
        plan.flows < plan.threads || (plan.urgent && plan.rate == 0))
        usage(send_usage);

    static struct sender senders[MAX_THREADS];
    for (unsigned i = 0; i < plan.threads; i++) {
        senders[i].plan = &plan;
        senders[i].index = i;
        prepare(&senders[i]);
    }
    stop_on_signals();
    const uint64_t begin = now();
    for (unsigned i = 0; i < plan.threads; i++)
        if ((errno = pthread_create(&senders[i].thread, NULL, run, &senders[i])) != 0) die("thread");
    uint64_t sent = 0, refused = 0;
    double cpu_seconds = 0;
    for (unsigned i = 0; i < plan.threads; i++) {
        pthread_join(senders[i].thread, NULL);
        sent += senders[i].sent;
        refused += senders[i].refused;
        cpu_seconds += senders[i].cpu_seconds;
    }
    const double elapsed = (double)(now() - begin) / 1e9;
    printf("{\"sent\":%llu,\"flows\":%u,\"size\":%u,\"seconds\":%.6f,\"per_second\":%.0f,\"refused\":%llu,"
           "\"cpu_seconds\":%.6f}\n",
           (unsigned long long)sent, plan.flows, plan.size, elapsed, (double)sent / elapsed,
           (unsigned long long)refused, cpu_seconds);
    return 0;
}
