/*
 * traffic: sends numbered UDP packets of many flows, counts what arrives, and measures round trips.
 *
 *   traffic send --to ADDRESS [--rate N | --window N …] …   numbered packets, at a rate or flat out
 *   traffic race --to ADDRESS --to ADDRESS … --window N --sink NAMESPACE   compares several ways there
 *   traffic start --to ADDRESS … -- COMMAND…                         time until a program lets its first packet through
 *   traffic capture --to ADDRESS …                                   writes packets of many flows into a capture file
 *   traffic sink [--port 9000] …                                     receives them: lost, duplicated, reordered
 *   traffic fragments --to ADDRESS [--order …] …                     datagrams in fragments, in any order
 *   traffic hostile --to ADDRESS [--kinds …] …                       fragments that make no datagrams
 *   traffic datagrams [--port 9000] …                                receives whole datagrams: corrupt, duplicated
 *   traffic jobs --to ADDRESS [--jobs N] …                   large datagrams, each of which wants one right answer
 *   traffic corrupt [--every 100] …                          a TCP proxy that damages frames of links
 *   traffic reorder [--queue N] …                            lets some packets of a queue go later than others
 *   traffic ping --to ADDRESS [--port 9001] …                        round-trip times through the balancer
 *   traffic echo [--port 9001] [--name NAME]                         answers ping, from the address it was asked at
 *
 * Results are JSON objects on standard output, one per line; `traffic SUBCOMMAND --help` lists the options.
 * SIGTERM and SIGINT end sink, datagrams, echo, corrupt and reorder, which then print theirs. Exit: 0 good, 1 failed, 2 usage.
 *
 * Payload of a numbered packet, network order: magic "ABrn" (4), flow (4), number within the flow from 0 on (8).
 * 16 bytes, so that an IPv6 packet of 64 bytes holds it.
 */
#include "traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

volatile sig_atomic_t stopping;

static void stop(int signal) {
    (void)signal;
    stopping = 1;
}

/* No SA_RESTART: a signal interrupts the receive it arrives in. */
void stop_on_signals(void) {
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

void die(const char *what) {
    fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
    exit(1);
}

void usage(const char *text) {
    fputs(text, stderr);
    exit(2);
}

uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

double number(const char *text, const char *option, double least, double most) {
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (errno || end == text || *end || value < least || value > most) {
        fprintf(stderr, "traffic: --%s takes a number from %.0f to %.0f, not \"%s\"\n", option, least, most, text);
        exit(2);
    }
    return value;
}

/* An address of either family; IPv4 becomes IPv4-mapped, so that one kind of socket serves both. */
struct sockaddr_in6 endpoint(const char *text, unsigned port) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    uint8_t four[4];
    if (inet_pton(AF_INET, text, four) == 1) {
        address.sin6_addr.s6_addr[10] = address.sin6_addr.s6_addr[11] = 0xff;
        memcpy(address.sin6_addr.s6_addr + 12, four, 4);
    } else if (inet_pton(AF_INET6, text, &address.sin6_addr) != 1) {
        fprintf(stderr, "traffic: \"%s\" is no address\n", text);
        exit(2);
    }
    return address;
}

int udp_socket(void) {
    int socket_ = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), off = 0;
    if (socket_ < 0) die("socket");
    if (setsockopt(socket_, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0) die("IPV6_V6ONLY");
    return socket_;
}

void run_on(int processor) {
    if (processor < 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)processor, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0) die("processor");
}

int main(int count, char **arguments) {
    if (count >= 2) {
        if (strcmp(arguments[1], "send") == 0) return send_main(count - 1, arguments + 1);
        if (strcmp(arguments[1], "race") == 0) return race_main(count - 1, arguments + 1);
        if (strcmp(arguments[1], "start") == 0) return start_main(count - 1, arguments + 1);
        if (strcmp(arguments[1], "capture") == 0) return capture_main(count - 1, arguments + 1);
        if (strcmp(arguments[1], "sink") == 0) return sink_main(count - 1, arguments + 1);
        if (strcmp(arguments[1], "fragments") == 0) return fragments_main(count - 1, arguments + 1);
        if (strcmp(arguments[1], "hostile") == 0) return hostile_main(count - 1, arguments + 1);
        if (strcmp(arguments[1], "datagrams") == 0) return datagrams_main(count - 1, arguments + 1);
        if (strcmp(arguments[1], "jobs") == 0) return jobs_main(count - 1, arguments + 1);
        if (strcmp(arguments[1], "corrupt") == 0) return corrupt_main(count - 1, arguments + 1);
        if (strcmp(arguments[1], "reorder") == 0) return reorder_main(count - 1, arguments + 1);
        if (strcmp(arguments[1], "ping") == 0) return ping_main(count - 1, arguments + 1);
        if (strcmp(arguments[1], "echo") == 0) return echo_main(count - 1, arguments + 1);
    }
    usage("usage: traffic send|race|start|capture|sink|fragments|hostile|datagrams|jobs|corrupt|"
          "reorder|ping|echo [OPTIONS]\n"
          "`traffic SUBCOMMAND --help` lists the options.\n");
}
