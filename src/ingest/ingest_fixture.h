/* What the tests of ingestion stand on: a data folder of its own, a log that can be read back, and
 * the records on the bus, decoded. For tests only. */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/context.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "model/record.h"
#include "model/topic.h"

struct ingest_fixture {
    struct context context;
    struct config *config; /* context.config, to be changed before it is used */
    struct arena *arena;   /* of the records that were read */
    char *folder;
    int log_fd;
};

/* Takes the clock over. Retries are quick, and need no key. */
void ingest_fixture_open(struct ingest_fixture *fixture, struct clock *clock);
void ingest_fixture_close(struct ingest_fixture *fixture);

/* Lines of the log so far that contain the text; all of it, for what must not be in it. */
size_t ingest_fixture_log_count(struct ingest_fixture *fixture, const char *text);
char *ingest_fixture_log(struct ingest_fixture *fixture);

/* All records of a topic on the fixture's bus, by partition and offset: an array of the topic's
 * structs, in the arena. */
void *ingest_fixture_records(struct ingest_fixture *fixture, enum topic topic, size_t *ret_count);

/* Objects in the fixture's lake below prefix. */
size_t ingest_fixture_objects(struct ingest_fixture *fixture, const char *prefix);
