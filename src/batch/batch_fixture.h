/* What tests of whole runs share: records and answers that come in, a run, and what is published
 * after it. All assert that they succeed but fixture_run. */
#pragma once

#include "batch/batch_run.h"
#include "batch/test_world.h"
#include "model/record.h"
#include "model/topic.h"

/* A record of the topic, as the model has it, keyed by the movie. */
void fixture_produce(struct test_world *world,
                     enum topic topic,
                     int32_t movie_id,
                     const void *record);
/* Bytes that are no record. */
void fixture_produce_bytes(struct test_world *world, enum topic topic, const char *bytes);
/* A rating of the movie now: vote_average 8.4, 100 votes. */
void fixture_rate(struct test_world *world, int32_t movie_id, double popularity);

/* An answer of TMDB to /movie/<id> now, in a spool file of its own. */
void fixture_spool(struct test_world *world, int32_t movie_id, const char *body);

bool fixture_run(struct test_world *world, GError **error);
void fixture_run_well(struct test_world *world);
/* A run in a process of its own that dies at a fail point. */
void fixture_die_at(struct test_world *world, const char *point);

/* The answer of a query over the published lake as JSON lines; free() it. */
char *fixture_ask(struct test_world *world, const char *sql);
void fixture_expect(struct test_world *world, const char *sql, const char *wanted);
/* 0: none is published. */
int64_t fixture_generation(struct test_world *world);
/* The served batch document of a movie; NULL: none. Newly allocated. */
char *fixture_document(struct test_world *world, const char *view_type, int32_t movie_id);
