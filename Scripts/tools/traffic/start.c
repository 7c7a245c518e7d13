/*
 * traffic start: runs a program and tells how long it took until the first packet came through it.
 *
 * Packets go out at a steady pace all the while. Without the program the kernel drops them, so the first that arrives
 * is the first it decided. Time counts from just before the program's exec.
 */
#include "generator.h"

#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char start_usage[] =
    "usage: traffic start --to ADDRESS --window PACKETS --sink NAMESPACE --in NAMESPACE [--every 200] [--timeout 5000]\n"
    "                     -- COMMAND…\n"
    "Runs COMMAND in the namespace --in (its output is thrown away), sends a packet --every microseconds, and prints\n"
    "the milliseconds until the first arrived. Then the program gets SIGTERM.\n" PLAN_USAGE;

static pid_t launch(const char *namespace, char **command) {
    const pid_t child = fork();
    if (child < 0) die("fork");
    if (child > 0) return child;
    char path[128];
    snprintf(path, sizeof path, "/run/netns/%s", namespace);
    const int other = open(path, O_RDONLY | O_CLOEXEC), nowhere = open("/dev/null", O_RDWR);
    if (other < 0 || nowhere < 0 || setns(other, CLONE_NEWNET) < 0) die(path);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    execvp(command[0], command);
    _exit(127);
}

int start_main(int count, char **arguments) {
    struct plan plan = default_plan;
    const char *where = NULL;
    double every_us = 200, timeout_ms = 5000;
    static const struct option options[] = {
        PLAN_OPTIONS, {"to", 1, 0, 't'}, {"in", 1, 0, 'n'}, {"every", 1, 0, 'e'}, {"timeout", 1, 0, 'o'},
        {"help", 0, 0, 'h'}, {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "+", options, NULL)) != -1;) {
        switch (option) {
        case 't': plan.to = optarg; break;
        case 'n': where = optarg; break;
        case 'e': every_us = number(optarg, "every", 10, 1e6); break;
        case 'o': timeout_ms = number(optarg, "timeout", 1, 1e6); break;
        default:
            if (!plan_option(&plan, option, optarg)) usage(start_usage);
        }
    }
    if (!plan.to || !where || plan.window == 0 || optind == count || !plan_resolve(&plan)) usage(start_usage);
    static struct generator generator;
    generator_open(&generator, &plan, 0);
    stop_on_signals();
    const struct timespec pause = {0, (long)(every_us * 1000) % 1000000000};
    const uint64_t begin = now(), end = begin + (uint64_t)(timeout_ms * 1e6);
    const pid_t child = launch(where, arguments + optind);
    uint64_t at = begin;
    while (!stopping && at < end && generator.arrived == 0) {
        generator_burst(&generator, 1);
        nanosleep(&pause, NULL);
        generator_allowance(&generator, at = now());
    }
    kill(child, SIGTERM);
    int status;
    waitpid(child, &status, 0);
    if (generator.arrived == 0) {
        fprintf(stderr, "traffic: nothing came through %s\n", arguments[optind]);
        return 1;
    }
    printf("{\"first_arrival_ms\":%.3f}\n", (double)(at - begin) / 1e6);
    return 0;
}
