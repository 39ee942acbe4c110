/* Raw store: TMDB's answers as they came, on their way to bronze/movies.
 *
 *   ingest ── put ──► buffer ── flush ──► spool/movies/<time>-<pid>-<n>.jsonl.zst ── batch ──►
 * bronze/movies Parquet
 *
 * One JSON object a line: {"movie_id", "api_endpoint", "extraction_timestamp", "raw_json"},
 * raw_json being the body as a string, byte for byte (bodies that aren't UTF-8 are refused). A
 * spool file appears whole or not at all. One owner thread a store; several processes may spool
 * into one lake. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"
#include "base/error.h"
#include "lake/lake.h"

#define RAW_STORE_PREFIX         "spool/movies/"
#define RAW_STORE_BODY_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define RAW_STORE_FLUSH_BYTES                                                                      \
    ((size_t)4 * 1024 * 1024)            /* of JSON lines: a put that reaches it flushes */
#define RAW_STORE_FLUSH_MS INT64_C(5000) /* monotonic age at which raw_store_tick flushes */

struct raw_store;

/* context and lake outlive the store. */
struct raw_store *raw_store_open(const struct context *context, struct lake *lake);
/* Flushes what it can; accepts NULL. Call raw_store_flush before, where a failure matters. */
void raw_store_close(struct raw_store *store);

/* endpoint is the path as asked, with the blocks that were appended:
 * "/movie/550?append_to_response=credits,keywords", never with a key. Durable once a flush has
 * returned true. BADDATA: the body is too long or not UTF-8. */
bool raw_store_put(struct raw_store *store,
                   int32_t movie_id,
                   const char *endpoint,
                   int64_t extraction_timestamp_ms,
                   const char *body,
                   size_t len,
                   GError **error) MUST_CHECK;

/* Makes durable what was put. On failure nothing is lost: call again. */
bool raw_store_flush(struct raw_store *store, GError **error) MUST_CHECK;
/* Flushes when the oldest answer has waited RAW_STORE_FLUSH_MS; call it in the stage's loop. */
bool raw_store_tick(struct raw_store *store, GError **error) MUST_CHECK;

/* For batch: calls row for each answer of one spool file, in order. Strings live during the call.
 * False stops. */
struct raw_answer {
    int32_t movie_id;
    const char *endpoint;
    int64_t extraction_timestamp_ms;
    const char *body;
    size_t body_len;
};
typedef bool (*raw_answer_fn)(void *user, const struct raw_answer *answer, GError **error);
bool raw_store_read(
    struct lake *lake, const char *name, raw_answer_fn row, void *user, GError **error) MUST_CHECK;
