/*
 * floor: the least a program can do with packets from NFQUEUE, as the measure for the balancer.
 *
 * One thread per queue, pinned to one processor. Batched (the default) it takes up to 64 packets with one
 * recvmmsg and answers them with one send that carries one verdict message per packet: ACCEPT with a constant
 * mark. With --single it receives one packet and sends one verdict at a time. It looks at nothing but the
 * packet's id, so no balancer that decides per packet can do less. Queue settings are those of anabranchd.
 *
 *   floor --queues FIRST[:LAST] [--mark N] [--single] [--copy-range BYTES] [--queue-length PACKETS]
 *         [--receive-buffer BYTES] [--fail-open 0|1] [--gso 0|1] [--processors N]
 *
 * Prints "ready" when all queues are bound. On SIGTERM or SIGINT prints one JSON object with what each queue saw
 * and the processor time used, and ends. Exit: 0 good, 1 failed, 2 usage.
 *
 * Plain netlink on purpose: no library stands between the loop and the system calls.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    BATCH = 64,         /* packets a recvmmsg call may return */
    METADATA = 768,     /* room for all attributes beside the copied packet */
    MAX_QUEUES = 64,
};

/* One verdict as it goes over the wire: 40 bytes, prepared once; only the id changes from packet to packet. */
struct verdict {
    struct nlmsghdr header;
    struct nfgenmsg general;
    struct nlattr verdict_attribute;
    struct nfqnl_msg_verdict_hdr verdict;
    struct nlattr mark_attribute;
    uint32_t mark;
} __attribute__((packed, aligned(4)));
_Static_assert(sizeof(struct verdict) == 40, "verdict messages must be packed as netlink reads them");

struct settings {
    unsigned first, last, mark, copy_range, queue_length, receive_buffer, processors;
    bool single, fail_open, gso;
};

struct worker {
    pthread_t thread;
    const struct settings *settings;
    int socket;
    uint16_t queue;
    /* Written by the worker only, read after it has ended. */
    uint64_t packets, receives, sends, overruns, errors, largest_batch;
} __attribute__((aligned(64)));

static volatile sig_atomic_t stopping;

static void die(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Sends one configuration message for a queue and waits for the kernel's answer. */
static void configure(int socket, uint16_t queue, uint16_t attribute, const void *value, size_t length) {
    struct {
        struct nlmsghdr header;
        struct nfgenmsg general;
        struct nlattr attribute;
        uint8_t value[16];
    } message = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)) + NLA_HDRLEN + NLA_ALIGN(length),
                   .nlmsg_type = (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_CONFIG,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
        .general = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(queue)},
        .attribute = {.nla_len = (uint16_t)(NLA_HDRLEN + length), .nla_type = attribute},
    };
    memcpy(message.value, value, length);
    if (send(socket, &message, message.header.nlmsg_len, 0) < 0) die("send configuration");
    /* Packets may already stand before the answer; they are of no interest here. */
    for (;;) {
        char answer[65536 + METADATA] __attribute__((aligned(NLMSG_ALIGNTO)));
        ssize_t got = recv(socket, answer, sizeof answer, 0);
        const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
        if (got < 0) {
            if (errno == EINTR || errno == ENOBUFS) continue;
            die("receive answer");
        }
        if (!NLMSG_OK(header, (size_t)got) || header->nlmsg_type != NLMSG_ERROR) continue;
        const struct nlmsgerr *error = NLMSG_DATA(header);
        if (error->error == 0) return;
        errno = -error->error;
        fprintf(stderr, "floor: queue %u: %s\n", queue,
                errno == EPERM ? "not permitted, or another program holds it" : strerror(errno));
        exit(1);
    }
}

static int open_queue(const struct settings *settings, uint16_t queue) {
    int socket_ = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    if (socket_ < 0) die("socket");
    int bytes = (int)settings->receive_buffer, on = 1;
    if (setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0 &&
        setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) < 0)
        die("receive buffer");
    /* Overruns are seen in the queue's own counters; an error per overrun would only cost time. */
    if (setsockopt(socket_, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on) < 0) die("NETLINK_NO_ENOBUFS");
    struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    if (bind(socket_, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
    if (connect(socket_, (struct sockaddr *)&address, sizeof address) < 0) die("connect");

    struct nfqnl_msg_config_cmd command = {.command = NFQNL_CFG_CMD_BIND, .pf = htons(AF_UNSPEC)};
    configure(socket_, queue, NFQA_CFG_CMD, &command, sizeof command);
    struct nfqnl_msg_config_params parameters = {.copy_range = htonl(settings->copy_range),
                                                 .copy_mode = NFQNL_COPY_PACKET};
    configure(socket_, queue, NFQA_CFG_PARAMS, &parameters, sizeof parameters);
    uint32_t length = htonl(settings->queue_length);
    configure(socket_, queue, NFQA_CFG_QUEUE_MAXLEN, &length, sizeof length);
    struct {
        struct nlmsghdr header;
        struct nfgenmsg general;
        struct nlattr mask_attribute;
        uint32_t mask;
        struct nlattr flags_attribute;
        uint32_t flags;
    } flags = {
        .header = {.nlmsg_len = sizeof flags,
                   .nlmsg_type = (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_CONFIG,
                   .nlmsg_flags = NLM_F_REQUEST},
        .general = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(queue)},
        .mask_attribute = {.nla_len = 8, .nla_type = NFQA_CFG_MASK},
        .mask = htonl(NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO),
        .flags_attribute = {.nla_len = 8, .nla_type = NFQA_CFG_FLAGS},
        .flags = htonl((settings->fail_open ? NFQA_CFG_F_FAIL_OPEN : 0u) | (settings->gso ? NFQA_CFG_F_GSO : 0u)),
    };
    if (send(socket_, &flags, sizeof flags, 0) < 0) die("send flags");
    return socket_;
}

/* The id of the packet in one message, in network order, or false if it is no packet. The kernel puts the packet
 * header first, so the loop ends at its first turn. */
static inline bool packet_id(const uint8_t *message, size_t length, uint32_t *id) {
    const struct nlmsghdr *header = (const struct nlmsghdr *)message;
    if (length < NLMSG_LENGTH(sizeof(struct nfgenmsg)) || header->nlmsg_len > length) return false;
    if (header->nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET)) return false;
    for (size_t at = NLMSG_LENGTH(sizeof(struct nfgenmsg)); at + NLA_HDRLEN <= header->nlmsg_len;) {
        const struct nlattr *attribute = (const struct nlattr *)(message + at);
        if ((attribute->nla_type & NLA_TYPE_MASK) == NFQA_PACKET_HDR &&
            attribute->nla_len >= NLA_HDRLEN + sizeof(struct nfqnl_msg_packet_hdr)) {
            memcpy(id, message + at + NLA_HDRLEN, sizeof *id);
            return true;
        }
        if (attribute->nla_len < NLA_HDRLEN) return false;
        at += NLA_ALIGN(attribute->nla_len);
    }
    return false;
}

static void *work(void *argument) {
    struct worker *worker = argument;
    const struct settings *settings = worker->settings;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(worker->queue % settings->processors, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);

    const size_t slot = (settings->copy_range + METADATA + 63u) & ~(size_t)63;
    const unsigned batch = settings->single ? 1 : BATCH;
    uint8_t *buffers = aligned_alloc(64, slot * batch);
    if (!buffers) die("memory");
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    struct verdict verdicts[BATCH];
    memset(messages, 0, sizeof messages);
    for (unsigned i = 0; i < batch; i++) {
        vectors[i] = (struct iovec){buffers + slot * i, slot};
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        verdicts[i] = (struct verdict){
            .header = {.nlmsg_len = sizeof(struct verdict),
                       .nlmsg_type = (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT,
                       .nlmsg_flags = NLM_F_REQUEST},
            .general = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(worker->queue)},
            .verdict_attribute = {.nla_len = 12, .nla_type = NFQA_VERDICT_HDR},
            .verdict = {.verdict = htonl(NF_ACCEPT)},
            .mark_attribute = {.nla_len = 8, .nla_type = NFQA_MARK},
            .mark = htonl(settings->mark),
        };
    }
    while (!stopping) {
        int got;
        if (settings->single) {
            ssize_t bytes = recv(worker->socket, buffers, slot, 0);
            messages[0].msg_len = bytes < 0 ? 0 : (unsigned)bytes;
            got = bytes < 0 ? -1 : 1;
        } else {
            got = recvmmsg(worker->socket, messages, batch, MSG_WAITFORONE, NULL);
        }
        if (got < 0) {
            if (errno == EINTR) continue;
            if (errno == ENOBUFS) {
                worker->overruns++;
                continue;
            }
            die("receive");
        }
        worker->receives++;
        unsigned answers = 0;
        for (int i = 0; i < got; i++) {
            uint32_t id;
            if (packet_id(vectors[i].iov_base, messages[i].msg_len, &id))
                verdicts[answers++].verdict.id = id;
            else
                worker->errors++;
        }
        if (answers == 0) continue;
        if (send(worker->socket, verdicts, answers * sizeof(struct verdict), 0) < 0) worker->errors++;
        worker->sends++;
        worker->packets += answers;
        if (answers > worker->largest_batch) worker->largest_batch = answers;
    }
    free(buffers);
    return NULL;
}

static void stop(int signal) {
    (void)signal;
    stopping = 1;
}

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

static unsigned number(const char *text, const char *option) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 0);
    if (errno || end == text || *end || value > UINT32_MAX) {
        fprintf(stderr, "floor: %s takes a number, not \"%s\"\n", option, text);
        exit(2);
    }
    return (unsigned)value;
}

int main(int count, char **arguments) {
    struct settings settings = {
        .mark = 0x101, .copy_range = 256, .queue_length = 4096, .receive_buffer = 8u << 20,
        .processors = (unsigned)sysconf(_SC_NPROCESSORS_ONLN), .fail_open = true, .gso = true,
    };
    bool queues = false;
    static const struct option options[] = {
        {"queues", required_argument, 0, 'q'},         {"mark", required_argument, 0, 'm'},
        {"single", no_argument, 0, 's'},               {"copy-range", required_argument, 0, 'c'},
        {"queue-length", required_argument, 0, 'l'},   {"receive-buffer", required_argument, 0, 'r'},
        {"fail-open", required_argument, 0, 'f'},      {"gso", required_argument, 0, 'g'},
        {"processors", required_argument, 0, 'p'},     {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        switch (option) {
        case 'q': {
            char *colon = strchr(optarg, ':');
            if (colon) *colon = 0;
            settings.first = number(optarg, "--queues");
            settings.last = colon ? number(colon + 1, "--queues") : settings.first;
            queues = true;
            break;
        }
        case 'm': settings.mark = number(optarg, "--mark"); break;
        case 's': settings.single = true; break;
        case 'c': settings.copy_range = number(optarg, "--copy-range"); break;
        case 'l': settings.queue_length = number(optarg, "--queue-length"); break;
        case 'r': settings.receive_buffer = number(optarg, "--receive-buffer"); break;
        case 'f': settings.fail_open = number(optarg, "--fail-open"); break;
        case 'g': settings.gso = number(optarg, "--gso"); break;
        case 'p': settings.processors = number(optarg, "--processors"); break;
        default: return 2;
        }
    }
    if (!queues || settings.first > settings.last || settings.last > UINT16_MAX ||
        settings.last - settings.first >= MAX_QUEUES || settings.processors == 0 || optind != count) {
        fputs("usage: floor --queues FIRST[:LAST] [--mark N] [--single] [--copy-range BYTES]\n"
              "             [--queue-length PACKETS] [--receive-buffer BYTES] [--fail-open 0|1] [--gso 0|1]\n"
              "             [--processors N]\n", stderr);
        return 2;
    }

    /* Signals go to the main thread; it then interrupts the workers' receives. */
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGUSR1, &action, NULL);
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);

    static struct worker workers[MAX_QUEUES];
    const unsigned number_of_queues = settings.last - settings.first + 1;
    for (unsigned i = 0; i < number_of_queues; i++) {
        workers[i].settings = &settings;
        workers[i].queue = (uint16_t)(settings.first + i);
        workers[i].socket = open_queue(&settings, workers[i].queue);
    }
    for (unsigned i = 0; i < number_of_queues; i++)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) die("thread");
    puts("ready");
    fflush(stdout);

    int signal;
    sigwait(&ends, &signal);
    stopping = 1;
    uint64_t packets = 0;
    printf("{\"queues\":[");
    for (unsigned i = 0; i < number_of_queues; i++) {
        struct worker *worker = &workers[i];
        /* A worker may be between its look at `stopping` and its receive: ask until it has ended. */
        struct timespec patience;
        do {
            pthread_kill(worker->thread, SIGUSR1);
            clock_gettime(CLOCK_REALTIME, &patience);
            patience.tv_nsec += 20000000;
            if (patience.tv_nsec >= 1000000000) patience.tv_sec++, patience.tv_nsec -= 1000000000;
        } while (pthread_timedjoin_np(worker->thread, NULL, &patience) == ETIMEDOUT);
        close(worker->socket);
        packets += worker->packets;
        printf("%s{\"queue\":%u,\"packets\":%llu,\"receives\":%llu,\"sends\":%llu,\"mean_batch\":%.1f,"
               "\"largest_batch\":%llu,\"overruns\":%llu,\"errors\":%llu}",
               i ? "," : "", worker->queue, (unsigned long long)worker->packets,
               (unsigned long long)worker->receives, (unsigned long long)worker->sends,
               worker->sends ? (double)worker->packets / (double)worker->sends : 0.0,
               (unsigned long long)worker->largest_batch, (unsigned long long)worker->overruns,
               (unsigned long long)worker->errors);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double user = seconds(usage.ru_utime), system = seconds(usage.ru_stime);
    printf("],\"packets\":%llu,\"user_seconds\":%.6f,\"system_seconds\":%.6f,\"cpu_ns_per_packet\":%.1f}\n",
           (unsigned long long)packets, user, system,
           packets ? (user + system) * 1e9 / (double)packets : 0.0);
    return 0;
}
