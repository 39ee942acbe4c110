/* Request log: one JSON line a request, written when it has been answered, so that a test can prove
 * what a client did:
 *
 *   {"number":7,"world_ms":…,"real_ms":…,"method":"GET","path":"/3/movie/603?page=1","status":429,
 *    "fault":"storm","bytes":101}
 *
 * real_ms is the machine's monotonic time. The path has its query, without the key. fault is null,
 * or the faults that were done, joined by "+". Any thread. */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct request_log;

struct request_log_entry {
    uint64_t number;
    int64_t world_ms, real_ms;
    const char *method, *path, *fault; /* fault: NULL for none */
    int status;
    size_t bytes;
};

/* Replaces the file. CONFIG where it can't be written. */
struct request_log *request_log_open(const char *path, GError **error) MUST_CHECK;
void request_log_close(struct request_log *log); /* accepts NULL */
/* A NULL log swallows it. */
void request_log_write(struct request_log *log, const struct request_log_entry *entry);
