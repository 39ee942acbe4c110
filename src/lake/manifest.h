/* Manifest: what one batch run read and what the lake holds after it. Readers open files by
 * manifest only.
 *
 *   _current ──► runs/<run id>/manifest.json
 *                  cut      topic -> offset a partition: records below it are in
 *                  tables   "bronze/ratings" -> files (name, rows, bytes, SHA-256), the whole
 * table, old files too steps    name, rows, bytes, seconds
 *
 * Files are immutable, so a manifest stays readable until retention removes it. One owner thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/error.h"
#include "lake/lake.h"

#define MANIFEST_VERSION                                                                           \
    1 /* of the JSON and of the tables' columns; readers refuse a higher one                       \
       */
#define MANIFEST_CURRENT          "_current"
#define MANIFEST_PARTITIONS_MAX   256
#define MANIFEST_RUN_ID_BYTES_MAX 64

struct manifest_cut {
    char *topic;
    size_t partitions;
    int64_t *offsets; /* of the next record that is not in */
};

struct manifest_file {
    char *name; /* in the lake */
    int64_t rows, size_bytes;
    char *sha256; /* hex */
    int64_t from_ms,
        to_ms; /* its partition: the hour, day, month of its rows, half-open; both 0: all times */
};

struct manifest_table {
    char *name;       /* "silver/movies" */
    GPtrArray *files; /* struct manifest_file *, in the order in which they were added */
};

struct manifest_step {
    char *name;
    int64_t rows, size_bytes;
    double seconds;
};

struct manifest {
    char *run_id;
    char *previous; /* run id of the manifest that this one continues; NULL: none */
    int64_t generation;
    int64_t cut_at_ms;  /* clock at the cut */
    int64_t through_ms; /* hours below it are complete */
    int64_t
        bronze_from_ms; /* the archive of the bus holds all that arrived since; INT64_MIN: all */
    GPtrArray *cut;     /* struct manifest_cut * */
    GPtrArray *tables;  /* struct manifest_table * */
    GPtrArray *steps;   /* struct manifest_step * */
};

struct manifest *manifest_new(const char *run_id);
void manifest_free(struct manifest *manifest); /* accepts NULL */

/* The cut's entry of a topic, made (all offsets 0) where absent; partitions must agree (asserted).
 */
struct manifest_cut *manifest_cut(struct manifest *manifest, const char *topic, size_t partitions);
/* NULL where the topic isn't part of the cut. */
const struct manifest_cut *manifest_find_cut(const struct manifest *manifest, const char *topic);
/* {"movie.ratings":[12,0,...],...}, sorted by topic; newly allocated. */
char *manifest_cut_json(const struct manifest *manifest);

/* The table, made where absent. */
struct manifest_table *manifest_table(struct manifest *manifest, const char *name);
/* NULL where absent. */
const struct manifest_table *manifest_find_table(const struct manifest *manifest, const char *name);
/* A file that a table gains. Strings are copied. */
void manifest_add_file(struct manifest *manifest,
                       const char *table,
                       const struct manifest_file *file);
/* All of the table's files go (from the manifest, not from the lake). */
void manifest_clear_table(struct manifest *manifest, const char *name);
/* Takes the tables of another manifest over, replacing what is there. */
void manifest_inherit(struct manifest *manifest, const struct manifest *from);

bool manifest_step_done(const struct manifest *manifest, const char *name);
void manifest_add_step(struct manifest *manifest, const struct manifest_step *step);

/* Newly allocated. Two manifests with the same content give the same bytes. */
char *manifest_to_json(const struct manifest *manifest);
/* BADDATA with what is wrong: a manifest decides which files are read and removed, so it is never
 * trusted. */
struct manifest *manifest_parse(const char *json, size_t len, GError **error) MUST_CHECK;

/* "runs/<run id>/manifest.json" */
char *manifest_object_name(const char *run_id);
bool manifest_save(const struct manifest *manifest, struct lake *lake, GError **error) MUST_CHECK;
struct manifest *manifest_load(struct lake *lake, const char *run_id, GError **error) MUST_CHECK;

/* The published manifest; *ret_manifest is NULL where nothing was published yet. */
bool manifest_load_current(struct lake *lake,
                           struct manifest **ret_manifest,
                           GError **error) MUST_CHECK;

/* Rows, bytes and checksum of a file that is in the lake: reads it once. rows is the caller's. */
bool manifest_describe(struct lake *lake,
                       const char *name,
                       int64_t rows,
                       struct manifest_file *ret_file,
                       GError **error) MUST_CHECK;
void manifest_file_clear(struct manifest_file *file);

/* Reads the file once. BADDATA: it isn't as the manifest says; NOTFOUND: it is gone. The text names
 * it and says what to do. */
bool manifest_check_file(struct lake *lake,
                         const struct manifest_file *file,
                         GError **error) MUST_CHECK;
