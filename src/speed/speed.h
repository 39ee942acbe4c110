/* Speed store: the tables of the speed layer (contracts/speed.sql, contracts/speed.cql), kept for
 * speed.retention after their hour's end, with a feed of the keys that changed.
 *
 *   stream ── speed_write ──► tables + feed (one transaction)
 *   sync   ── speed_feed ──► keys ── speed_read_* ──► rows
 *
 * hour and window times are ms UTC of their start. Readers filter by hour, so that what `clock` has
 * expired is never seen, swept or not: a row is held while hour + 1 h + retention > now. A struct
 * speed belongs to one thread; several threads and processes may have the store open. Callers
 * include this; backends include speed_backend.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"

struct speed;

enum speed_table {
    SPEED_SENTIMENT,
    SPEED_STATS,
    SPEED_TRENDING,
    SPEED_LIVE,
    SPEED_HOUR_COUNTS,
    SPEED_TABLE_COUNT
};

/* "review_sentiments", "movie_stats", "trending_movies", "real_time_stats", "hour_counts". */
const char *speed_table_name(enum speed_table table);

/* sequence of a row that was read: of the batch that wrote it, where the store keeps that (it does
 * on Cassandra), else 0. Writers ignore it. */
struct sentiment_row {
    int32_t movie_id;
    int64_t hour_ms, window_start_ms, window_end_ms;
    int64_t sentiment_sum_e4;
    int32_t review_count, positive_count, negative_count, neutral_count;
    double avg_sentiment;
    bool has_velocity;
    double sentiment_velocity;
    int64_t sequence;
};

struct stats_row {
    int32_t movie_id;
    int64_t hour_ms;
    const char *title; /* NULL before the first metadata; outside the equality */
    int64_t popularity_e4, vote_average_e4;
    int32_t vote_count;
    bool has_velocity;
    double rating_velocity;
    int64_t last_updated_ms; /* event time of the observation */
    int64_t sequence;
};

struct trending_row {
    int64_t hour_ms, window_end_ms;
    int32_t rank, movie_id;
    const char *title;
    double trending_score, velocity;
    bool has_acceleration;
    double acceleration;
    int64_t sequence;
};

struct live_row {
    const char *metric;
    int64_t hour_ms, window_start_ms;
    double value;
};

/* Used records a topic, partition and hour: what the merge counts pending late records with. */
struct hour_count_row {
    const char *topic;
    int32_t partition;
    int64_t hour_ms;
    int64_t used_records;
    int64_t sequence;
};

/* Everything that one stream commit changes. Strings live until the write returns. */
struct speed_batch {
    /* Who writes, and its how manieth write this is, where the writer repeats what it isn't sure of
     * (a task of the engine on Kafka: its number, and its changelog offset + 1, so rising). A batch
     * whose sequence isn't above the source's last one is there already and is left out. sequence
     * 0: the caller repeats nothing. */
    int32_t source;
    int64_t sequence;
    /* Rows of another one than the source (batch/reconcile.h): over all that it wrote up to
     * sequence, and under whatever it writes next. Its next sequence is at least sequence + 2, as a
     * Kafka transaction ends with a record of its own. */
    bool repair;
    struct sentiment_row *sentiment;
    size_t sentiment_count;
    struct stats_row *stats;
    size_t stats_count;
    struct trending_row *trending; /* whole hours: an hour that occurs here replaces its old rows */
    size_t trending_count;
    int64_t *trending_gone; /* hours that have no ranks any more */
    size_t trending_gone_count;
    struct live_row *live;
    size_t live_count;
    struct hour_count_row *hour_counts;
    size_t hour_counts_count;
    /* Windows whose last review was retracted: their rows go. */
    struct sentiment_row *sentiment_gone;
    size_t sentiment_gone_count;
    /* Hours of movies that have no observation; only a repair finds such (batch/reconcile.h). */
    struct stats_row *stats_gone;
    size_t stats_gone_count;
};

/* A key that changed. Trending: movie_id 0. Sentiment and stats: (movie_id, hour). Hour counts and
 * live: movie_id 0. */
struct speed_change {
    int64_t sequence;
    enum speed_table table;
    int32_t movie_id;
    int64_t hour_ms;
};

/* The backend that config->speed_backend names, for readers and for sync. */
struct speed *speed_open(const struct context *context, GError **error) MUST_CHECK;
void speed_close(struct speed *speed); /* accepts NULL */

/* Upserts and appends the changed keys to the feed, all or nothing. Rows whose hour clock has
 * expired are left out, and so is a whole batch that the store has already (sequence). */
bool speed_write(struct speed *speed, const struct speed_batch *batch, GError **error) MUST_CHECK;

/* The sequence of the source's last batch of which all rows are there: what is read afterwards
 * holds them. 0: there is none. */
bool speed_written(struct speed *speed, int32_t source, int64_t *ret_sequence, GError **error)
    MUST_CHECK;

/* Changes with a sequence above after, oldest first, at most count_max; a key that changed again
 * stands once, at its latest sequence. */
bool speed_feed(struct speed *speed,
                int64_t after,
                size_t count_max,
                struct arena *arena,
                struct speed_change **ret_changes,
                size_t *ret_count,
                GError **error) MUST_CHECK;

/* Rows of a movie with from_hour_ms <= hour < to_hour_ms, by hour then window. */
bool speed_read_stats(struct speed *speed,
                      int32_t movie_id,
                      int64_t from_hour_ms,
                      int64_t to_hour_ms,
                      struct arena *arena,
                      struct stats_row **ret_rows,
                      size_t *ret_count,
                      GError **error) MUST_CHECK;
bool speed_read_sentiment(struct speed *speed,
                          int32_t movie_id,
                          int64_t from_hour_ms,
                          int64_t to_hour_ms,
                          struct arena *arena,
                          struct sentiment_row **ret_rows,
                          size_t *ret_count,
                          GError **error) MUST_CHECK;
/* Rows of many keys of one table, by movie, hour and window; changes of other tables are passed
 * over. A store on other machines is asked for all of them at once. */
bool speed_read_changed_stats(struct speed *speed,
                              const struct speed_change *changes,
                              size_t change_count,
                              struct arena *arena,
                              struct stats_row **ret_rows,
                              size_t *ret_count,
                              GError **error) MUST_CHECK;
bool speed_read_changed_sentiment(struct speed *speed,
                                  const struct speed_change *changes,
                                  size_t change_count,
                                  struct arena *arena,
                                  struct sentiment_row **ret_rows,
                                  size_t *ret_count,
                                  GError **error) MUST_CHECK;
/* Rows of all movies, by (movie_id, hour): for reconciliation and tests. */
bool speed_scan_stats(struct speed *speed,
                      struct arena *arena,
                      struct stats_row **ret_rows,
                      size_t *ret_count,
                      GError **error) MUST_CHECK;
bool speed_scan_sentiment(struct speed *speed,
                          struct arena *arena,
                          struct sentiment_row **ret_rows,
                          size_t *ret_count,
                          GError **error) MUST_CHECK;
/* Ranks of the hours, by hour then rank. */
bool speed_read_trending(struct speed *speed,
                         int64_t from_hour_ms,
                         int64_t to_hour_ms,
                         struct arena *arena,
                         struct trending_row **ret_rows,
                         size_t *ret_count,
                         GError **error) MUST_CHECK;
/* metric NULL: all of them. */
bool speed_read_live(struct speed *speed,
                     const char *metric,
                     int64_t from_hour_ms,
                     int64_t to_hour_ms,
                     struct arena *arena,
                     struct live_row **ret_rows,
                     size_t *ret_count,
                     GError **error) MUST_CHECK;
bool speed_read_hour_counts(struct speed *speed,
                            int64_t from_hour_ms,
                            int64_t to_hour_ms,
                            struct arena *arena,
                            struct hour_count_row **ret_rows,
                            size_t *ret_count,
                            GError **error) MUST_CHECK;

/* Removes rows whose hour has expired by clock and feed entries up to feed_done (what sync has
 * copied). At most rows_max a call; ret_rows: how many went. Another writer may hold the store:
 * AGAIN. */
bool speed_expire(struct speed *speed,
                  int64_t feed_done,
                  size_t rows_max,
                  int64_t *ret_rows,
                  GError **error) MUST_CHECK;

/* What a look at the backend itself finds: its tables' options, its clock (marquee doctor). */
struct findings;
bool speed_inspect(struct speed *speed, struct findings *findings, GError **error) MUST_CHECK;
