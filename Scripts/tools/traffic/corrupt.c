/*
 * traffic corrupt: a TCP proxy that damages the payload in some frames of a link.
 *
 * TCP stays intact on both sides, so only the checksums of chunks and results can tell. What comes first in a frame is
 * left alone: a damaged header or name ends the link, which is another failure than this one.
 */
#include "packets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_LINKS = 64,
    FRAME_HEADER = 12,      /* magic (4), version (1), kind (1), flags (2), length of the body (4) */
    SPARED = 512,           /* more than stands before the payload of a chunk or a result */
    BUFFER = 256 << 10,
    KIND_CHUNK = 2, KIND_RESULT = 3,
};

static const char corrupt_usage[] =
    "usage: traffic corrupt --to ADDRESS [--port 9471] [--to-port 9470] [--every 100] [--seed 1]\n"
    "Takes connections on --port and passes them on to --to. One in --every frames that carry a chunk or a result of\n"
    "more than 512 bytes has a bit changed near its end. Prints how many frames there were and how many were damaged.\n";

/* One direction of a link. */
struct direction {
    uint8_t header[FRAME_HEADER];
    uint32_t body, at; /* of the current frame, header included in at */
    bool damages;
};

struct link {
    int sides[2];
    struct direction directions[2];
};

static uint64_t frames, damaged, random_;
static unsigned every = 100;

/* Follows the frames in a run of bytes and damages some. */
static void follow(struct direction *direction, uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (direction->at < FRAME_HEADER) {
            direction->header[direction->at++] = bytes[i];
            if (direction->at < FRAME_HEADER) continue;
            uint32_t length;
            memcpy(&length, direction->header + 8, sizeof length);
            direction->body = ntohl(length);
            const uint8_t kind = direction->header[5];
            direction->damages = false;
            if ((kind == KIND_CHUNK || kind == KIND_RESULT) && direction->body > SPARED) {
                frames++;
                direction->damages = random_below(&random_, every) == 0;
            }
        } else {
            /* A chunk's payload is the last thing in its frame, and a result's too. */
            if (direction->damages && direction->at == FRAME_HEADER + direction->body - 10) {
                bytes[i] ^= 0x10;
                damaged++;
            }
            direction->at++;
        }
        if (direction->at == FRAME_HEADER + direction->body) direction->at = 0;
    }
}

static int listen_on(unsigned port) {
    const int socket_ = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, off = 0;
    const struct sockaddr_in6 address = endpoint("::", port);
    if (socket_ < 0) die("socket");
    if (setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) die("SO_REUSEADDR");
    if (setsockopt(socket_, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0) die("IPV6_V6ONLY");
    if (bind(socket_, (const struct sockaddr *)&address, sizeof address) < 0) die("bind");
    if (listen(socket_, MAX_LINKS) < 0) die("listen");
    return socket_;
}

static bool write_all(int side, const uint8_t *bytes, size_t count) {
    while (count > 0) {
        const ssize_t put = send(side, bytes, count, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR && !stopping) continue;
        if (put <= 0) return false;
        bytes += put;
        count -= (size_t)put;
    }
    return true;
}

static void end_link(struct link *link) {
    close(link->sides[0]);
    close(link->sides[1]);
    link->sides[0] = link->sides[1] = -1;
}

static void take_link(int listener, struct link *links, const struct sockaddr_in6 *remote) {
    const int near = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (near < 0) return;
    const int far = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    unsigned i = 0;
    while (i < MAX_LINKS && links[i].sides[0] >= 0) i++;
    if (i == MAX_LINKS || far < 0 || connect(far, (const struct sockaddr *)remote, sizeof *remote) < 0) {
        close(near);
        if (far >= 0) close(far);
        return;
    }
    /* Frames go on as they come: the links themselves wait for nothing either. */
    setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    links[i] = (struct link){.sides = {near, far}};
}

int corrupt_main(int count, char **arguments) {
    const char *to = NULL;
    unsigned port = 9471, to_port = 9470;
    double seed = 1;
    static const struct option options[] = {
        {"to", 1, 0, 't'},   {"port", 1, 0, 'p'}, {"to-port", 1, 0, 'P'}, {"every", 1, 0, 'e'},
        {"seed", 1, 0, 's'}, {"help", 0, 0, 'h'}, {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        switch (option) {
        case 't': to = optarg; break;
        case 'p': port = (unsigned)number(optarg, "port", 1, 65535); break;
        case 'P': to_port = (unsigned)number(optarg, "to-port", 1, 65535); break;
        case 'e': every = (unsigned)number(optarg, "every", 1, 1e9); break;
        case 's': seed = number(optarg, "seed", 0, 1e15); break;
        default: usage(corrupt_usage);
        }
    }
    if (!to || optind != count) usage(corrupt_usage);
    random_ = mix((uint64_t)seed) | 1;
    const struct sockaddr_in6 remote = endpoint(to, to_port);
    static struct link links[MAX_LINKS];
    static uint8_t buffer[BUFFER];
    for (unsigned i = 0; i < MAX_LINKS; i++) links[i].sides[0] = links[i].sides[1] = -1;
    const int listener = listen_on(port);
    stop_on_signals();
    puts("ready");
    fflush(stdout);
    while (!stopping) {
        /* What is -1 is not looked at. */
        struct pollfd waits[1 + 2 * MAX_LINKS] = {{.fd = listener, .events = POLLIN}};
        for (unsigned i = 0; i < 2 * MAX_LINKS; i++)
            waits[1 + i] = (struct pollfd){.fd = links[i / 2].sides[i % 2], .events = POLLIN};
        if (poll(waits, 1 + 2 * MAX_LINKS, -1) <= 0) continue;
        for (unsigned i = 0; i < 2 * MAX_LINKS; i++) {
            struct link *link = &links[i / 2];
            const unsigned from = i % 2;
            if (!waits[1 + i].revents || link->sides[from] != waits[1 + i].fd) continue;
            const ssize_t got = recv(link->sides[from], buffer, sizeof buffer, MSG_DONTWAIT);
            if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            if (got > 0) follow(&link->directions[from], buffer, (size_t)got);
            if (got <= 0 || !write_all(link->sides[1 - from], buffer, (size_t)got)) end_link(link);
        }
        if (waits[0].revents) take_link(listener, links, &remote);
    }
    printf("{\"frames\":%llu,\"damaged\":%llu}\n", (unsigned long long)frames, (unsigned long long)damaged);
    return 0;
}
