/* Cron: when something is due, as crontab(5) writes it. Five fields: minute, hour, day of the
 * month, month, day of the week, in UTC.
 *
 *   0 0,4,8,12,16,20 * * *            every four hours
 *   30 2 * * mon-fri                  half past two on working days
 *
 * A field is "*", or a list of numbers and ranges, each with a step behind "/"; months and days of
 * the week also by their first three letters; Sunday is 0 and 7. Where neither day field begins
 * with "*" a day that fits either is due (cron's own rule). @hourly, @daily, @weekly, @monthly,
 * @yearly stand for themselves. Pure functions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define CRON_TEXT_BYTES_MAX 256

struct cron {
    uint64_t minutes; /* bit n: the value n */
    uint32_t hours, days, months, weekdays;
    bool either_day; /* both day fields are restricted: one of them suffices */
};

/* CONFIG: the text is no cron line, or names no day that ever comes; says which field. */
bool cron_parse(const char *text, struct cron *ret_cron, GError **error) MUST_CHECK;

/* The last time at or before, and the first after time_ms (ms UTC, years 1971 to 9000). */
int64_t cron_last(const struct cron *cron, int64_t time_ms);
int64_t cron_next(const struct cron *cron, int64_t time_ms);

/* The longest time between two that follow one another, of the first CRON_GAPS_LOOKED_AT. */
#define CRON_GAPS_LOOKED_AT 5000
int64_t cron_longest_gap_ms(const struct cron *cron);
