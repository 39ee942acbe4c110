/* What every stage is given: settings, time, log, metrics and the wish to stop. All outlive the
 * stage and stay the owner's (cli/). */
#pragma once

struct clock;
struct config;
struct log;
struct metrics;
struct stop;

struct context {
    const struct config *config;
    struct clock *clock;
    struct log *log;
    struct metrics *metrics;
    struct stop *stop;
};
