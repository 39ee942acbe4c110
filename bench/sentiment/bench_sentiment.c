/* bench_sentiment.c: how fast vader_score is. usage: bench_sentiment FRAMES SECONDS
 *
 * FRAMES holds texts as a 4-byte length and the bytes (reference.py writes it). They are scored
 * again and again, on this thread, until SECONDS have passed; one line tells `texts bytes passes
 * seconds ticks checksum`. seconds: of processor time, for the machine may be shared; ticks: of its
 * time stamp counter in these, 0 where there is none. The checksum, the sum of all compounds in
 * ten-thousandths, is to be the reference's.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>

#include <glib.h>

#include "base/clock.h"
#include "sentiment/vader.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

static uint64_t ticks_now(void)
{
#if defined(__x86_64__)
    return __rdtsc();
#else
    return 0;
#endif
}

/* The processor time of this process. */
static double cpu_seconds(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static double wall_seconds(const struct clock *clock)
{
    return (double)clock_monotonic_us(clock) / 1e6;
}

/* Scores all texts once; returns their number, or -1 where the frames end within one. */
static long pass(const char *frames, size_t size, uint64_t *ret_bytes, int64_t *ret_checksum)
{
    uint64_t bytes = 0;
    int64_t checksum = 0;
    long texts = 0;

    for (size_t at = 0; at < size; texts++) {
        uint32_t len;
        if (size - at < sizeof len)
            return -1;
        memcpy(&len, frames + at, sizeof len);
        at += sizeof len;
        if (size - at < len)
            return -1;
        struct vader_scores scores;
        vader_score(frames + at, len, &scores);
        checksum += vader_scores_e4(&scores);
        bytes += len;
        at += len;
    }
    *ret_bytes = bytes;
    *ret_checksum = checksum;
    return texts;
}

int main(int argc, char **argv)
{
    g_autofree char *frames = NULL;
    g_autoptr(GError) error = NULL;
    size_t size;

    double limit_s = argc == 3 ? g_ascii_strtod(argv[2], NULL) : 0;
    if (limit_s <= 0) {
        fprintf(stderr, "usage: bench_sentiment FRAMES SECONDS\n");
        return 2;
    }
    if (!g_file_get_contents(argv[1], &frames, &size, &error)) {
        fprintf(stderr, "bench_sentiment: %s\n", error->message);
        return 1;
    }
    uint64_t bytes = 0;
    int64_t checksum = 0;
    long texts = pass(frames, size, &bytes, &checksum); /* warms the caches, as reference.py does */
    if (texts < 0) {
        fprintf(stderr, "bench_sentiment: %s: the last text is cut off\n", argv[1]);
        return 1;
    }
    long passes = 0;
    struct clock *clock = clock_new_real();
    double began_s = wall_seconds(clock), took_s, began_cpu_s = cpu_seconds();
    uint64_t began = ticks_now();
    do {
        pass(frames, size, &bytes, &checksum);
        passes++;
        took_s = wall_seconds(clock) - began_s;
    } while (took_s < limit_s);
    double cpu_s = cpu_seconds() - began_cpu_s;
    /* Without the time in which somebody else had the core. */
    double ticks = (double)(ticks_now() - began) * cpu_s / took_s;
    printf("%ld %" G_GUINT64_FORMAT " %ld %.6f %.0f %" G_GINT64_FORMAT "\n", texts, bytes, passes,
           cpu_s, ticks, checksum);
    clock_free(clock);
    return 0;
}
