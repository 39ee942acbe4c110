/* A simulator in this process on a clock moved by hand, and a plain HTTP client for it: the tests
 * see status, header and body as they went over the wire. One thread. */
#pragma once

#include <jansson.h>

#include "base/clock.h"
#include "base/context.h"
#include "base/stop.h"
#include "tmdb_sim/sim.h"

/* 2026-03-09T12:00:00Z, the catalogue's own time. */
#define NOON_MS INT64_C(1773057600000)

struct sim_fixture {
    struct context context;
    struct tmdb_sim *sim;
};

struct sim_answer {
    int status;
    char *header; /* all of it */
    char *body;
    size_t body_len;
};

void sim_open(struct sim_fixture *fixture, const struct tmdb_sim_options *options, int64_t now_ms);
void sim_close(struct sim_fixture *fixture);

/* path without "/3": "/movie/11"; extra_header NULL or "Name: value\r\n". */
struct sim_answer sim_get(struct sim_fixture *fixture, const char *path, const char *extra_header);
void sim_answer_clear(struct sim_answer *answer);

/* The JSON of an answer that must have that status (asserted). Caller owns it. */
json_t *sim_json(struct sim_fixture *fixture, const char *path, int status);
/* The body of a 200. Caller frees it. */
char *sim_body(struct sim_fixture *fixture, const char *path);

/* MARQUEE_SHARED's data/tmdb; NULL, after saying skipped, where it is absent. */
char *sim_capture_dir(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)
