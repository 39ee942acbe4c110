/* Position: how far one partition of an input topic has been read, and what the classes of later
 * records depend on. Committed together with all that was computed up to it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/sql_file.h"
#include "bus/bus.h"
#include "stream/classify.h"

struct position {
    int64_t next_offset;
    int64_t end_offset; /* of the log, when it was last read; not stored */
    bool started;       /* it was committed at least once */
    bool has_event, has_append;
    int64_t highest_event_ms;  /* of records that aren't bad */
    int64_t highest_append_ms; /* of all */
    int64_t counts[RECORD_CLASS_COUNT];
    int64_t late;
    bool dirty; /* to be written */
};

/* Reads and writes positions and the tasks' watermarks. Owned by the engine. */
struct position_store;

struct position_store *
position_store_new(sqlite3 *db, const struct sql_file *sql, GError **error) MUST_CHECK;
void position_store_free(struct position_store *store); /* accepts NULL */

/* As state_record. */
void position_store_record(struct position_store *store, GByteArray *delta);

/* All zero where nothing was committed. */
bool position_read(struct position_store *store,
                   const char *topic,
                   int partition,
                   struct position *ret_position,
                   GError **error) MUST_CHECK;
bool position_write(struct position_store *store,
                    const char *topic,
                    int partition,
                    const struct position *position,
                    GError **error) MUST_CHECK;

/* WATERMARK_NONE where there is none. */
bool position_read_watermark(struct position_store *store,
                             int task,
                             int64_t *ret_watermark_ms,
                             GError **error) MUST_CHECK;
bool position_write_watermark(struct position_store *store,
                              int task,
                              int64_t watermark_ms,
                              GError **error) MUST_CHECK;

/* Compares the position with the log before anything is read. FAILED where the log ends before it
 * (its tail was lost), begins behind it (records went unread) or holds other records there (its
 * tail was lost and it has grown since): going on would skip records silently. A position that was
 * never committed is set to the log's start. */
bool position_check(struct position *position,
                    struct bus *bus,
                    const char *topic,
                    int partition,
                    GError **error) MUST_CHECK;
