/* Calendar: hours, days, months and years of UTC, as ms since the epoch: the partitions of lake and
 * views. Proleptic Gregorian, years 1 to 9999. Pure functions. */
#pragma once

#include <stdint.h>

enum calendar_unit { CALENDAR_HOUR, CALENDAR_DAY, CALENDAR_MONTH, CALENDAR_YEAR };

/* The start of the unit that holds the time, and of the one after it. */
int64_t calendar_start(enum calendar_unit unit, int64_t time_ms);
int64_t calendar_next(enum calendar_unit unit, int64_t time_ms);

/* "year=2026/month=03/day=03/hour=04", down to the unit; newly allocated. */
char *calendar_partition(enum calendar_unit unit, int64_t time_ms);
