/*
 * traffic jobs: large datagrams, each of which wants one right answer.
 *
 * The payload is that of `traffic fragments`; a job's number is the datagram's, its socket the flow. An answer is the
 * payload again, byte for byte: that is what the nodes' processor `identity` makes of it. A backend that got the payload
 * whole says so by a mark behind it (`traffic echo --name +b1`). Each job sends one datagram and never another, so
 * whatever comes for it a second time is one too many.
 */
#include "datagrams.h"

#include <errno.h>
#include <getopt.h>
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

enum {
    MAX_JOBS = 1 << 22,
    MAX_SOCKETS = 4096,
    MAX_MARK = 64,
    MAX_NAMES = 64,
    MAX_SHARDS = 64,
    MAX_BUNDLE = 64,    /* UDP_MAX_SEGMENTS of older kernels */
    LINGER_MS = 300,    /* after the last answer, for those that come twice */
    LATE_MS = 1000,     /* after the last job was given up, for those that come late */
};

static const char jobs_usage[] =
    "usage: traffic jobs --to ADDRESS [--jobs 1000] [--rate JOBS/S | --concurrency 1] [--size 60000 | LEAST-MOST]\n"
    "                    [--shards 0] [--bundle 1] [--dscp 46] [--order whole] [--mtu 1500] [--timeout 3000] [--mark +]\n"
    "                    [--addresses 8] [--ports 16] [--first-port 20000] [--first 0] [--seed 1] [--port 9000]\n"
    "                    [--log FILE] [--source 10.77.1.9 (fd77:1::f)] [--interface eth0] [--mac 02:77:01:00:00:01]\n"
    "Sends UDP datagrams of --size bytes of payload and compares what comes back. At a --rate, or so that --concurrency\n"
    "of them wait for their answers. --order is one of\n"
    "  whole      as this machine's kernel sends them: in one packet if its device allows, else in fragments\n"
    "  in-order   in fragments that fit --mtu, cut here\n"
    "  shuffled   the same in any order\n"
    "  early-flag in order, and the first one alone has the --dscp\n"
    "  late-flag  the same with the first one last, 20 ms behind the others\n"
    "  last-flag  with the first one last, 60 ms behind the others, and the last one alone has the --dscp\n"
    "With --shards the header of client-side sharding stands before the payload and says that it is cut in so many\n"
    "equal parts; the nodes' answer has none.\n"
    "With --bundle so many jobs of one --size leave by one call, as segments of one packet (UDP_SEGMENT), which stays one\n"
    "as far as the devices let it. No more bytes than one datagram's, and only whole ones.\n"
    "Job j goes out by socket j / BUNDLE mod (ADDRESSES · PORTS), bound to address 1 + s mod ADDRESSES behind --source, port\n"
    "FIRST-PORT + s / ADDRESSES. Jobs are numbered from --first on: two programs with different numbers can tell\n"
    "their answers apart. Prints\n"
    "  answered   jobs whose first answer was their payload\n"
    "  forwarded  jobs whose first answer was their payload and a text that begins with --mark; by_mark: how many each\n"
    "  lost       jobs without any, wrong: answers that are neither, doubled: further answers to a job\n"
    "  late       jobs that were answered after --timeout milliseconds (they are counted as answered or forwarded too)\n"
    "  overrun    answers that arrived here, but this program was too slow\n"
    "and times to the answer in microseconds. --log gets a line per job: number, microseconds from the first job's\n"
    "departure to its own, microseconds to its answer (-1: none), 'answered', 'forwarded' or 'lost', and its size.\n";

enum order { WHOLE, IN_ORDER, SHUFFLED, EARLY_FLAG, LATE_FLAG, LAST_FLAG, ORDERS };
static const char *const order_names[ORDERS] = {"whole",      "in-order",  "shuffled",
                                                "early-flag", "late-flag", "last-flag"};

enum state { UNSENT, WAITING, ANSWERED, FORWARDED };

struct job {
    uint64_t sent, came;
    uint32_t size;
    uint8_t state;
    bool given_up;
};

struct options {
    struct way way;
    unsigned jobs, concurrency, least, most, dscp, mtu, addresses, ports, first_port, first, port, shards, bundle;
    double rate, timeout_ms;
    const char *mark, *log;
    uint64_t seed;
    enum order order;
};

static struct {
    struct options options;
    struct job *jobs;
    unsigned sent, settled, waiting, oldest, sockets; /* oldest: no job before it waits */
    int *socket_of, events;
    uint32_t *ids; /* next identification by address */
    uint64_t random, wrong, doubled, late, refused;
    struct { char name[MAX_MARK]; uint64_t answers; } names[MAX_NAMES];
    unsigned known;
    uint8_t datagram[sizeof(struct udphdr) + MAX_DATAGRAM], wanted[MAX_DATAGRAM], answer[MAX_DATAGRAM + 1];
} run;

static void open_sockets(void) {
    const struct options *options = &run.options;
    run.sockets = options->addresses * options->ports;
    run.socket_of = calloc(run.sockets, sizeof *run.socket_of);
    run.ids = calloc(options->addresses, sizeof *run.ids);
    if (!run.socket_of || !run.ids) die("memory");
    run.events = epoll_create1(EPOLL_CLOEXEC);
    if (run.events < 0) die("epoll");
    for (unsigned i = 0; i < options->addresses; i++) run.ids[i] = (uint32_t)next_random(&run.random);
    for (unsigned s = 0; s < run.sockets; s++) {
        uint8_t source[16];
        char text[INET6_ADDRSTRLEN];
        address_behind(&options->way, options->way.source, 1 + s % options->addresses, source);
        inet_ntop(options->way.six ? AF_INET6 : AF_INET, source, text, sizeof text);
        const struct sockaddr_in6 local = endpoint(text, options->first_port + s / options->addresses);
        const struct sockaddr_in6 remote = endpoint(options->way.to, options->port);
        const int socket_ = udp_socket(), bytes = 16 << 20, class = options->way.traffic_class;
        if (setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0) die("receive buffer");
        if (setsockopt(socket_, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0) die("send buffer");
        if (options->way.six ? setsockopt(socket_, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof class) < 0
                             : setsockopt(socket_, IPPROTO_IP, IP_TOS, &class, sizeof class) < 0)
            die("traffic class");
        if (bind(socket_, (const struct sockaddr *)&local, sizeof local) < 0) die("bind");
        if (connect(socket_, (const struct sockaddr *)&remote, sizeof remote) < 0) die("connect");
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = s};
        if (epoll_ctl(run.events, EPOLL_CTL_ADD, socket_, &event) < 0) die("epoll");
        run.socket_of[s] = socket_;
    }
}

/* Sends a datagram that already lies in run.datagram, as fragments from a packet socket. */
static void send_pieces(unsigned s, unsigned length) {
    const struct options *options = &run.options;
    static uint8_t headers[MAX_PIECES][MAX_HEADERS];
    static struct iovec vectors[MAX_PIECES][2];
    static struct mmsghdr messages[MAX_PIECES];
    struct piece pieces[MAX_PIECES];
    uint8_t source[16];
    address_behind(&options->way, options->way.source, 1 + s % options->addresses, source);
    write_udp(&options->way, run.datagram, length, source, options->first_port + s / options->addresses,
              options->port);
    const unsigned count = cut_datagram(&options->way, options->mtu, run.ids[s % options->addresses]++, length, source,
                                        pieces);
    unsigned late = 0; /* pieces at the end that go out by themselves */
    if (options->order == SHUFFLED) shuffle_pieces(&run.random, pieces, count);
    if (options->order >= LATE_FLAG && count > 1) {
        const struct piece first = pieces[0];
        memmove(pieces, pieces + 1, (count - 1) * sizeof *pieces);
        pieces[count - 1] = first;
        late = 1;
    }
    for (unsigned i = 0; i < count; i++) {
        struct way way = options->way;
        if (options->order >= EARLY_FLAG && (options->order == LAST_FLAG ? pieces[i].more : pieces[i].offset > 0))
            way.traffic_class = 0;
        vectors[i][0] = (struct iovec){headers[i], write_headers(&way, headers[i], &pieces[i], count == 1)};
        vectors[i][1] = (struct iovec){run.datagram + pieces[i].offset, pieces[i].length};
        messages[i].msg_hdr = (struct msghdr){.msg_name = (void *)(uintptr_t)&options->way.link,
                                              .msg_namelen = sizeof options->way.link, .msg_iov = vectors[i],
                                              .msg_iovlen = 2};
    }
    way_send(&options->way, messages, count - late, &run.refused);
    if (!late) return;
    /* The others have been decided by then, even where a thread had to wait for its processor. */
    nanosleep(&(struct timespec){0, options->order == LAST_FLAG ? 60000000 : 20000000}, NULL);
    way_send(&options->way, messages + count - late, late, &run.refused);
}

/* Writes the header of client-side sharding (8 bytes, and 4 for each shard); returns its length. */
static unsigned write_shards(uint8_t *header, uint32_t size) {
    const unsigned shards = run.options.shards;
    if (!shards) return 0;
    const uint16_t count = htons((uint16_t)shards);
    memcpy(header, "ABS1\1", 6);
    memcpy(header + 6, &count, sizeof count);
    for (unsigned i = 0; i < shards; i++) {
        const uint32_t length = htonl(i + 1 < shards ? size / shards : size - size / shards * (shards - 1));
        memcpy(header + 8 + 4 * i, &length, sizeof length);
    }
    return 8 + 4 * shards;
}

/* The socket of a job: those of a bundle share one. */
static unsigned socket_number(unsigned j) { return j / run.options.bundle % run.sockets; }

/* Begins the next job and writes its payload; returns the length. */
static unsigned begin_job(uint8_t *payload) {
    const struct options *options = &run.options;
    const unsigned j = run.sent++;
    struct job *job = &run.jobs[j];
    job->size = options->least + random_below(&run.random, options->most - options->least + 1);
    job->state = WAITING;
    run.waiting++;
    const unsigned header = write_shards(payload, job->size);
    write_datagram(payload + header, job->size, socket_number(j), options->first + j);
    job->sent = now();
    return header + job->size;
}

/* Sends the next job, or bundle of jobs. */
static void send_next(void) {
    const struct options *options = &run.options;
    const unsigned s = socket_number(run.sent);
    uint8_t *payload = run.datagram + sizeof(struct udphdr);
    const unsigned each = begin_job(payload);
    if (options->order != WHOLE) {
        send_pieces(s, (unsigned)sizeof(struct udphdr) + each);
        return;
    }
    unsigned count = 1;
    for (; count < options->bundle && run.sent < options->jobs; count++) begin_job(payload + (size_t)each * count);
    struct iovec vector = {payload, (size_t)each * count};
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(uint16_t)), .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT}};
    const uint16_t segment = (uint16_t)each;
    memcpy(CMSG_DATA(&control.header), &segment, sizeof segment);
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (count > 1) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
    }
    /* An ICMP error for an earlier datagram is told by the next send, which then sends nothing. */
    while (sendmsg(run.socket_of[s], &message, 0) < 0) {
        if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED && errno != EHOSTUNREACH)
            die("send");
        run.refused++;
        if (stopping) break;
    }
}

static void note(const char *name) {
    unsigned n = 0;
    while (n < run.known && strcmp(run.names[n].name, name) != 0) n++;
    if (n == MAX_NAMES) return;
    if (n == run.known) snprintf(run.names[run.known++].name, MAX_MARK, "%s", name);
    run.names[n].answers++;
}

/* What one datagram that came to socket s is: the answer to a job, or none. */
static void judge(unsigned s, size_t got, uint64_t at) {
    const struct options *options = &run.options;
    const uint8_t *answer = run.answer;
    const size_t header = options->shards ? 8 + 4 * (size_t)options->shards : 0;
    struct numbered head;
    /* Only a backend sends the header back. */
    const bool whole = header && got > header && memcmp(answer, "ABS1", 4) == 0;
    if (whole) {
        answer += header;
        got -= header;
    }
    if (got < sizeof head) {
        run.wrong++;
        return;
    }
    memcpy(&head, answer, sizeof head);
    const uint64_t j = be64toh(head.number) - options->first;
    if (head.magic != htonl(MAGIC) || j >= run.sent || socket_number((unsigned)j) != s || got < run.jobs[j].size) {
        run.wrong++;
        return;
    }
    struct job *job = &run.jobs[j];
    write_datagram(run.wanted, job->size, s, options->first + j);
    const size_t rest = got - job->size, mark = strlen(options->mark);
    char name[MAX_MARK] = "";
    if (rest < sizeof name) memcpy(name, answer + job->size, rest);
    if (memcmp(answer, run.wanted, job->size) != 0 || (header && whole != (rest > 0)) || rest >= sizeof name ||
        (rest > 0 && strncmp(name, options->mark, mark) != 0)) {
        run.wrong++;
        return;
    }
    if (job->state != WAITING) {
        run.doubled++;
        return;
    }
    job->state = rest ? FORWARDED : ANSWERED;
    job->came = at;
    run.settled++;
    if (rest) note(name);
    if (job->given_up) run.late++; else run.waiting--;
}

/* Takes what has come, waiting for it no longer than until `until`. */
static void receive(uint64_t until) {
    struct epoll_event events[64];
    const uint64_t at = now(), left = until > at ? until - at : 0;
    const struct timespec patience = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
    const int count = epoll_pwait2(run.events, events, 64, &patience, NULL);
    for (int i = 0; i < count; i++) {
        const unsigned s = events[i].data.u32;
        for (;;) {
            const ssize_t got = recv(run.socket_of[s], run.answer, sizeof run.answer, MSG_DONTWAIT);
            if (got < 0) break;
            judge(s, (size_t)got, now());
        }
    }
}

/* Gives up the jobs whose time is over; in a closed loop others take their places. */
static void give_up(uint64_t at) {
    const uint64_t patience = (uint64_t)(run.options.timeout_ms * 1e6);
    for (; run.oldest < run.sent; run.oldest++) {
        struct job *job = &run.jobs[run.oldest];
        if (job->state != WAITING || job->given_up) continue;
        if (at - job->sent < patience) return;
        job->given_up = true;
        run.waiting--;
    }
}

static int ascending(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Prints the times of the jobs that ended so. */
static void print_times(const char *name, enum state state) {
    uint64_t *times = calloc(run.sent + 1, sizeof *times);
    unsigned count = 0;
    if (!times) die("memory");
    for (unsigned j = 0; j < run.sent; j++)
        if (run.jobs[j].state == state) times[count++] = run.jobs[j].came - run.jobs[j].sent;
    qsort(times, count, sizeof *times, ascending);
    printf(",\"%s\":%u,\"%s_us\":{", name, count, name);
    static const struct { const char *name; double part; } points[] = {
        {"min", 0}, {"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1}};
    for (unsigned i = 0; i < sizeof points / sizeof *points; i++)
        printf("%s\"%s\":%.1f", i ? "," : "", points[i].name,
               count ? (double)times[(unsigned)((count - 1) * points[i].part + 0.5)] / 1e3 : 0.0);
    printf("}");
    free(times);
}

static void write_log(const char *path) {
    static const char *const names[] = {"lost", "lost", "answered", "forwarded"};
    FILE *file = fopen(path, "w");
    if (!file) die(path);
    for (unsigned j = 0; j < run.sent; j++) {
        const struct job *job = &run.jobs[j];
        const bool came = job->state >= ANSWERED;
        fprintf(file, "%u %.1f %.1f %s %u\n", run.options.first + j, (double)(job->sent - run.jobs[0].sent) / 1e3,
                came ? (double)(job->came - job->sent) / 1e3 : -1, names[job->state], job->size);
    }
    if (fclose(file) != 0) die(path);
}

static void print_results(double seconds) {
    uint64_t overrun = 0;
    for (unsigned s = 0; s < run.sockets; s++) {
        uint32_t memory[SK_MEMINFO_VARS] = {0};
        socklen_t length = sizeof memory;
        if (getsockopt(run.socket_of[s], SOL_SOCKET, SO_MEMINFO, memory, &length) < 0) die("SO_MEMINFO");
        overrun += memory[SK_MEMINFO_DROPS];
    }
    printf("{\"sent\":%u,\"lost\":%u,\"wrong\":%llu,\"doubled\":%llu,\"late\":%llu,\"overrun\":%llu,\"refused\":%llu,"
           "\"seconds\":%.6f,\"per_second\":%.1f",
           run.sent, run.sent - run.settled, (unsigned long long)run.wrong, (unsigned long long)run.doubled,
           (unsigned long long)run.late, (unsigned long long)overrun, (unsigned long long)run.refused, seconds,
           (double)run.settled / seconds);
    print_times("answered", ANSWERED);
    print_times("forwarded", FORWARDED);
    printf(",\"by_mark\":{");
    for (unsigned n = 0; n < run.known; n++)
        printf("%s\"%s\":%llu", n ? "," : "", run.names[n].name, (unsigned long long)run.names[n].answers);
    puts("}}");
}

static void take_size(struct options *options, const char *text) {
    char least[16];
    const char *dash = strchr(text, '-');
    const size_t length = dash ? (size_t)(dash - text) : strlen(text);
    if (length >= sizeof least) usage(jobs_usage);
    snprintf(least, sizeof least, "%.*s", (int)length, text);
    options->least = (unsigned)number(least, "size", sizeof(struct numbered), MAX_DATAGRAM);
    options->most = dash ? (unsigned)number(dash + 1, "size", options->least, MAX_DATAGRAM) : options->least;
}

static void parse(struct options *options, int count, char **arguments) {
    static const struct option known[] = {
        WAY_OPTIONS,           {"jobs", 1, 0, 'j'},      {"rate", 1, 0, 'r'},       {"concurrency", 1, 0, 'c'},
        {"size", 1, 0, 'z'},   {"dscp", 1, 0, 'd'},      {"order", 1, 0, 'o'},      {"mtu", 1, 0, 'u'},
        {"timeout", 1, 0, 'w'}, {"mark", 1, 0, 'k'},     {"log", 1, 0, 'l'},        {"addresses", 1, 0, 'a'},
        {"ports", 1, 0, 'n'},  {"first-port", 1, 0, 'P'}, {"first", 1, 0, 'F'},     {"seed", 1, 0, 'e'},
        {"port", 1, 0, 'p'},   {"shards", 1, 0, 'S'},    {"bundle", 1, 0, 'b'},    {"help", 0, 0, 'h'},
        {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "", known, NULL)) != -1;) {
        switch (option) {
        case 'S': options->shards = (unsigned)number(optarg, "shards", 0, MAX_SHARDS); break;
        case 'b': options->bundle = (unsigned)number(optarg, "bundle", 1, MAX_BUNDLE); break;
        case 'j': options->jobs = (unsigned)number(optarg, "jobs", 1, MAX_JOBS); break;
        case 'r': options->rate = number(optarg, "rate", 0.001, 1e6); break;
        case 'c': options->concurrency = (unsigned)number(optarg, "concurrency", 1, MAX_JOBS); break;
        case 'z': take_size(options, optarg); break;
        case 'd': options->dscp = (unsigned)number(optarg, "dscp", 0, 63); break;
        case 'u': options->mtu = (unsigned)number(optarg, "mtu", 576, 65535); break;
        case 'w': options->timeout_ms = number(optarg, "timeout", 1, 1e6); break;
        case 'k': options->mark = optarg; break;
        case 'l': options->log = optarg; break;
        case 'a': options->addresses = (unsigned)number(optarg, "addresses", 1, 256); break;
        case 'n': options->ports = (unsigned)number(optarg, "ports", 1, MAX_SOCKETS); break;
        case 'P': options->first_port = (unsigned)number(optarg, "first-port", 1, 65535); break;
        case 'F': options->first = (unsigned)number(optarg, "first", 0, 1e9); break;
        case 'e': options->seed = (uint64_t)number(optarg, "seed", 0, 1e15); break;
        case 'p': options->port = (unsigned)number(optarg, "port", 1, 65535); break;
        case 'o':
            for (options->order = 0; options->order < ORDERS; options->order++)
                if (strcmp(optarg, order_names[options->order]) == 0) break;
            if (options->order == ORDERS) usage(jobs_usage);
            break;
        default:
            if (!way_option(&options->way, option, optarg)) usage(jobs_usage);
        }
    }
    options->way.traffic_class = (uint8_t)(options->dscp << 2);
    if (optind != count || !way_resolve(&options->way, "10.77.1.9", "fd77:1::f") || *options->mark == 0 ||
        strlen(options->mark) >= MAX_MARK || options->addresses * options->ports > MAX_SOCKETS ||
        options->first_port + options->ports > 65536 || options->least < options->shards ||
        (options->shards && options->most + 8 + 4 * options->shards > MAX_DATAGRAM) ||
        (options->bundle > 1 && (options->least != options->most || options->order != WHOLE ||
                                 options->bundle * (options->most + 8 + 4 * options->shards) > MAX_DATAGRAM)))
        usage(jobs_usage);
}

int jobs_main(int count, char **arguments) {
    run.options = (struct options){.way = default_way, .jobs = 1000, .concurrency = 1, .least = 60000, .most = 60000,
                                   .dscp = 46, .mtu = 1500, .timeout_ms = 3000, .mark = "+", .addresses = 8,
                                   .ports = 16, .first_port = 20000, .port = 9000, .seed = 1, .bundle = 1};
    parse(&run.options, count, arguments);
    const struct options *options = &run.options;
    run.random = mix(options->seed) | 1;
    run.jobs = calloc(options->jobs, sizeof *run.jobs);
    if (!run.jobs) die("memory");
    if (options->order != WHOLE) way_open(&run.options.way);
    open_sockets();
    stop_on_signals();
    const uint64_t begin = now();
    uint64_t end = begin;
    while (!stopping && (run.sent < options->jobs || run.waiting > 0)) {
        const uint64_t at = now();
        give_up(at);
        /* Not for ever: jobs are given up too. */
        uint64_t until = at + 1000000;
        if (run.sent < options->jobs) {
            const uint64_t due = options->rate > 0 ? begin + (uint64_t)((double)run.sent * 1e9 / options->rate) : at;
            if (options->rate > 0 ? at >= due : run.waiting < options->concurrency) {
                send_next();
                until = at;
            } else if (options->rate > 0 && due < until) {
                until = due;
            }
        }
        const unsigned settled = run.settled;
        receive(until);
        if (run.settled != settled) end = now();
    }
    const double seconds = (double)((end > begin ? end : now()) - begin) / 1e9;
    const unsigned open = run.sent - run.settled;
    for (const uint64_t last = now() + (open ? LATE_MS : LINGER_MS) * 1000000ull; !stopping && now() < last;)
        receive(last);
    if (options->log) write_log(options->log);
    print_results(seconds);
    return 0;
}
