/* Sync's documents: rows of the speed store as documents of the speed views (docs/views.md). Any
 * thread. */
#pragma once

#include "speed/speed.h"
#include "view/view.h"

/* Each appends one JSON object to out. rows are of one key; count > 0. */
void sync_write_stats(GString *out, const struct stats_row *row);
void sync_write_sentiment(GString *out, const struct sentiment_row *rows, size_t count);
void sync_write_trending(GString *out, const struct trending_row *rows, size_t count);
void sync_write_live(GString *out, const struct live_row *rows, size_t count);
void sync_write_hour_counts(GString *out, const struct hour_count_row *rows, size_t count);

/* "stats", "sentiment", ... */
const char *sync_view_type(enum speed_table table);
