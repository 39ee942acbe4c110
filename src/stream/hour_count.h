/* Hour count: how many used records one partition of a topic has had in each held hour. The merge
 * counts pending late records with it. Small: retention + 1 h of hours. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

struct hour_count {
    int64_t hour; /* number since the epoch */
    int64_t used_records;
    bool dirty;
};

/* counts: of struct hour_count, ascending. */
void hour_count_add(GArray *counts, int64_t hour, int64_t used_records);
void hour_count_drop_below(GArray *counts, int64_t first_hour);
