/* Rows topic: the rows of the speed tables as records of a compacted topic, where stream.sink is
 * topic: who reads it from its start has, of each key, the last row. The records are part of the
 * commit's transaction, so a reader of committed records sees each commit whole and once.
 *
 *   key (text)                                      value (rows.h)
 *   movie_stats/MOVIE/HOUR                          the row
 *   review_sentiments/MOVIE/WINDOW                  the row
 *   trending_movies/HOUR                            all rows of the hour; none (null): it has no
 * ranks real_time_stats/METRIC/WINDOW                   the row hour_counts/TOPIC/PARTITION/HOUR
 * the row
 *
 * Hours and windows are ms UTC of their start. What belongs to a task stands in its partition, the
 * rest where the key's murmur2 says. Records leave by bus.retention. */
#pragma once

#include "base/arena.h"
#include "base/metrics.h"
#include "model/record.h"
#include "speed/speed.h"

#define ROWS_TOPIC "marquee.speed"

/* Appends a record (struct bus_message) for each row, keys and values in the arena; partition: a
 * task's, or BUS_PARTITION_BY_KEY. What only a repair makes (stats_gone, sentiment_gone) isn't
 * taken. */
void rows_topic_messages(const struct speed_batch *batch,
                         int partition,
                         struct arena *arena,
                         GArray *messages);

/* What one record says: a batch for speed_write, in the arena. BADDATA where it is none. */
bool rows_topic_read(struct span key,
                     struct span value,
                     struct arena *arena,
                     struct speed_batch *ret_batch,
                     GError **error) MUST_CHECK;

/* As speed_write counts them. */
void rows_topic_count(const struct speed_batch *batch, struct metrics *metrics);
