/* Proves the order default < file < environment < command line with an origin for each value, that
 * each mistake names the variable or the flag, and that secrets are never shown. */
#include "base/config.h"

#include <glib/gstdio.h>
#include <string.h>

/* A file in a folder of its own; removed by remove_file. */
static char *write_file(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("marquee-config-XXXXXX", &error);
    g_assert_no_error(error);
    char *path = g_build_filename(folder, "marquee.yaml", NULL);
    g_file_set_contents(path, text, -1, &error);
    g_assert_no_error(error);
    return path;
}

static void remove_file(char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_unlink(path);
    g_rmdir(folder);
    g_free(path);
}

static void assert_refused(const char *path,
                           const char *const *environment,
                           const char *const *overrides,
                           const char *message)
{
    g_autoptr(GError) error = NULL;
    struct config *config = config_load(path, (char *const *)environment, overrides, &error);
    g_assert_null(config);
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFIG);
    g_assert_cmpstr(error->message, ==, message);
}

/* Whether "name value origin" stands in what `marquee config check` prints. */
static void
assert_shown(const struct config *config, const char *name, const char *value, const char *origin)
{
    GString *out = g_string_new(NULL);
    config_write_values(config, out);
    g_auto(GStrv) lines = g_strsplit(out->str, "\n", -1);
    g_string_free(out, TRUE);
    for (size_t i = 0; lines[i]; i++) {
        g_auto(GStrv) words = g_regex_split_simple(" +", lines[i], 0, 0);
        if (g_strcmp0(words[0], name) != 0)
            continue;
        g_autofree char *where = g_strjoinv(" ", words + 2);
        g_assert_cmpstr(words[1], ==, value);
        g_assert_cmpstr(where, ==, origin);
        return;
    }
    g_error("%s isn't shown", name);
}

static void test_order(void)
{
    char *path =
        write_file("serve:\n  port: 1\n  threads: 3\ningest:\n  burst: 5\n  rate_per_s: 0.5\n");
    const char *environment[] = {"MARQUEE_PORT=2", "MARQUEE_INGEST_BURST=6", "PATH=/bin",
                                 "MARQUEE_HOST=", NULL};
    const char *overrides[] = {"serve.port=3", "data.dir=/a=b", "bus.brokers=", NULL};
    g_autoptr(GError) error = NULL;
    struct config *config = config_load(path, (char *const *)environment, overrides, &error);
    g_assert_no_error(error);
    g_assert_cmpint(config->serve_port, ==, 3);
    g_assert_cmpint(config->ingest_burst, ==, 6);
    g_assert_cmpint(config->serve_threads, ==, 3);
    g_assert_cmpint(config->bus_partitions, ==, 6);
    g_assert_cmpstr(config->data_dir, ==, "/a=b");
    g_assert_cmpstr(config->serve_host, ==, "127.0.0.1"); /* an empty variable is none */
    g_autofree char *in_file = g_strdup_printf("%s:3", path);
    assert_shown(config, "serve.port", "3", "command line");
    assert_shown(config, "ingest.burst", "6", "environment variable MARQUEE_INGEST_BURST");
    assert_shown(config, "serve.threads", "3", in_file);
    assert_shown(config, "ingest.rate_per_s", "0.5",
                 (g_free(in_file), in_file = g_strdup_printf("%s:6", path)));
    assert_shown(config, "bus.partitions", "6", "default");
    assert_shown(config, "bus.brokers", "\"\"", "command line");
    assert_shown(config, "speed.retention", "2d4h", "default");
    g_autofree char *joined = config_path(config, "bus.db");
    g_assert_cmpstr(joined, ==, "/a=b/bus.db");
    config_free(config);
    config_free(NULL);
    remove_file(path);
}

static void test_environment(void)
{
    const char *both[] = {"TMDB_API_KEY=k1", "MARQUEE_TMDB_API_KEY=k1", "TMDB_RATE_PER_S=7", NULL};
    struct config *config = config_load(NULL, (char *const *)both, NULL, NULL);
    g_assert_nonnull(config);
    g_assert_cmpstr(config->tmdb_api_key, ==, "k1");
    g_assert_cmpfloat(config->ingest_rate_per_s, ==, 7);
    assert_shown(config, "tmdb.api_key", "***", "environment variable TMDB_API_KEY");
    config_free(config);

    assert_refused(
        NULL, (const char *[]){"TMDB_API_KEY=hunter2", "MARQUEE_TMDB_API_KEY=hunter3", NULL}, NULL,
        "tmdb.api_key: expected one value, found two: TMDB_API_KEY and MARQUEE_TMDB_API_KEY are "
        "both set and differ; unset one");
    assert_refused(
        NULL, (const char *[]){"MARQUEE_PORT=tcp://10.0.0.1:80", NULL}, NULL,
        "environment variable MARQUEE_PORT: serve.port: expected a whole number from 0 to 65535, "
        "found \"tcp://10.0.0.1:80\"");
    assert_refused(
        NULL, (const char *[]){"MARQUEE_STREAM_WINDOW=5", NULL}, NULL,
        "environment variable MARQUEE_STREAM_WINDOW: stream.window: expected a duration from 1s to "
        "1h (such as 250ms, 30s, 5m, 1h30m, 2d), found \"5\"");
}

static void test_overrides(void)
{
    assert_refused(NULL, NULL, (const char *[]){"serve.port", NULL},
                   "command line: expected section.key=value, found \"serve.port\"");
    assert_refused(
        NULL, NULL, (const char *[]){"serve.prot=1", NULL},
        "command line: expected a known key, found \"serve.prot\"; the nearest is serve.port");
    assert_refused(
        NULL, NULL, (const char *[]){"serve.port=-1", NULL},
        "command line: serve.port: expected a whole number from 0 to 65535, found \"-1\"");
    assert_refused(
        NULL, NULL, (const char *[]){"tmdb.api_key=hunter2", NULL},
        "command line: tmdb.api_key: expected the secret in the environment variable TMDB_API_KEY "
        "or in the file, found it here, where ps shows it");
    struct config *config = config_new_default();
    g_autoptr(GError) error = NULL;
    g_assert_true(config_set(config, "ingest.rate_per_s", "8", &error));
    g_assert_cmpfloat(config->ingest_rate_per_s, ==, 8);
    g_assert_true(config_set(config, "tmdb.api_key", "k", &error));
    g_assert_true(config_set(config, "tmdb.api_key", "", &error));
    g_assert_null(config->tmdb_api_key);
    g_assert_false(config_set(config, "rate", "8", &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFIG);
    config_free(config);
}

static void test_file(void)
{
    assert_refused(
        "/nonexistent/marquee.yaml", NULL, NULL,
        "/nonexistent/marquee.yaml: expected a readable file: No such file or directory");
    assert_refused("/", NULL, NULL, "/: expected a readable file: Is a directory");
    char *path = write_file("serve:\n  port: x\n");
    g_autofree char *message = g_strdup_printf(
        "%s:2: serve.port: expected a whole number from 0 to 65535, found \"x\"", path);
    assert_refused(path, NULL, NULL, message);
    remove_file(path);

    g_autofree char *large = g_strnfill(2 * 1024 * 1024, '#');
    path = write_file(large);
    g_autofree char *too_large =
        g_strdup_printf("%s: expected at most 1048576 bytes, found more", path);
    assert_refused(path, NULL, NULL, too_large);
    remove_file(path);
}

/* Without a path, marquee.yaml of the current folder counts, and it may be absent. */
static void test_default_path(void)
{
    char *path = write_file("serve:\n  port: 1234\n");
    g_autofree char *before = g_get_current_dir(), *folder = g_path_get_dirname(path);
    g_assert_cmpint(g_chdir(folder), ==, 0);
    struct config *config = config_load(NULL, NULL, NULL, NULL);
    g_assert_nonnull(config);
    g_assert_cmpint(config->serve_port, ==, 1234);
    assert_shown(config, "serve.port", "1234", "marquee.yaml:2");
    config_free(config);
    g_unlink(path);
    config = config_load(NULL, NULL, NULL, NULL);
    g_assert_nonnull(config);
    g_assert_cmpint(config->serve_port, ==, 8080);
    config_free(config);
    g_assert_cmpint(g_chdir(before), ==, 0);
    remove_file(path);
}

static void test_shows_no_password(void)
{
    const char *overrides[] = {"views.uri=mongodb://u:hunter2@h/db", NULL};
    const char *environment[] = {"TMDB_API_KEY=hunter2", NULL};
    struct config *config = config_load(NULL, (char *const *)environment, overrides, NULL);
    g_assert_nonnull(config);
    GString *out = g_string_new(NULL);
    config_write_values(config, out);
    g_assert_null(strstr(out->str, "hunter2"));
    g_assert_nonnull(strstr(out->str, "mongodb://u:***@h/db"));
    g_string_free(out, TRUE);
    config_free(config);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/order", test_order);
    g_test_add_func("/config/environment", test_environment);
    g_test_add_func("/config/overrides", test_overrides);
    g_test_add_func("/config/file", test_file);
    g_test_add_func("/config/default-path", test_default_path);
    g_test_add_func("/config/shows-no-password", test_shows_no_password);
    return g_test_run();
}
