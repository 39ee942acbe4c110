/* TMDB simulator: TMDB's own paths, shapes and errors over HTTP on 127.0.0.1, from a catalogue
 * whose numbers move with the clock. docs/simulator.md lists paths, flags and faults.
 *
 *   request ─► faults (429, 500, wait) ─► key ─► path ─► state at the clock's time, or at as_of=MS
 *          ◄─ log ◄─ faults (cut, page, lost block) ◄─┘
 *
 * The state is a pure function of (seed, movie, time): a restart answers the same bytes. */
#pragma once

#include "base/context.h"
#include "base/error.h"
#include "tmdb_sim/evolution.h"
#include "tmdb_sim/faults.h"

struct tmdb_sim;

struct tmdb_sim_options {
    int port;                /* 0: a free one */
    const char *capture_dir; /* NULL: the built-in catalogue */
    uint64_t seed;
    int movies;              /* 0: as many as there are */
    bool premieres;          /* made-up movies appear over time */
    const char *fault;       /* faults.h; NULL: none */
    const char *request_log; /* a file; NULL: none */
    const char *require_key; /* NULL: any key and none will do */
    const struct planted_burst *bursts;
    size_t bursts_count; /* at most PLANTED_BURSTS_MAX */
};

#define TMDB_SIM_OPTIONS_DEFAULT                                                                   \
    {                                                                                              \
        .seed = 1, .premieres = true                                                               \
    }

/* Of the context it needs clock and stop; metrics and log may be NULL. Options are copied where
 * they are needed later. CONFIG: a flag, a port or a file is wrong; BADDATA, NOTFOUND: the capture
 * is. */
struct tmdb_sim *tmdb_sim_start(const struct context *context,
                                const struct tmdb_sim_options *options,
                                GError **error) MUST_CHECK;
int tmdb_sim_port(const struct tmdb_sim *sim);
const char *tmdb_sim_url(const struct tmdb_sim *sim); /* "http://127.0.0.1:8099/3" */
/* Ends running answers; accepts NULL. */
void tmdb_sim_stop(struct tmdb_sim *sim);

/* Any thread. Requests answered, and those to which a fault was done. */
uint64_t tmdb_sim_requests(const struct tmdb_sim *sim);
uint64_t tmdb_sim_faults(const struct tmdb_sim *sim, enum fault_kind kind);
