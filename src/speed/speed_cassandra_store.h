/* What speed_cassandra.c (open), _write.c, _read.c, _feed.c and _inspect.c share. Nobody else
 * includes it. */
#pragma once

#include "base/clock.h"
#include "base/config.h"
#include "base/sql_file.h"
#include "cql/cql.h"
#include "speed/speed_backend.h"
#include "speed/speed_cassandra.h"

/* Statements of contracts/speed.cql. */
enum cassandra_statement {
    CASSANDRA_PUT_STATS,
    CASSANDRA_DROP_STATS,
    CASSANDRA_PUT_SENTIMENT,
    CASSANDRA_DROP_SENTIMENT,
    CASSANDRA_PUT_TRENDING,
    CASSANDRA_DROP_TRENDING,
    CASSANDRA_PUT_LIVE,
    CASSANDRA_PUT_LIVE_METRIC,
    CASSANDRA_PUT_HOUR_COUNT,
    CASSANDRA_PUT_FEED,
    CASSANDRA_READ_FEED,
    CASSANDRA_DROP_FEED,
    CASSANDRA_PUT_NUMBER,
    CASSANDRA_READ_NUMBER,
    CASSANDRA_READ_STATS,
    CASSANDRA_SCAN_STATS,
    CASSANDRA_READ_SENTIMENT,
    CASSANDRA_SCAN_SENTIMENT,
    CASSANDRA_READ_TRENDING,
    CASSANDRA_READ_LIVE_METRICS,
    CASSANDRA_READ_LIVE,
    CASSANDRA_READ_HOUR_COUNTS,
    CASSANDRA_STATEMENT_COUNT,
};

struct speed_cassandra {
    struct speed base;
    struct clock *clock; /* the machine's: of time-outs */
    struct cql *cql;
    sql_file *texts;
    struct cql_statement *statements[CASSANDRA_STATEMENT_COUNT];
    GError *failure; /* the first one of what is under way */
    /* Keys that this handle wrote, and which of their columns that may be absent have a value:
     * CASSANDRA_HAS_*. Hours from first_own_ms on were never written by anybody before it. */
    GHashTable *known_stats, *known_sentiment;
    int64_t first_own_ms;
    GHashTable *known_metrics; /* "hour metric" that live_metrics has */
    int64_t feed_segment;      /* one that exists or existed */
    int64_t write_sequence;    /* of the last batch without one */
    struct cql_stats counted;  /* already in the metrics */
};

struct speed_cassandra *speed_cassandra_self(struct speed *speed);
/* A statement of contracts/speed.cql with the settings in it; newly allocated. */
char *speed_cassandra_text(const struct speed_cassandra *store, const char *name);
/* Whether contracts/speed.cql makes a table of that name. */
bool speed_cassandra_has_table(const char *name);
/* Prepared at its first use; NULL on failure. */
struct cql_statement *speed_cassandra_use(struct speed_cassandra *store,
                                          enum cassandra_statement which,
                                          GError **error) MUST_CHECK;
/* Waits until nothing is under way; the first failure of what was, if any. */
bool speed_cassandra_settle(struct speed_cassandra *store, GError **error) MUST_CHECK;
/* A done for what has no rows. */
void speed_cassandra_written(void *store, struct cql_rows *rows, bool last, const GError *error);
void speed_cassandra_fail(struct speed_cassandra *store, const GError *error);

/* One of speed_numbers; 0 where it isn't there. */
bool speed_cassandra_read_number(struct speed_cassandra *store,
                                 const char *name,
                                 int64_t *ret_value,
                                 GError **error) MUST_CHECK;
/* Under way when it returns. */
bool speed_cassandra_put_number(struct speed_cassandra *store,
                                const char *name,
                                int64_t value,
                                GError **error) MUST_CHECK;

extern const struct cql_execute_options speed_cassandra_write_options, speed_cassandra_read_options;

/* speed_cassandra_write.c */
bool speed_cassandra_write(struct speed *speed,
                           const struct speed_batch *batch,
                           int64_t first_held_ms,
                           GError **error);

bool speed_cassandra_written_by(struct speed *speed,
                                int32_t source,
                                int64_t *ret_sequence,
                                GError **error);

/* speed_cassandra_feed.c. keys: of struct speed_change without sequences, sorted, each once. */
bool speed_cassandra_append(struct speed_cassandra *store, GArray *keys, GError **error) MUST_CHECK;
bool speed_cassandra_feed(struct speed *speed,
                          int64_t after,
                          size_t count_max,
                          struct arena *arena,
                          struct speed_change **ret_changes,
                          size_t *ret_count,
                          GError **error);
bool speed_cassandra_expire_feed(
    struct speed *speed, int64_t feed_done, size_t rows_max, int64_t *ret_rows, GError **error);

/* speed_cassandra_read.c */
bool speed_cassandra_read_stats(struct speed *speed,
                                int64_t movie_id,
                                int64_t from_hour_ms,
                                int64_t to_hour_ms,
                                struct arena *arena,
                                struct stats_row **ret_rows,
                                size_t *ret_count,
                                GError **error);
bool speed_cassandra_read_sentiment(struct speed *speed,
                                    int64_t movie_id,
                                    int64_t from_hour_ms,
                                    int64_t to_hour_ms,
                                    struct arena *arena,
                                    struct sentiment_row **ret_rows,
                                    size_t *ret_count,
                                    GError **error);
bool speed_cassandra_read_changed(struct speed *speed,
                                  enum speed_table table,
                                  const struct speed_change *changes,
                                  size_t change_count,
                                  int64_t first_held_ms,
                                  struct arena *arena,
                                  void **ret_rows,
                                  size_t *ret_count,
                                  GError **error);
bool speed_cassandra_read_trending(struct speed *speed,
                                   int64_t from_hour_ms,
                                   int64_t to_hour_ms,
                                   struct arena *arena,
                                   struct trending_row **ret_rows,
                                   size_t *ret_count,
                                   GError **error);
bool speed_cassandra_read_live(struct speed *speed,
                               const char *metric,
                               int64_t from_hour_ms,
                               int64_t to_hour_ms,
                               struct arena *arena,
                               struct live_row **ret_rows,
                               size_t *ret_count,
                               GError **error);
bool speed_cassandra_read_hour_counts(struct speed *speed,
                                      int64_t from_hour_ms,
                                      int64_t to_hour_ms,
                                      struct arena *arena,
                                      struct hour_count_row **ret_rows,
                                      size_t *ret_count,
                                      GError **error);

/* speed_cassandra_inspect.c */
struct findings;
bool speed_cassandra_inspect(struct speed *speed, struct findings *findings, GError **error);
