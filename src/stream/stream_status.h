/* Stream status: how far the engine has committed, read from outside (another process, another
 * thread) without disturbing it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"
#include "stream/late_ledger.h"

struct stream_partition_status {
    const char *topic;
    int32_t partition;
    int64_t next_offset; /* of the next record to be read: lag is the bus' end less this */
    int64_t used, duplicate, expired, bad, late; /* records so far */
};

struct stream_status {
    bool watermark_known;
    int64_t watermark_ms;                       /* the least of the tasks */
    struct stream_partition_status *partitions; /* by topic, then partition */
    size_t partitions_count;
};

/* NOTFOUND where the engine has never run. On Kafka: what the tasks' files of this data folder say,
 * of each task the furthest one. */
bool stream_status_read(const struct context *context,
                        struct arena *arena,
                        struct stream_status *ret_status,
                        GError **error) MUST_CHECK;

/* The newest entries of the late ledger, newest first, at most count_max. NOTFOUND as above. On
 * Kafka, where each task has its own: of all together, by the watermark at which they came. */
bool stream_status_late(const struct context *context,
                        struct arena *arena,
                        size_t count_max,
                        struct late_entry **ret_entries,
                        size_t *ret_count,
                        GError **error) MUST_CHECK;
