/* What the subcommands of traffic share. */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#define _GNU_SOURCE
#include <endian.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    BATCH = 64,            /* packets per system call */
    MAX_FLOWS = 1 << 20,
    MAGIC = 0x4142726e,    /* "ABrn" */
};

/* The payload of a numbered packet, network order. */
struct numbered {
    uint32_t magic, flow;
    uint64_t number;
} __attribute__((packed));
_Static_assert(sizeof(struct numbered) == 16, "the payload must fit a 64-byte IPv6 packet");

/* Set by SIGTERM and SIGINT once stop_on_signals was called; the signal also interrupts a receive. */
extern volatile sig_atomic_t stopping;
void stop_on_signals(void);

/* Prints errno for `what` and ends with status 1; prints the text and ends with status 2. */
__attribute__((noreturn)) void die(const char *what);
__attribute__((noreturn)) void usage(const char *text);

/* Monotonic time in nanoseconds. */
uint64_t now(void);

/* The number in an option's argument; ends with status 2 unless it is from `least` to `most`. */
double number(const char *text, const char *option, double least, double most);

/* An address of either family; IPv4 becomes IPv4-mapped, so that one kind of socket serves both. */
struct sockaddr_in6 endpoint(const char *text, unsigned port);
int udp_socket(void);

/* Pins the calling thread to a processor; does nothing for a negative number. */
void run_on(int processor);

int capture_main(int count, char **arguments);
int send_main(int count, char **arguments);
int race_main(int count, char **arguments);
int start_main(int count, char **arguments);
int sink_main(int count, char **arguments);
int ping_main(int count, char **arguments);
int echo_main(int count, char **arguments);
int fragments_main(int count, char **arguments);
int datagrams_main(int count, char **arguments);
int hostile_main(int count, char **arguments);
int jobs_main(int count, char **arguments);
int corrupt_main(int count, char **arguments);
int reorder_main(int count, char **arguments);

#endif
