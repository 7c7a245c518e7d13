/* traffic send: packets at a rate, flat out, or as many as a window lets out. */
#include "generator.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MAX_THREADS = 64 };

static const char send_usage[] =
    "usage: traffic send --to ADDRESS [--rate PACKETS/S, 0 = flat out] [--duration 1 | --count PACKETS] [--threads 1]\n"
    "Sends numbered UDP packets. At a rate they go out in bursts every --pause microseconds. Threads share flows and\n"
    "rate. Prints what was sent, and with a window what arrived.\n" PLAN_USAGE;

struct sender {
    struct generator generator;
    pthread_t thread;
    double rate, duration, cpu_seconds;
    uint64_t limit;
};

static void *run(void *argument) {
    struct sender *sender = argument;
    struct generator *generator = &sender->generator;
    const struct plan *plan = &generator->plan;
    generator_enter(generator);
    const double wait =
        sender->rate > 0 && 1e9 / sender->rate > plan->pause_us * 1e3 ? 1e9 / sender->rate : plan->pause_us * 1e3;
    const struct timespec pause = {(time_t)(wait / 1e9), (long)((uint64_t)wait % 1000000000u)};
    const uint64_t begin = now();
    const uint64_t end = sender->duration > 0 ? begin + (uint64_t)(sender->duration * 1e9) : UINT64_MAX;
    for (uint64_t at = begin; !stopping && at < end && generator->sent < sender->limit; at = now()) {
        uint64_t due = BATCH;
        if (sender->rate > 0) {
            const uint64_t target = (uint64_t)((double)(at - begin) * sender->rate / 1e9) + 1;
            if (target <= generator->sent) {
                nanosleep(&pause, NULL);
                continue;
            }
            due = target - generator->sent;
        }
        if (plan->window) {
            const uint64_t room = generator_allowance(generator, at);
            if (room < BATCH / 2) {
                nanosleep(&pause, NULL);
                continue;
            }
            if (due > room) due = room;
        }
        if (due > BATCH) due = BATCH;
        if (due > sender->limit - generator->sent) due = sender->limit - generator->sent;
        generator_burst(generator, (unsigned)due);
    }
    if (plan->window) generator_drain(generator);
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    sender->cpu_seconds = (double)used.tv_sec + (double)used.tv_nsec / 1e9;
    return NULL;
}

int send_main(int count, char **arguments) {
    struct plan plan = default_plan;
    double rate = 0, duration = 1, packets = 0;
    static const struct option options[] = {
        PLAN_OPTIONS, {"to", 1, 0, 't'}, {"rate", 1, 0, 'r'}, {"duration", 1, 0, 'd'}, {"count", 1, 0, 'c'},
        {"threads", 1, 0, 'n'}, {"help", 0, 0, 'h'}, {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        switch (option) {
        case 't': plan.to = optarg; break;
        case 'r': rate = number(optarg, "rate", 0, 1e9); break;
        case 'd': duration = number(optarg, "duration", 0, 1e6); break;
        case 'c': packets = number(optarg, "count", 1, 1e15); break;
        case 'n': plan.threads = (unsigned)number(optarg, "threads", 1, MAX_THREADS); break;
        default:
            if (!plan_option(&plan, option, optarg)) usage(send_usage);
        }
    }
    if (!plan.to || optind != count || !plan_resolve(&plan) || (plan.urgent && rate == 0 && !plan.window) ||
        (plan.window && plan.threads != 1))
        usage(send_usage);

    static struct sender senders[MAX_THREADS];
    const uint64_t wanted = (uint64_t)packets;
    for (unsigned i = 0; i < plan.threads; i++) {
        generator_open(&senders[i].generator, &plan, i);
        senders[i].rate = rate / plan.threads;
        senders[i].duration = wanted ? 0 : duration;
        /* The first threads take what an even split of --count leaves over. */
        senders[i].limit = wanted ? wanted / plan.threads + (i < wanted % plan.threads) : UINT64_MAX;
    }
    stop_on_signals();
    const uint64_t begin = now();
    for (unsigned i = 0; i < plan.threads; i++)
        if ((errno = pthread_create(&senders[i].thread, NULL, run, &senders[i])) != 0) die("thread");
    uint64_t sent = 0, refused = 0, arrived = 0;
    double cpu_seconds = 0;
    for (unsigned i = 0; i < plan.threads; i++) {
        pthread_join(senders[i].thread, NULL);
        sent += senders[i].generator.sent;
        refused += senders[i].generator.refused;
        arrived += senders[i].generator.arrived;
        cpu_seconds += senders[i].cpu_seconds;
    }
    const double elapsed = (double)(now() - begin) / 1e9;
    printf("{\"sent\":%llu,\"flows\":%u,\"size\":%u,\"seconds\":%.6f,\"per_second\":%.0f,\"refused\":%llu,"
           "\"cpu_seconds\":%.6f",
           (unsigned long long)sent, plan.flows, plan.size, elapsed, (double)sent / elapsed,
           (unsigned long long)refused, cpu_seconds);
    if (plan.window)
        printf(",\"arrived\":%llu,\"arrived_per_second\":%.0f", (unsigned long long)arrived,
               (double)arrived / elapsed);
    puts("}");
    return 0;
}
