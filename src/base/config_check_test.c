/* Proves each rule of config_check: the defaults keep them all, and each broken one is named with
 * where the value came from. */
#include <glib/gstdio.h>

#include "base/config.h"

/* The defaults with a data folder of its own. */
static struct config *config_new(char **ret_folder)
{
    struct config *config = config_new_default();
    *ret_folder = g_dir_make_tmp("marquee-check-XXXXXX", NULL);
    g_assert_nonnull(*ret_folder);
    g_free(config->data_dir);
    config->data_dir = g_build_filename(*ret_folder, "a", "b", NULL);
    return config;
}

static void config_remove(struct config *config, char *folder)
{
    g_autofree char *a = g_build_filename(folder, "a", NULL), *b = g_build_filename(a, "b", NULL);
    g_rmdir(b);
    g_rmdir(a);
    g_assert_cmpint(g_rmdir(folder), ==,
                    0); /* so the check leaves nothing but the folders it made */
    g_free(folder);
    config_free(config);
}

/* Sets up to three keys; message NULL: the rules are kept. */
static void check(const char *const settings[3][2], const char *message)
{
    char *folder;
    struct config *config = config_new(&folder);
    g_autoptr(GError) error = NULL;
    for (int i = 0; i < 3 && settings[i][0]; i++) {
        g_assert_true(config_set(config, settings[i][0], settings[i][1], &error));
        g_assert_no_error(error);
    }
    bool kept = config_check(config, &error);
    g_assert_cmpstr(error ? error->message : NULL, ==, message);
    g_assert_cmpint(kept, ==, message == NULL);
    if (error)
        g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFIG);
    config_remove(config, folder);
}

#define KEPT(...)             check((const char *const[3][2]){__VA_ARGS__}, NULL)
#define REFUSED(message, ...) check((const char *const[3][2]){__VA_ARGS__}, message)

static void test_backends(void)
{
    KEPT({NULL});
#ifdef MARQUEE_KAFKA
    REFUSED("default: bus.brokers: expected host:port of Kafka's brokers beside bus.backend kafka, "
            "found nothing",
            {"bus.backend", "kafka"});
    KEPT({"bus.backend", "kafka"}, {"bus.brokers", "localhost:9092"});
#else
    REFUSED("command line: bus.backend: kafka is not built into this version; use sqlite",
            {"bus.backend", "kafka"});
#endif
    REFUSED("default: speed.hosts: expected Cassandra's contact points beside speed.backend "
            "cassandra, found nothing",
            {"speed.backend", "cassandra"});
    KEPT({"speed.backend", "cassandra"}, {"speed.hosts", "127.0.0.1"});
    REFUSED("command line: lake.backend: s3 is not built into this version; use local",
            {"lake.backend", "s3"});
    REFUSED("command line: batch.engine: spark is not built into this version; use duckdb",
            {"batch.engine", "spark"});
#ifdef MARQUEE_MONGODB
    REFUSED("default: views.uri: expected MongoDB's connection string beside views.backend "
            "mongodb, found nothing",
            {"views.backend", "mongodb"});
    KEPT({"views.backend", "mongodb"}, {"views.uri", "mongodb://localhost/views?replicaSet=rs0"});
#else
    REFUSED("command line: views.backend: mongodb is not built into this version; use sqlite",
            {"views.backend", "mongodb"});
#endif
#ifdef MARQUEE_REDIS
    REFUSED("default: cache.url: expected Redis' URL beside cache.backend redis, found nothing",
            {"cache.backend", "redis"});
    KEPT({"cache.backend", "redis"}, {"cache.url", "redis://localhost"});
#else
    REFUSED("command line: cache.backend: redis is not built into this version; use memory",
            {"cache.backend", "redis"});
#endif
    KEPT({"registry.url", "http://localhost:8081/apis/ccompat/v7"});
    REFUSED("command line: registry.url: expected a URL that begins with http:// or https://, or "
            "nothing for the built-in registry, found \"localhost:8081\"",
            {"registry.url", "localhost:8081"});
}

static void test_schedule(void)
{
    KEPT({"batch.schedule", "0 */4 * * *"}, {"batch.interval", "7d"});
    KEPT({"batch.schedule", "0 2 * * *"}, {"speed.retention", "72h"});
    REFUSED("command line: batch.schedule: \"0 25 * * *\": hour: expected *, or numbers from 0 to "
            "23, such as 1,5-9 or */2",
            {"batch.schedule", "0 25 * * *"});
    REFUSED("default: speed.retention: expected at least serve.boundary + the longest pause of "
            "batch.schedule (2d + 1d), found 2d4h: hours would be gone from the speed views before "
            "a batch run has them",
            {"batch.schedule", "0 2 * * *"});
    REFUSED(
        "command line: lake.bronze_retention: expected at least 21d16h10m (speed.retention + 2 x "
        "stream.velocity_lookback + stream.future_limit + the longest pause of batch.schedule + "
        "2h), found 10d: hours that may still change could not be computed again",
        {"batch.schedule", "@weekly"}, {"speed.retention", "300h"},
        {"lake.bronze_retention", "10d"});
}

static void test_durations(void)
{
    KEPT({"speed.retention", "52h"});
    KEPT({"speed.retention", "49h"}, {"batch.interval", "1h"});
    REFUSED("command line: speed.retention: expected at least serve.boundary + batch.interval (2d "
            "+ 4h), found "
            "2d3h59m59s: hours would be gone from the speed views before a batch run has them",
            {"speed.retention", "51h59m59s"});
    REFUSED("default: speed.retention: expected at least serve.boundary + batch.interval (2d + "
            "5h), found 2d4h: "
            "hours would be gone from the speed views before a batch run has them",
            {"batch.interval", "5h"});
    /* 52 h + 2 x 25 h + 10 min + 4 h + 2 h */
    KEPT({"lake.bronze_retention", "108h10m"});
    REFUSED(
        "command line: lake.bronze_retention: expected at least 4d12h10m (speed.retention + 2 x "
        "stream.velocity_lookback + stream.future_limit + batch.interval + 2h), found "
        "4d12h9m59s: hours that may still change could not be computed again",
        {"lake.bronze_retention", "108h9m59s"});
    KEPT({"stream.window", "1m"});
    KEPT({"stream.window", "1h"});
    REFUSED("command line: stream.window: expected a duration that divides an hour, found 7m",
            {"stream.window", "7m"});
    REFUSED(
        "command line: ingest.retry_cap: expected at least ingest.retry_base (500ms), found 100ms",
        {"ingest.retry_cap", "100ms"});
}

/* The name becomes part of ids whose form docs/semantics.md gives. */
static void test_producer(void)
{
#define EXPECTED                                                                                   \
    "command line: events.producer: expected 1 to 64 lower-case letters, digits and hyphens, "     \
    "found "
    REFUSED(EXPECTED "nothing", {"events.producer", ""});
    REFUSED(EXPECTED "\"Marquee\"", {"events.producer", "Marquee"});
    REFUSED(EXPECTED "\"a.b\"", {"events.producer", "a.b"});
    REFUSED(EXPECTED "\"a:1\"", {"events.producer", "a:1"});
    KEPT({"events.producer", "site-2"});
    /* Texts that are quoted are cut to 60 bytes. */
    g_autofree char *name = g_strnfill(65, 'a');
    g_autofree char *text = g_strdup_printf(EXPECTED "\"%.60s\u2026\"", name);
    REFUSED(text, {"events.producer", name});
    KEPT({"events.producer", name + 1});
#undef EXPECTED
}

static void test_weights(void)
{
    KEPT({"trending.weight_votes", "0.35"}, {"trending.weight_engagement", "0"});
    KEPT({"trending.weight_votes", "0.2500000009"});
    REFUSED("default: trending.weight_velocity: expected the four weights (velocity, votes, "
            "acceleration, "
            "engagement) to add up to 1, found 1.00000001",
            {"trending.weight_votes", "0.25000001"});
}

static void test_clock(void)
{
    KEPT({"clock.start", "2026-03-03T04:00:00Z"}, {"clock.anchor", "2026-03-03"},
         {"clock.speed", "60"});
    REFUSED("command line: clock.start: expected a time in UTC since 1970 such as "
            "2026-03-03T04:00:00Z, found "
            "\"yesterday\"",
            {"clock.start", "yesterday"});
    REFUSED("command line: clock.anchor: expected a time in UTC since 1970 such as "
            "2026-03-03T04:00:00Z, found "
            "\"2026-02-29\"",
            {"clock.start", "2026-03-03"}, {"clock.anchor", "2026-02-29"});
    REFUSED("command line: clock.anchor: expected clock.start beside it, found that empty",
            {"clock.anchor", "2026-03-03"});
}

static void test_addresses(void)
{
    KEPT({"tmdb.base_url", "http://127.0.0.1:8000/3"});
    static const char *const urls[] = {"ftp://host/3", "127.0.0.1:8000", "http:///3", "http//host",
                                       "https://"};
    for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
        g_autofree char *message =
            g_strdup_printf("command line: tmdb.base_url: expected a URL that begins "
                            "with http:// or https://, found \"%s\"",
                            urls[i]);
        REFUSED(message, {"tmdb.base_url", urls[i]});
    }
    KEPT({"serve.host", "::1"});
    KEPT({"serve.host", "127.0.0.2"});
    KEPT({"serve.host", "localhost"});
    static const char *const open_hosts[] = {"0.0.0.0", "::", "127.evil.example", "192.168.0.1"};
    for (size_t i = 0; i < G_N_ELEMENTS(open_hosts); i++) {
        g_autofree char *message = g_strdup_printf(
            "command line: serve.host: expected a loopback address such as 127.0.0.1, or keys "
            "in serve.api_keys_file, found \"%s\"",
            open_hosts[i]);
        REFUSED(message, {"serve.host", open_hosts[i]});
    }
    REFUSED("command line: serve.api_keys_file: expected a readable file, found \"/nonexistent\": "
            "No such file "
            "or directory",
            {"serve.host", "0.0.0.0"}, {"serve.api_keys_file", "/nonexistent"});
    KEPT({"serve.host", "0.0.0.0"}, {"serve.api_keys_file", "/dev/null"});
}

/* /proc can't be written even by root. */
static void test_data_dir(void)
{
    REFUSED("command line: data.dir: expected a folder that exists or can be made, found nothing: "
            "a name is "
            "needed",
            {"data.dir", ""});
    REFUSED("command line: data.dir: expected a folder that exists or can be made, found "
            "\"/dev/null/x\": Not a "
            "directory",
            {"data.dir", "/dev/null/x"});
    REFUSED("command line: data.dir: expected a folder that exists or can be made, found "
            "\"/dev/null\": Not a "
            "directory",
            {"data.dir", "/dev/null"});

    /* What the kernel says depends on who asks. */
    struct config *config = config_new_default();
    g_autoptr(GError) error = NULL;
    g_assert_true(config_set(config, "data.dir", "/proc/self", &error));
    g_assert_false(config_check(config, &error));
    g_assert_true(g_str_has_prefix(error->message,
                                   "command line: data.dir: expected a folder that can be written, "
                                   "found \"/proc/self\": "));
    config_free(config);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config-check/backends", test_backends);
    g_test_add_func("/config-check/durations", test_durations);
    g_test_add_func("/config-check/schedule", test_schedule);
    g_test_add_func("/config-check/weights", test_weights);
    g_test_add_func("/config-check/producer", test_producer);
    g_test_add_func("/config-check/clock", test_clock);
    g_test_add_func("/config-check/addresses", test_addresses);
    g_test_add_func("/config-check/data-dir", test_data_dir);
    return g_test_run();
}
