/* Report: what a task's commit tells the global task (ranker and live statistics), through the one
 * partition of REPORT_TOPIC, in the same transaction: how far it is, its measures, new titles, and
 * its part of the minutes that changed.
 *
 * Bytes: format byte, task, watermark and horizon as zigzag varints, then any number of items, each
 * a tag byte and, length before it, its bytes; last a CRC-32. 'M': a list of measures (measure.h).
 * 'T': movie as zigzag varint, title. 'L': minute as zigzag varint, its bytes (live_minute.h). What
 * is too much for one record goes on in the next: each can be taken by itself. */
#pragma once

#include <glib.h>

#include "stream/measure.h"

#define REPORT_TOPIC "marquee.stream.measures"
/* Records smaller than this can't hold every item. */
#define REPORT_RECORD_BYTES_MIN ((size_t)16 * 1024)

/* One process's making of a report: begin, any number of items, end. */
struct report_writer;

struct report_writer *report_writer_new(size_t record_bytes_max);
void report_writer_free(struct report_writer *writer); /* accepts NULL */

void report_begin(struct report_writer *writer, int task, int64_t watermark_ms, int64_t horizon_ms);
/* measures: of struct measure. */
void report_measures(struct report_writer *writer, const GArray *measures);
/* A title that is longer than a record holds is cut: it is decoration. */
void report_title(struct report_writer *writer, int32_t movie_id, const char *title);
void report_live(struct report_writer *writer, int64_t minute, struct span bytes);
/* Appends the records to records, as GBytes. */
void report_end(struct report_writer *writer, GPtrArray *records);

/* What takes a record's items. measures: of struct measure, in the order of the lists. */
struct report_reader {
    bool (*title)(int task, int32_t movie_id, struct span title, void *user, GError **error);
    bool (*live)(int task, int64_t minute, struct span bytes, void *user, GError **error);
    GArray *measures;
    void *user;
};

struct report_head {
    int task;
    int64_t watermark_ms, horizon_ms;
};

/* BADDATA where the bytes are none; items before the fault have been taken. */
bool report_read(struct span record,
                 const struct report_reader *reader,
                 struct report_head *ret_head,
                 GError **error) MUST_CHECK;
