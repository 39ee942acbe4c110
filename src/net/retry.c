#include "net/retry.h"

#include <string.h>
#include <time.h>

#include <curl/curl.h>
#include <glib.h>

#include "base/clock.h"

/* Uniform in [0, 1). Source: Vigna, "xorshift64*", 2014. */
static double random_unit(uint64_t *state)
{
    uint64_t x = *state ? *state : UINT64_C(0x9E3779B97F4A7C15);
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return (double)((x * UINT64_C(0x2545F4914F6CDD1D)) >> 11) / (double)(UINT64_C(1) << 53);
}

int64_t retry_delay_ms(struct retry *retry, int next_try, int64_t retry_after_ms)
{
    g_assert(next_try >= 1);
    if (next_try > retry->tries_max)
        return -1;
    int64_t ceiling_ms = retry->base_ms;
    for (int i = 0; i < next_try && ceiling_ms < retry->cap_ms; i++)
        ceiling_ms *= 2;
    ceiling_ms = MIN(ceiling_ms, retry->cap_ms);
    int64_t floor_ms = MIN(retry->base_ms, ceiling_ms);
    int64_t delay_ms =
        floor_ms + (int64_t)((double)(ceiling_ms - floor_ms) * random_unit(&retry->random));
    return MIN(retry->cap_ms, MAX(delay_ms, retry_after_ms));
}

int64_t retry_after_parse(const char *value, int64_t now_ms)
{
    if (!value)
        return -1;
    while (*value == ' ')
        value++;
    if (g_ascii_isdigit(*value)) {
        char *end = NULL;
        uint64_t seconds = g_ascii_strtoull(value, &end, 10);
        while (*end == ' ')
            end++;
        return *end == '\0' && seconds <= (uint64_t)(INT64_MAX / MS_PER_SECOND)
                   ? (int64_t)seconds * MS_PER_SECOND
                   : -1;
    }
    time_t when = curl_getdate(value, NULL);
    return when == (time_t)-1 ? -1 : MAX(0, (int64_t)when * MS_PER_SECOND - now_ms);
}

bool retry_status(int status)
{
    return status == 408 || status == 429 ||
           (status >= 500 && status <= 599 && status != 501 && status != 505);
}
