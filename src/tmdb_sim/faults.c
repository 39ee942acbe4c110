#include "tmdb_sim/faults.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "tmdb_sim/dice.h"

#define LATENCY_MS_MAX     (10 * MS_PER_MINUTE)
#define STORM_MS_MAX       (365 * MS_PER_DAY)
#define RATE_MAX           1e6
#define RETRY_AFTER_S_MAX  86400
#define RETRY_AFTER_S_RATE 1

enum retry_after { RETRY_AFTER_BY_FAULT, RETRY_AFTER_NONE, RETRY_AFTER_FIXED };

struct faults {
    const struct clock *clock;
    uint64_t seed;
    double shares[FAULT_KIND_COUNT]; /* of the kinds that are thrown for */
    int64_t latency_ms, storm_ms, storm_period_ms;
    double rate_per_s;
    enum retry_after retry_after;
    int64_t retry_after_s;
    atomic_uint_fast64_t requests, counts[FAULT_KIND_COUNT];
    /* The token bucket; leaf lock. */
    pthread_mutex_t lock;
    double tokens;
    int64_t filled_ms;
};

static const char *const kind_names[FAULT_KIND_COUNT] = {
    "error", "latency", "truncate", "html", "missing_block", "storm", "rate"};

const char *fault_name(enum fault_kind kind)
{
    return kind_names[kind];
}

/* ---- the specification ---- */

static bool read_number(const char *text, double min, double max, double *ret_value)
{
    char *end;
    double value = g_ascii_strtod(text, &end);
    if (end == text || *end != '\0' || g_ascii_isspace(text[0]) || !(value >= min && value <= max))
        return false;
    *ret_value = value;
    return true;
}

/* "200ms", "60s", "5m", "2h" */
static bool read_duration(const char *text, int64_t max_ms, int64_t *ret_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", MS_PER_SECOND}, {"m", MS_PER_MINUTE}, {"h", MS_PER_HOUR}};
    size_t digits = strspn(text, "0123456789.");
    g_autofree char *number = g_strndup(text, digits);
    double value;
    if (!read_number(number, 0, (double)max_ms, &value))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        if (!g_str_equal(text + digits, units[i].unit))
            continue;
        double ms = value * (double)units[i].ms;
        if (ms < 1 || ms > (double)max_ms)
            return false;
        *ret_ms = (int64_t)ms;
        return true;
    }
    return false;
}

static bool read_latency(struct faults *faults, const char *value)
{
    const char *at = strchr(value, '@');
    g_autofree char *duration = at ? g_strndup(value, (size_t)(at - value)) : g_strdup(value);
    faults->shares[FAULT_LATENCY] = 1;
    return read_duration(duration, LATENCY_MS_MAX, &faults->latency_ms) &&
           (!at || read_number(at + 1, 0, 1, &faults->shares[FAULT_LATENCY]));
}

static bool read_storm(struct faults *faults, const char *value)
{
    const char *slash = strchr(value, '/');
    if (!slash)
        return false;
    g_autofree char *length = g_strndup(value, (size_t)(slash - value));
    return read_duration(length, STORM_MS_MAX, &faults->storm_ms) &&
           read_duration(slash + 1, STORM_MS_MAX, &faults->storm_period_ms) &&
           faults->storm_ms <= faults->storm_period_ms;
}

static bool read_retry_after(struct faults *faults, const char *value)
{
    double seconds;
    if (g_str_equal(value, "none")) {
        faults->retry_after = RETRY_AFTER_NONE;
        return true;
    }
    if (!read_number(value, 0, RETRY_AFTER_S_MAX, &seconds) || seconds != floor(seconds))
        return false;
    faults->retry_after = RETRY_AFTER_FIXED;
    faults->retry_after_s = (int64_t)seconds;
    return true;
}

/* One "name=value"; false fills ret_expected with what the value should have been. */
static bool
read_part(struct faults *faults, const char *name, const char *value, const char **ret_expected)
{
    if (g_str_equal(name, "latency")) {
        *ret_expected = "a duration up to 10m and a share, as 200ms@0.1";
        return read_latency(faults, value);
    }
    if (g_str_equal(name, "storm")) {
        *ret_expected = "two durations, the first not longer, as 60s/600s";
        return read_storm(faults, value);
    }
    if (g_str_equal(name, "rate")) {
        *ret_expected = "requests a second, from 0.01 to 1000000";
        return read_number(value, 0.01, RATE_MAX, &faults->rate_per_s);
    }
    if (g_str_equal(name, "retry_after")) {
        *ret_expected = "none, or whole seconds up to 86400";
        return read_retry_after(faults, value);
    }
    for (enum fault_kind kind = 0; kind <= FAULT_MISSING_BLOCK; kind++) {
        if (!g_str_equal(name, kind_names[kind]))
            continue;
        *ret_expected = "a share from 0 to 1";
        return read_number(value, 0, 1, &faults->shares[kind]);
    }
    *ret_expected = NULL;
    return false;
}

static bool read_spec(struct faults *faults, const char *spec, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(spec, ",", -1);
    for (char **part = parts; *part; part++) {
        const char *text = g_strstrip(*part), *equals = strchr(text, '=');
        g_autofree char *name = equals ? g_strndup(text, (size_t)(equals - text)) : g_strdup(text);
        const char *expected = NULL;
        if (read_part(faults, name, equals ? equals + 1 : "", &expected))
            continue;
        if (expected)
            error_set(error, CONFIG, "--fault: \"%s\": expected %s=, then %s", text, name,
                      expected);
        else
            error_set(error, CONFIG,
                      "--fault: \"%s\" is no fault; expected some of error=, latency=, truncate=, "
                      "html=, missing_block=, storm=, rate=, retry_after=, separated by commas",
                      text);
        return false;
    }
    return true;
}

struct faults *
faults_new(const char *spec, uint64_t seed, const struct clock *clock, GError **error)
{
    struct faults *faults = g_new0(struct faults, 1);
    pthread_mutex_init(&faults->lock, NULL);
    faults->clock = clock;
    faults->seed = seed;
    faults->filled_ms = clock_now_ms(clock);
    if (spec && *spec && !read_spec(faults, spec, error)) {
        faults_free(faults);
        return NULL;
    }
    faults->tokens = MAX(1, faults->rate_per_s);
    return faults;
}

void faults_free(struct faults *faults)
{
    if (!faults)
        return;
    pthread_mutex_destroy(&faults->lock);
    g_free(faults);
}

/* ---- requests ---- */

static bool bucket_empty(struct faults *faults, int64_t now_ms)
{
    if (faults->rate_per_s == 0)
        return false;
    pthread_mutex_lock(&faults->lock);
    double elapsed_s = (double)MAX(0, now_ms - faults->filled_ms) / (double)MS_PER_SECOND;
    faults->filled_ms = MAX(faults->filled_ms, now_ms);
    faults->tokens =
        MIN(MAX(1, faults->rate_per_s), faults->tokens + elapsed_s * faults->rate_per_s);
    bool empty = faults->tokens < 1;
    if (!empty)
        faults->tokens -= 1;
    pthread_mutex_unlock(&faults->lock);
    return empty;
}

/* Real ms until the storm is over, as a client waits them; 0: no storm. */
static int64_t storm_left_ms(const struct faults *faults, int64_t now_ms)
{
    if (!faults->storm_ms)
        return 0;
    int64_t into_ms = now_ms % faults->storm_period_ms;
    if (into_ms >= faults->storm_ms)
        return 0;
    double speed = clock_speed(faults->clock);
    return MAX(1, (int64_t)((double)(faults->storm_ms - into_ms) / (speed > 0 ? speed : 1)));
}

static int64_t choose_retry_after(const struct faults *faults, int64_t storm_ms)
{
    switch (faults->retry_after) {
    case RETRY_AFTER_NONE:
        return -1;
    case RETRY_AFTER_FIXED:
        return faults->retry_after_s;
    default:
        return storm_ms ? (storm_ms + MS_PER_SECOND - 1) / MS_PER_SECOND : RETRY_AFTER_S_RATE;
    }
}

struct fault_plan faults_next(struct faults *faults)
{
    struct fault_plan plan = {.number = atomic_fetch_add(&faults->requests, 1) + 1};
    int64_t now_ms = clock_now_ms(faults->clock), storm_ms = storm_left_ms(faults, now_ms);
    plan.chance = dice_throw(faults->seed, DICE_FAULT, -1, (int64_t)plan.number);
    for (enum fault_kind kind = 0; kind <= FAULT_MISSING_BLOCK; kind++)
        plan.hits[kind] = faults->shares[kind] > 0 &&
                          dice_unit(dice_throw(faults->seed, DICE_FAULT, kind,
                                               (int64_t)plan.number)) < faults->shares[kind];
    plan.hits[FAULT_STORM] = storm_ms > 0;
    plan.hits[FAULT_RATE] = !plan.hits[FAULT_STORM] && bucket_empty(faults, now_ms);
    plan.latency_ms = plan.hits[FAULT_LATENCY] ? faults->latency_ms : 0;
    plan.retry_after_s = choose_retry_after(faults, storm_ms);
    return plan;
}

void faults_applied(struct faults *faults, enum fault_kind kind)
{
    atomic_fetch_add(&faults->counts[kind], 1);
}

uint64_t faults_count(const struct faults *faults, enum fault_kind kind)
{
    return atomic_load(&faults->counts[kind]);
}

int64_t faults_latency_ms(const struct faults *faults)
{
    return faults->latency_ms;
}
