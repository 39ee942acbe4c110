/* Output: the rows that the jobs collect for one commit. Titles in rows belong to the movies. */
#pragma once

#include <glib.h>

#include "speed/speed.h"

struct output {
    GArray *stats;         /* struct stats_row */
    GArray *sentiment;     /* struct sentiment_row */
    GArray *hour_counts;   /* struct hour_count_row */
    GArray *measures;      /* struct measure: for the ranker, which makes of them: */
    GArray *trending;      /* struct trending_row */
    GArray *trending_gone; /* int64_t: hours */
    GArray *live;          /* struct live_row */
    GArray *cascade; /* struct cascade_window: room for the job at work, nothing between calls */
};

void output_init(struct output *output);
void output_clear(struct output *output); /* empties, keeps the memory */
void output_free(struct output *output);

/* The rows as a batch for speed_write; valid until the output changes. */
struct speed_batch output_batch(const struct output *output);
