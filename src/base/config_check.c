/* The rules of config_check: what one key's type and range can't say. Each error begins with where
 * the guilty value came from, as those of config_load do. */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config_table.h"
#include "base/cron.h"

#define WEIGHT_SUM_TOLERANCE 1e-9
#define PRODUCER_BYTES_MAX   64
#define LOOKBACKS            2
#define WHOLE_HOURS_MS       (2 * MS_PER_HOUR)

/* "marquee.yaml:3: speed.retention: " and the rest of the error. */
static void G_GNUC_PRINTF(4, 5) set_error(
    GError **error, const struct config *config, const char *name, const char *format, ...)
{
    const char *where = "default";
    for (size_t i = 0; i < config_rows_count; i++) {
        g_autofree char *row_name =
            g_strdup_printf("%s.%s", config_rows[i].section, config_rows[i].key);
        if (g_str_equal(row_name, name) && config->origins[i].where)
            where = config->origins[i].where;
    }
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    error_set(error, CONFIG, "%s: %s: %s", where, name, text);
}

/* DESIGN's other backends have their names in config.def already; this build has the embedded ones.
 */
static bool check_backends(const struct config *config, GError **error)
{
    const struct {
        const char *name, *value, *embedded;
    } rules[] = {
#ifndef MARQUEE_KAFKA
        {"bus.backend", config->bus_backend, "sqlite"},
#endif
        {"lake.backend", config->lake_backend, "local"},
        {"batch.engine", config->batch_engine, "duckdb"},
#ifndef MARQUEE_MONGODB
        {"views.backend", config->views_backend, "sqlite"},
#endif
#ifndef MARQUEE_REDIS
        {"cache.backend", config->cache_backend, "memory"},
#endif
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
        if (!g_str_equal(rules[i].value, rules[i].embedded)) {
            set_error(error, config, rules[i].name, "%s is not built into this version; use %s",
                      rules[i].value, rules[i].embedded);
            return false;
        }
    return true;
}

static bool is_http_url(const char *text)
{
    g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_NONE, NULL);
    const char *scheme = uri ? g_uri_get_scheme(uri) : "";
    const char *host = uri ? g_uri_get_host(uri) : NULL;
    return (g_str_equal(scheme, "http") || g_str_equal(scheme, "https")) && host && *host;
}

static bool check_cluster(const struct config *config, GError **error)
{
    if (g_str_equal(config->bus_backend, "kafka") && !*config->bus_brokers) {
        set_error(error, config, "bus.brokers",
                  "expected host:port of Kafka's brokers beside bus.backend kafka, found nothing");
        return false;
    }
    if (g_str_equal(config->speed_backend, "cassandra") && !*config->speed_hosts) {
        set_error(
            error, config, "speed.hosts",
            "expected Cassandra's contact points beside speed.backend cassandra, found nothing");
        return false;
    }
    if (g_str_equal(config->views_backend, "mongodb") && !*config->views_uri) {
        set_error(
            error, config, "views.uri",
            "expected MongoDB's connection string beside views.backend mongodb, found nothing");
        return false;
    }
    if (g_str_equal(config->cache_backend, "redis") && !*config->cache_url) {
        set_error(error, config, "cache.url",
                  "expected Redis' URL beside cache.backend redis, found nothing");
        return false;
    }
    if (*config->registry_url && !is_http_url(config->registry_url)) {
        g_autofree char *found = config_quote(config->registry_url);
        set_error(error, config, "registry.url",
                  "expected a URL that begins with http:// or https://, or nothing for the "
                  "built-in registry, found %s",
                  found);
        return false;
    }
    return true;
}

/* The name is part of event ids, whose form docs/semantics.md gives. */
static bool check_events(const struct config *config, GError **error)
{
    const char *name = config->events_producer;
    size_t len = strlen(name);
    if (len > 0 && len <= PRODUCER_BYTES_MAX &&
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len)
        return true;
    g_autofree char *found = config_quote(name);
    set_error(error, config, "events.producer",
              "expected 1 to %d lower-case letters, digits and hyphens, found %s",
              PRODUCER_BYTES_MAX, found);
    return false;
}

int64_t config_batch_gap_ms(const struct config *config)
{
    struct cron cron;
    return *config->batch_schedule && cron_parse(config->batch_schedule, &cron, NULL)
               ? cron_longest_gap_ms(&cron)
               : config->batch_interval_ms;
}

int64_t config_bronze_least_ms(const struct config *config)
{
    return config->speed_retention_ms + LOOKBACKS * config->stream_velocity_lookback_ms +
           config->stream_future_limit_ms + config_batch_gap_ms(config) + WHOLE_HOURS_MS;
}

static bool check_schedule(const struct config *config, GError **error)
{
    g_autoptr(GError) trouble = NULL;
    struct cron cron;
    if (!*config->batch_schedule || cron_parse(config->batch_schedule, &cron, &trouble))
        return true;
    g_autofree char *found = config_quote(config->batch_schedule);
    set_error(error, config, "batch.schedule", "%s: %s", found, trouble->message);
    return false;
}

static bool check_bronze(const struct config *config, GError **error)
{
    int64_t least_ms = config_bronze_least_ms(config);
    if (config->lake_bronze_retention_ms >= least_ms)
        return true;
    g_autofree char *found = config_duration_text(config->lake_bronze_retention_ms);
    g_autofree char *least = config_duration_text(least_ms);
    set_error(error, config, "lake.bronze_retention",
              "expected at least %s (speed.retention + 2 x stream.velocity_lookback + "
              "stream.future_limit + %s + 2h), found %s: hours that may still change could not be "
              "computed again",
              least,
              *config->batch_schedule ? "the longest pause of batch.schedule" : "batch.interval",
              found);
    return false;
}

static bool check_durations(const struct config *config, GError **error)
{
    int64_t gap_ms = config_batch_gap_ms(config);
    if (config->speed_retention_ms < config->serve_boundary_ms + gap_ms) {
        g_autofree char *found = config_duration_text(config->speed_retention_ms);
        g_autofree char *boundary = config_duration_text(config->serve_boundary_ms);
        g_autofree char *gap = config_duration_text(gap_ms);
        set_error(error, config, "speed.retention",
                  "expected at least serve.boundary + %s (%s + %s), found %s: hours would be gone "
                  "from the speed views before a batch run has them",
                  *config->batch_schedule ? "the longest pause of batch.schedule"
                                          : "batch.interval",
                  boundary, gap, found);
        return false;
    }
    if (MS_PER_HOUR % config->stream_window_ms != 0) {
        g_autofree char *found = config_duration_text(config->stream_window_ms);
        set_error(error, config, "stream.window",
                  "expected a duration that divides an hour, found %s", found);
        return false;
    }
    if (config->ingest_retry_cap_ms < config->ingest_retry_base_ms) {
        g_autofree char *cap = config_duration_text(config->ingest_retry_cap_ms);
        g_autofree char *base = config_duration_text(config->ingest_retry_base_ms);
        set_error(error, config, "ingest.retry_cap",
                  "expected at least ingest.retry_base (%s), found %s", base, cap);
        return false;
    }
    return true;
}

static bool check_weights(const struct config *config, GError **error)
{
    double sum = config->trending_weight_velocity + config->trending_weight_votes +
                 config->trending_weight_acceleration + config->trending_weight_engagement;
    if (fabs(sum - 1) <= WEIGHT_SUM_TOLERANCE)
        return true;
    set_error(
        error, config, "trending.weight_velocity",
        "expected the four weights (velocity, votes, acceleration, engagement) to add up to 1, "
        "found %.10g",
        sum);
    return false;
}

static bool
check_time(const struct config *config, const char *name, const char *text, GError **error)
{
    if (!*text || clock_parse_iso8601(text) >= 0)
        return true;
    g_autofree char *found = config_quote(text);
    set_error(error, config, name,
              "expected a time in UTC since 1970 such as 2026-03-03T04:00:00Z, found %s", found);
    return false;
}

static bool check_clock(const struct config *config, GError **error)
{
    if (!check_time(config, "clock.start", config->clock_start, error) ||
        !check_time(config, "clock.anchor", config->clock_anchor, error))
        return false;
    if (*config->clock_anchor && !*config->clock_start) {
        set_error(error, config, "clock.anchor",
                  "expected clock.start beside it, found that empty");
        return false;
    }
    return true;
}

static bool check_base_url(const struct config *config, GError **error)
{
    if (is_http_url(config->tmdb_base_url))
        return true;
    g_autofree char *found = config_quote(config->tmdb_base_url);
    set_error(error, config, "tmdb.base_url",
              "expected a URL that begins with http:// or https://, found %s", found);
    return false;
}

/* 127.0.0.0/8, ::1 and their name; "127.example.org" is somebody's host. */
static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return g_str_equal(host, "localhost");
}

/* An open port without keys would be everybody's. */
static bool check_serve(const struct config *config, GError **error)
{
    const char *keys = config->serve_api_keys_file;
    if (*keys && access(keys, R_OK) != 0) {
        g_autofree char *found = config_quote(keys);
        set_error(error, config, "serve.api_keys_file", "expected a readable file, found %s: %s",
                  found, g_strerror(errno));
        return false;
    }
    if (*keys || is_loopback(config->serve_host))
        return true;
    g_autofree char *found = config_quote(config->serve_host);
    set_error(
        error, config, "serve.host",
        "expected a loopback address such as 127.0.0.1, or keys in serve.api_keys_file, found %s",
        found);
    return false;
}

/* Asks the file system by writing: permission bits don't tell of read-only mounts or full quotas.
 */
static bool check_data_dir(const struct config *config, GError **error)
{
    g_autofree char *found = config_quote(config->data_dir);
    if (!*config->data_dir || g_mkdir_with_parents(config->data_dir, 0750) != 0) {
        set_error(error, config, "data.dir",
                  "expected a folder that exists or can be made, found %s: %s", found,
                  *config->data_dir ? g_strerror(errno) : "a name is needed");
        return false;
    }
    g_autofree char *probe = config_path(config, ".write-test-XXXXXX");
    int fd = g_mkstemp(probe);
    if (fd < 0) {
        set_error(error, config, "data.dir", "expected a folder that can be written, found %s: %s",
                  found, g_strerror(errno));
        return false;
    }
    close(fd);
    unlink(probe);
    return true;
}

bool config_check(const struct config *config, GError **error)
{
    return check_backends(config, error) && check_cluster(config, error) &&
           check_events(config, error) && check_schedule(config, error) &&
           check_durations(config, error) && check_bronze(config, error) &&
           check_weights(config, error) && check_clock(config, error) &&
           check_base_url(config, error) && check_serve(config, error) &&
           check_data_dir(config, error);
}
