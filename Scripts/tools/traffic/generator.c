#include "generator.h"
#include "packets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* Packets that gave no sign for so long (nanoseconds) will not come any more. */
static const uint64_t PATIENCE = 500000000;

const struct plan default_plan = {
    .interface = "eth0", .mac = "02:77:01:00:00:01", .sink_interface = "eth0", .port = 9000, .addresses = 256,
    .flows = 4096, .size = 64, .threads = 1, .pause_us = 500, .processor = -1,
};

bool plan_option(struct plan *plan, int option, const char *argument) {
    switch (option) {
    case 'p': plan->port = (unsigned)number(argument, "port", 1, 65535); break;
    case 's': plan->from = argument; break;
    case 'a': plan->addresses = (unsigned)number(argument, "addresses", 1, MAX_FLOWS); break;
    case 'f': plan->flows = (unsigned)number(argument, "flows", 1, MAX_FLOWS); break;
    case 'z': plan->size = (unsigned)number(argument, "size", 44, MAX_PACKET); break;
    case 'i': plan->interface = argument; break;
    case 'm': plan->mac = argument; break;
    case 'P': plan->processor = (int)number(argument, "processor", 0, 1023); break;
    case 'u': plan->urgent = true; break;
    case 'w': plan->pause_us = (unsigned)number(argument, "pause", 1, 1e6); break;
    case 'W': plan->window = (unsigned)number(argument, "window", BATCH, 1e6); break;
    case 'S': plan->sink = argument; break;
    case 'I': plan->sink_interface = argument; break;
    default: return false;
    }
    return true;
}

bool plan_resolve(struct plan *plan) {
    plan->six = strchr(plan->to, ':') != NULL;
    const int family = plan->six ? AF_INET6 : AF_INET;
    const size_t headers = (plan->six ? sizeof(struct ip6_hdr) : sizeof(struct iphdr)) + sizeof(struct udphdr);
    const char *source = plan->from ? plan->from : plan->six ? "fd78::" : "10.78.0.0";
    uint8_t *h = plan->hardware;
    return inet_pton(family, plan->to, plan->destination) == 1 && inet_pton(family, source, plan->source) == 1 &&
           sscanf(plan->mac, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", h, h + 1, h + 2, h + 3, h + 4, h + 5) == 6 &&
           plan->size >= headers + sizeof(struct numbered) &&
           (plan->flows - 1) / plan->addresses + FIRST_PORT <= 65535 && plan->flows >= plan->threads &&
           (plan->window != 0) == (plan->sink != NULL);
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

/* Cuts the packets to be into fragments (RFC 791 §2.3, RFC 8200 §4.5): packet i of a burst is part i mod parts of its
 * datagram and stays it; only source, identification and the head of the payload change. */
static void cut_into_fragments(struct generator *generator, const uint8_t *template) {
    const struct plan *plan = &generator->plan;
    const size_t header = generator->header, extra = plan->six ? sizeof(struct ip6_frag) : 0;
    const size_t room = (plan->mtu - header - extra) & ~(size_t)7, payload = plan->size - header;
    generator->parts = (unsigned)((payload + room - 1) / room);
    generator->transport_at = header + extra;
    for (unsigned i = 0; i < BATCH; i++) {
        const size_t part = i % generator->parts, offset = part * room;
        const bool more = part + 1 < generator->parts;
        const size_t length = more ? room : payload - offset;
        uint8_t *packet = generator->packets[i];
        memcpy(packet, template, header);
        memcpy(packet + header + extra, template + header + offset, length);
        if (plan->six) {
            const struct ip6_frag fragment = {.ip6f_nxt = IPPROTO_UDP,
                                              .ip6f_offlg = htons((uint16_t)(offset | (more ? 1 : 0)))};
            ((struct ip6_hdr *)packet)->ip6_nxt = IPPROTO_FRAGMENT;
            ((struct ip6_hdr *)packet)->ip6_plen = htons((uint16_t)(extra + length));
            memcpy(packet + header, &fragment, sizeof fragment);
        } else {
            ((struct iphdr *)packet)->tot_len = htons((uint16_t)(header + length));
            ((struct iphdr *)packet)->frag_off = htons((uint16_t)(offset / 8 | (more ? IP_MF : 0)));
        }
        generator->vectors[i].iov_len = header + extra + length;
    }
}

/* A packet socket in the sink's namespace that counts what comes for our destination and keeps nothing: its buffer
 * is too small for any packet, so the kernel counts an arrival and lets go. It sees packets before any filter. */
static int open_counter(const struct plan *plan) {
    char path[128];
    snprintf(path, sizeof path, "/run/netns/%s", plan->sink);
    const int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), other = open(path, O_RDONLY | O_CLOEXEC);
    if (own < 0 || other < 0 || setns(other, CLONE_NEWNET) < 0) die(path);
    uint32_t low;
    memcpy(&low, plan->destination + (plan->six ? 12 : 0), sizeof low);
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, plan->six ? ETH_P_IPV6 : ETH_P_IP, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, plan->six ? 36 : 16),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(low), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    const int counter = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int least = 1;
    if (counter < 0) die("packet socket");
    if (setsockopt(counter, SOL_SOCKET, SO_RCVBUF, &least, sizeof least) < 0) die("receive buffer");
    if (setsockopt(counter, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0) die("filter");
    const struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
                                    .sll_ifindex = (int)if_nametoindex(plan->sink_interface)};
    if (all.sll_ifindex == 0) die(plan->sink_interface);
    if (bind(counter, (const struct sockaddr *)&all, sizeof all) < 0) die("bind");
    if (setns(own, CLONE_NEWNET) < 0) die("own namespace");
    close(own);
    close(other);
    return counter;
}

/* Reading the counter sets it to zero; what came is added up here. */
static void count_arrivals(struct generator *generator) {
    struct tpacket_stats statistics = {0};
    socklen_t length = sizeof statistics;
    if (getsockopt(generator->counter, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) < 0) die("statistics");
    generator->arrived += statistics.tp_packets;
}

void generator_open(struct generator *generator, const struct plan *given, unsigned index) {
    generator->plan = *given;
    generator->index = index;
    const struct plan *plan = &generator->plan;
    const unsigned address_size = plan->six ? 16 : 4;
    generator->header = plan->six ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
    generator->source_at = plan->six ? offsetof(struct ip6_hdr, ip6_src) : offsetof(struct iphdr, saddr);
    generator->flows = (plan->flows - generator->index + plan->threads - 1) / plan->threads;
    generator->table = calloc(generator->flows, sizeof *generator->table);
    generator->packets = calloc(BATCH, sizeof *generator->packets);
    if (!generator->table || !generator->packets) die("memory");

    uint8_t template[MAX_PACKET] = {0};
    const size_t header = generator->header;
    const uint16_t udp_length = (uint16_t)(plan->size - header);
    prepare_template(plan, template, header);
    struct udphdr *udp = (struct udphdr *)(template + header);
    for (unsigned i = 0; i < generator->flows; i++) {
        struct flow *flow = &generator->table[i];
        const uint32_t id = generator->index + i * plan->threads;
        flow->id = htonl(id);
        memcpy(flow->source, plan->source, 16);
        uint32_t low;
        memcpy(&low, flow->source + address_size - 4, 4);
        low = htonl(ntohl(low) + 1 + id % plan->addresses);
        memcpy(flow->source + address_size - 4, &low, 4);
        flow->port = htons((uint16_t)(FIRST_PORT + id / plan->addresses));
        memcpy(template + generator->source_at, flow->source, address_size);
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
    for (unsigned i = 0; i < BATCH; i++) memcpy(generator->packets[i], template, plan->size);

    generator->link = (struct sockaddr_ll){.sll_family = AF_PACKET,
                                        .sll_protocol = htons(plan->six ? ETH_P_IPV6 : ETH_P_IP),
                                        .sll_ifindex = (int)if_nametoindex(plan->interface), .sll_halen = 6};
    memcpy(generator->link.sll_addr, plan->hardware, 6);
    if (generator->link.sll_ifindex == 0) die(plan->interface);
    /* Protocol 0: the socket receives nothing. SOCK_DGRAM: the kernel writes the Ethernet header. */
    generator->socket = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int on = 1, bytes = 4 << 20;
    if (generator->socket < 0) die("packet socket");
    if (setsockopt(generator->socket, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) < 0) die("PACKET_QDISC_BYPASS");
    if (setsockopt(generator->socket, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0) die("send buffer");
    for (unsigned i = 0; i < BATCH; i++) {
        generator->vectors[i] = (struct iovec){generator->packets[i], plan->size};
        generator->messages[i].msg_hdr = (struct msghdr){.msg_name = &generator->link,
                                                         .msg_namelen = sizeof generator->link,
                                                         .msg_iov = &generator->vectors[i], .msg_iovlen = 1};
    }
    generator->parts = 1;
    generator->transport_at = header;
    if (plan->mtu && plan->size > plan->mtu) cut_into_fragments(generator, template);
    if (plan->window) generator->counter = open_counter(plan);
}

uint64_t generator_allowance(struct generator *generator, uint64_t at) {
    const uint64_t before = generator->arrived;
    count_arrivals(generator);
    if (generator->arrived != before || generator->progress == 0) generator->progress = at;
    uint64_t gone = generator->arrived + generator->given_up;
    if (generator->sent > gone && at - generator->progress > PATIENCE) {
        generator->given_up += generator->sent - gone;
        gone = generator->sent;
        generator->progress = at;
    }
    const uint64_t out = generator->sent > gone ? generator->sent - gone : 0;
    return out < generator->plan.window ? generator->plan.window - out : 0;
}

void generator_drain(struct generator *generator) {
    uint64_t at = now();
    generator->progress = at;
    while (generator_allowance(generator, at) < generator->plan.window) {
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
        at = now();
    }
}

/* The flow's port and next number, and the checksum over them. */
static inline void fill_payload(struct udphdr *udp, struct flow *flow) {
    const uint64_t n = flow->next++;
    const struct numbered payload = {.magic = htonl(MAGIC), .flow = flow->id, .number = htobe64(n)};
    memcpy(udp + 1, &payload, sizeof payload);
    udp->source = flow->port;
    const uint16_t check =
        fold((uint64_t)flow->sum + (n >> 48) + (n >> 32 & 0xffff) + (n >> 16 & 0xffff) + (n & 0xffff));
    udp->check = check ? htons(check) : 0xffff; /* RFC 768: a sum of zero is sent as all ones */
}

static inline void fill(const struct generator *generator, uint8_t *packet, struct flow *flow) {
    if (generator->plan.six) {
        memcpy(packet + generator->source_at, flow->source, 16);
    } else {
        memcpy(packet + generator->source_at, flow->source, 4);
        ((struct iphdr *)packet)->check = flow->header_sum;
    }
    fill_payload((struct udphdr *)(packet + generator->transport_at), flow);
}

/* The fragments of one datagram, which cut_into_fragments has prepared. */
static void fill_fragments(struct generator *generator, uint8_t (*packets)[MAX_PACKET], struct flow *flow) {
    const uint32_t id = generator->identification++;
    for (unsigned part = 0; part < generator->parts; part++) {
        uint8_t *packet = packets[part];
        if (generator->plan.six) {
            memcpy(packet + generator->source_at, flow->source, 16);
            ((struct ip6_frag *)(packet + generator->header))->ip6f_ident = htonl(id);
        } else {
            struct iphdr *ip = (struct iphdr *)packet;
            memcpy(&ip->saddr, flow->source, 4);
            ip->id = htons((uint16_t)id);
            ip->check = 0;
            ip->check = htons(fold(sum_words(ip, sizeof *ip, 0)));
        }
    }
    fill_payload((struct udphdr *)(packets[0] + generator->transport_at), flow);
}

void generator_enter(const struct generator *generator) {
    const struct plan *plan = &generator->plan;
    if (plan->processor >= 0) run_on(plan->processor + (int)generator->index);
    if (plan->urgent) {
        const struct sched_param parameter = {.sched_priority = 1};
        if (sched_setscheduler(0, SCHED_FIFO, &parameter) < 0) die("SCHED_FIFO");
    }
    prctl(PR_SET_TIMERSLACK, 1);
}

void generator_burst(struct generator *generator, unsigned packets) {
    packets -= packets % generator->parts;
    for (unsigned i = 0; i < packets; i += generator->parts) {
        struct flow *flow = &generator->table[generator->turn];
        if (generator->parts > 1)
            fill_fragments(generator, generator->packets + i, flow);
        else
            fill(generator, generator->packets[i], flow);
        generator->turn = generator->turn + 1 == generator->flows ? 0 : generator->turn + 1;
    }
    unsigned done = 0;
    while (done < packets) {
        const int got = sendmmsg(generator->socket, generator->messages + done, packets - done, 0);
        if (got > 0) {
            done += (unsigned)got;
        } else if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) {
            /* The device would not take it. Flat out that is no fault: counted, and tried again. */
            generator->refused++;
            if (stopping) break;
        } else {
            die("send");
        }
    }
    generator->sent += done;
}
