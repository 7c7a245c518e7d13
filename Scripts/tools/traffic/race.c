/*
 * traffic race: sends to several addresses in turn, in short slices, and tells how many packets a second arrived for
 * each: contestants are compared under the same weather.
 *
 * A shared machine changes its speed by a factor of two from one second to the next. Slices of a few hundredths of a
 * second in mirrored order, as B C A, A C B, meet the same speed, and a drift within a turn cancels out. Every turn has
 * an order of its own, drawn by a seed, so that none has always the same neighbour or always the middle. A slice ends
 * when everything sent in it has arrived, so that no contestant works during another's.
 */
#include "generator.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_LANES = 16 };

static const char race_usage[] =
    "usage: traffic race --to ADDRESS --to ADDRESS … --window PACKETS --sink NAMESPACE [--seconds 1] [--slice 50]\n"
    "                    [--seed 1] [--mtu BYTES]\n"
    "Every address gets --seconds of sending in all, in slices of --slice milliseconds; --seed draws their orders.\n"
    "With --mtu, packets that are larger go out as fragments in order, and packets means fragments.\n"
    "Prints one JSON object with one lane per address: packets arrived, lost, seconds, packets a second, the\n"
    "processor seconds that the whole machine spent meanwhile, and packets a second of each turn (two slices).\n" PLAN_USAGE;

struct lane {
    struct generator generator;
    uint64_t nanoseconds;
    double busy, *turns;
};

/* Processor time the machine has spent on anything but idling, in seconds. Ticks are coarse: sum over many slices. */
static double machine_busy(void) {
    FILE *file = fopen("/proc/stat", "r");
    unsigned long long user, nice, system, idle, wait, irq, softirq, steal;
    if (!file) die("/proc/stat");
    const int got = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &wait,
                           &irq, &softirq, &steal);
    fclose(file);
    return got == 8 ? (double)(user + nice + system + irq + softirq) / (double)sysconf(_SC_CLK_TCK) : 0;
}

static void run_slice(struct lane *lane, uint64_t length) {
    struct generator *generator = &lane->generator;
    const struct timespec pause = {0, (long)generator->plan.pause_us * 1000};
    const double busy = machine_busy();
    const uint64_t begin = now(), end = begin + length;
    for (uint64_t at = begin; !stopping && at < end; at = now()) {
        uint64_t room = generator_allowance(generator, at);
        if (room < BATCH / 2) {
            nanosleep(&pause, NULL);
            continue;
        }
        generator_burst(generator, room > BATCH ? BATCH : (unsigned)room);
    }
    generator_drain(generator);
    lane->nanoseconds += now() - begin;
    lane->busy += machine_busy() - busy;
}

static uint32_t next_random(uint32_t *state) { /* xorshift32, Marsaglia 2003 */
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Fisher and Yates. */
static void shuffle(unsigned *order, unsigned count, uint32_t *state) {
    for (unsigned left = count; left > 1; left--) {
        const unsigned drawn = (unsigned)((uint64_t)next_random(state) * left >> 32), last = order[left - 1];
        order[left - 1] = order[drawn];
        order[drawn] = last;
    }
}

int race_main(int count, char **arguments) {
    static struct lane lanes[MAX_LANES];
    const char *addresses[MAX_LANES];
    struct plan plan = default_plan;
    unsigned lane_count = 0, order[MAX_LANES];
    uint32_t state = 1;
    double seconds = 1, slice = 50;
    static const struct option options[] = {
        PLAN_OPTIONS, {"to", 1, 0, 't'}, {"seconds", 1, 0, 'd'}, {"slice", 1, 0, 'l'}, {"seed", 1, 0, 'R'},
        {"mtu", 1, 0, 'M'}, {"help", 0, 0, 'h'}, {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        switch (option) {
        case 't':
            if (lane_count == MAX_LANES) usage(race_usage);
            addresses[lane_count++] = optarg;
            break;
        case 'd': seconds = number(optarg, "seconds", 0.001, 3600); break;
        case 'l': slice = number(optarg, "slice", 1, 60000); break;
        /* Neighbouring seeds must not begin alike, and the state may not be zero. */
        case 'R': state = (uint32_t)number(optarg, "seed", 0, 1e9) * 2654435761u | 1; break;
        case 'M': plan.mtu = (unsigned)number(optarg, "mtu", LEAST_MTU, MAX_PACKET); break;
        default:
            if (!plan_option(&plan, option, optarg)) usage(race_usage);
        }
    }
    if (lane_count == 0 || plan.window == 0 || optind != count) usage(race_usage);
    for (unsigned i = 0; i < lane_count; i++) {
        plan.to = addresses[i];
        if (!plan_resolve(&plan)) usage(race_usage);
        generator_open(&lanes[i].generator, &plan, 0);
        order[i] = i;
    }
    stop_on_signals();
    generator_enter(&lanes[0].generator);
    /* Each lane has its slice once forwards and once backwards a turn. */
    unsigned turns = (unsigned)(seconds * 1000 / slice / 2 + 0.5);
    if (turns == 0) turns = 1;
    for (unsigned i = 0; i < lane_count; i++)
        if (!(lanes[i].turns = calloc(turns, sizeof *lanes[i].turns))) die("memory");
    for (unsigned turn = 0; turn < turns && !stopping; turn++) {
        uint64_t arrived[MAX_LANES], nanoseconds[MAX_LANES];
        for (unsigned i = 0; i < lane_count; i++) {
            arrived[i] = lanes[i].generator.arrived;
            nanoseconds[i] = lanes[i].nanoseconds;
        }
        const uint64_t length = (uint64_t)(slice * 1e6);
        shuffle(order, lane_count, &state);
        for (unsigned i = 0; i < lane_count; i++) run_slice(&lanes[order[i]], length);
        for (unsigned i = lane_count; i-- > 0;) run_slice(&lanes[order[i]], length);
        for (unsigned i = 0; i < lane_count; i++)
            lanes[i].turns[turn] = (double)(lanes[i].generator.arrived - arrived[i]) * 1e9 /
                                   (double)(lanes[i].nanoseconds - nanoseconds[i]);
    }
    /* A packet that was given up may have come in another lane's slice: lost is only what never came, and a machine
     * of a busy host may stand still for a second. */
    for (unsigned i = 0; i < lane_count; i++) {
        struct generator *generator = &lanes[i].generator;
        for (unsigned look = 0; look < 30; look++) {
            generator_drain(generator);
            if (generator->arrived >= generator->sent || stopping) break;
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        }
    }
    printf("{\"turns\":%u,\"lanes\":[", turns);
    for (unsigned i = 0; i < lane_count; i++) {
        const struct generator *generator = &lanes[i].generator;
        const double time = (double)lanes[i].nanoseconds / 1e9;
        printf("%s{\"to\":\"%s\",\"sent\":%llu,\"arrived\":%llu,\"lost\":%llu,\"seconds\":%.6f,\"per_second\":%.0f,"
               "\"busy_seconds\":%.2f,\"turns\":[",
               i ? "," : "", addresses[i], (unsigned long long)generator->sent, (unsigned long long)generator->arrived,
               (unsigned long long)(generator->sent - generator->arrived), time, (double)generator->arrived / time,
               lanes[i].busy);
        for (unsigned turn = 0; turn < turns; turn++) printf("%s%.0f", turn ? "," : "", lanes[i].turns[turn]);
        printf("]}");
    }
    puts("]}");
    return 0;
}
