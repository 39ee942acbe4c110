/* Intake: takes fetched records into their task until a commit is due, and keeps the bad ones, as
 * dead letters, for that commit. Both engines have one. One owner thread. */
#pragma once

#include "stream/task.h"

/* Bad records waiting for a commit; more make it come early. */
#define INTAKE_LETTERS_MAX      1000
#define INTAKE_LETTER_BYTES_MAX ((size_t)8 * 1024 * 1024)

/* A bad record waiting for the commit that passes it. */
struct letter {
    const char *topic;
    int partition;
    int64_t offset;
    char *reason;
    GBytes *bytes;
};

struct intake {
    const struct context *context;
    struct serde *serde;
    const struct stream_settings *settings;
    int64_t records_pending; /* taken since the last commit */
    GArray *letters;         /* struct letter */
    size_t letter_bytes;
    struct arena *results; /* of one record's reasons */
};

/* All arguments outlive it. */
struct intake *intake_new(const struct context *context,
                          struct serde *serde,
                          const struct stream_settings *settings);
void intake_free(struct intake *intake); /* accepts NULL */

/* What was taken is committed, or will be read again. */
void intake_clear(struct intake *intake);

/* The partition is another's from now on: its letters go. */
void intake_drop(struct intake *intake, int partition);

bool intake_due(const struct intake *intake);

/* Takes the records of a fetched batch until a commit is due; the rest is to be fetched again.
 * After an error task->half_done says whether its state is still that of whole records. */
bool intake_take(struct intake *intake,
                 struct task *task,
                 struct late_ledger *late_ledger,
                 unsigned input,
                 const struct bus_batch *batch,
                 GError **error) MUST_CHECK;

/* At least once: after a crash, or a produce call whose outcome isn't known, a letter may stand
 * twice; topic, partition and offset in it tell. */
bool intake_send_letters(struct intake *intake, struct bus *bus, GError **error) MUST_CHECK;
