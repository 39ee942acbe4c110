/* Bronze: the lake's lowest layer, immutable. What came is gathered in a table of DuckDB (which
 * spills to disk beyond batch.memory) and stored as one Parquet file a run and hour of arrival:
 *
 *   bronze/ratings/year=2026/month=03/day=03/hour=04/<run id>.parquet
 *
 * Small files don't stay: of a day, month or year that is over, files that are smaller than
 * lake.partition_min on average become one. One owner thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "batch/engine.h"
#include "lake/manifest.h"

/* A run that brings more hours than the first to a table stores them by day, more than the second
 * by month (a first archive of a long log). */
#define BRONZE_HOURS_BY_HOUR_MAX 24
#define BRONZE_HOURS_BY_DAY_MAX  (24 * 31)

struct bronze_table {
    const char *name;         /* "bronze/ratings" */
    const char *columns_path; /* sql/bronze/ratings.sql */
    const char *hours_path;   /* sql/bronze/hours_log.sql */
    const char *store_path;   /* sql/bronze/store_log.sql */
};

/* What the archive keeps: one row a table. */
extern const struct bronze_table bronze_ratings, bronze_metadata, bronze_reviews, bronze_events,
    bronze_movies, bronze_exports;
extern const struct bronze_table *const bronze_tables[];
extern const size_t bronze_tables_count;

/* Stores the rows of the engine's relation "incoming" and adds the files to the manifest. */
bool bronze_store(const struct bronze_table *table,
                  struct engine *engine,
                  struct lake *lake,
                  struct manifest *manifest,
                  int64_t *ret_rows,
                  GError **error) MUST_CHECK;

/* Joins small files of what was over at now_ms. */
bool bronze_compact(const struct bronze_table *table,
                    struct engine *engine,
                    struct lake *lake,
                    struct manifest *manifest,
                    int64_t now_ms,
                    int64_t size_min_bytes,
                    GError **error) MUST_CHECK;

/* name (of an SQL relation) becomes the table's files in the manifest. */
bool bronze_view(const struct bronze_table *table,
                 const char *name,
                 struct engine *engine,
                 struct lake *lake,
                 const struct manifest *manifest,
                 GError **error) MUST_CHECK;
