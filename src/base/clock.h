/* Clock: the only door to time. Two times, never mixed:
 *
 *   clock_now_ms        the world's time, ms UTC since the epoch: windows, retention, expiry, cron.
 *                       It may be real, scaled (a demo's second is a minute) or moved by hand.
 *   clock_monotonic_ms  how long this process has waited: commit intervals, back-off, HTTP, idle.
 *                       Real for real and scaled clocks; a manual clock moves it by hand too.
 *
 * All functions may be called from any thread. */
#pragma once

#include <stdint.h>
#include <time.h>

#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR   (60 * MS_PER_MINUTE)
#define MS_PER_DAY    (24 * MS_PER_HOUR)

struct clock;

struct clock *clock_new_real(void);

/* now = start_ms + (elapsed real time since this call) * speed. speed > 0. */
struct clock *clock_new_scaled(int64_t start_ms, double speed);

/* As clock_new_scaled, but anchored at a real instant that several processes share:
 * now = start_ms + (real now - anchor_ms) * speed. */
struct clock *clock_new_anchored(int64_t start_ms, int64_t anchor_ms, double speed);

struct clock *clock_new_manual(int64_t start_ms);
void clock_free(struct clock *clock); /* accepts NULL */

int64_t clock_now_ms(const struct clock *clock);
int64_t clock_monotonic_ms(const struct clock *clock);

/* As clock_monotonic_ms, in microseconds: for durations in metrics, and rate limits. */
int64_t clock_monotonic_us(const struct clock *clock);

/* How many of the world's ms pass in one real ms: 1 for a real clock, 0 for a manual one. */
double clock_speed(const struct clock *clock);

/* timeout_ms from now on CLOCK_MONOTONIC, as pthread_cond_timedwait takes it for a condition with
 * that clock. The machine's time, no struct clock's: the thread really waits. */
struct timespec clock_deadline(int64_t timeout_ms);

/* Manual clocks only (asserted). Moves both times forward by delta_ms >= 0. */
void clock_advance(struct clock *clock, int64_t delta_ms);
/* Manual clocks only: moves the world's time alone, also backwards. */
void clock_set_now(struct clock *clock, int64_t now_ms);
/* Manual clocks only: moves monotonic time alone. */
void clock_advance_monotonic(struct clock *clock, int64_t delta_ms);

/* "2026-03-03T04:00:00Z" (whole seconds) into buffer of CLOCK_ISO_BYTES; returns buffer. */
#define CLOCK_ISO_BYTES 32
char *clock_iso8601(int64_t time_ms, char buffer[CLOCK_ISO_BYTES]);

/* Parses ISO 8601 UTC ("2026-03-03", "2026-03-03T04:00:00Z", "2026-03-03T04:00:00.123Z") by hand:
 * GLib's parser takes more than TMDB sends. -1 where the text isn't one. */
int64_t clock_parse_iso8601(const char *text);
