/* Proves that marquee.yaml is read as written, and that everything else in it is refused with file,
 * line, key, what was expected and what was found. */
#include <string.h>

#include "base/config_table.h"

static struct config *load(const char *text, GError **error)
{
    return config_load_text("m.yaml", text, strlen(text), error);
}

static void test_values(void)
{
    g_autoptr(GError) error = NULL;
    struct config *config = load("# a comment\n"
                                 "data:\n"
                                 "  dir: \"/var/lib/märquee\"   # behind a value\n"
                                 "ingest: {rate_per_s: 2.5, observe_interval: 1h30m}\n"
                                 "serve:\n"
                                 "  port: 9000\n"
                                 "tmdb:\n"
                                 "  api_key: 'it''s'\n"
                                 "bus:\n"
                                 "lake:\n"
                                 "  partition_min: 64KB\n",
                                 &error);
    g_assert_no_error(error);
    g_assert_cmpstr(config->data_dir, ==, "/var/lib/märquee");
    g_assert_cmpfloat(config->ingest_rate_per_s, ==, 2.5);
    g_assert_cmpint(config->ingest_observe_interval_ms, ==, 5400000);
    g_assert_cmpint(config->serve_port, ==, 9000);
    g_assert_cmpstr(config->tmdb_api_key, ==, "it's");
    g_assert_cmpint(config->lake_partition_min_bytes, ==, 65536);
    g_assert_cmpint(config->bus_partitions, ==, 6); /* left out: the default */
    config_free(config);
}

static void test_empty(void)
{
    static const char *const texts[] = {"",      "\n\n",         "# only a comment\n",
                                        "---\n", "---\n...\n",   "~\n",
                                        "{}",    "\xef\xbb\xbf", "bus:\nlake: ~\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        struct config *config = load(texts[i], &error);
        g_assert_no_error(error);
        g_assert_cmpint(config->serve_port, ==, 8080);
        g_assert_null(config->tmdb_api_key);
        config_free(config);
    }
    struct config *config = config_load_text("m.yaml", NULL, 0, NULL); /* as a fuzzer may ask */
    g_assert_nonnull(config);
    config_free(config);
    config = load("tmdb:\n  api_key:\nbus:\n  brokers: ~\n", NULL);
    g_assert_nonnull(config);
    g_assert_null(config->tmdb_api_key); /* an empty secret is none */
    g_assert_cmpstr(config->bus_brokers, ==, "");
    config_free(config);
}

static const struct {
    const char *text, *message;
} refused[] = {
    {"serve:\n  prot: 1\n",
     "m.yaml:2: expected a known key, found \"serve.prot\"; the nearest is serve.port"},
    {"\nsevre:\n  port: 1\n",
     "m.yaml:2: expected a known section, found \"sevre\"; the nearest is serve"},
    {"bus:\n  window: 5m\n",
     "m.yaml:2: expected a known key, found \"bus.window\"; the nearest is stream.window"},
    {"serve:\n  port: http\n",
     "m.yaml:2: serve.port: expected a whole number from 0 to 65535, found \"http\""},
    {"serve:\n  port: 65536\n",
     "m.yaml:2: serve.port: expected a whole number from 0 to 65535, found \"65536\""},
    {"serve:\n  port:\n",
     "m.yaml:2: serve.port: expected a whole number from 0 to 65535, found nothing"},
    {"serve:\n  port: null\n",
     "m.yaml:2: serve.port: expected a whole number from 0 to 65535, found nothing"},
    {"log:\n\n  level: loud # x\n",
     "m.yaml:3: log.level: expected one of debug, info, warn, error, found \"loud\""},
    {"serve:\n  port: 1\n  host: ::1\n  port: 2\n",
     "m.yaml:4: serve.port: expected it once, found it again (first in line 2)"},
    {"serve:\n  port: 1\nbus:\nserve:\n",
     "m.yaml:4: serve: expected it once, found it again (first in line 1)"},
    {"serve: 8080\n",
     "m.yaml:1: serve: expected a section with keys indented below it, found a value"},
    {"just text\n", "m.yaml:1: expected sections with keys indented below them, found only a text"},
    {"- a\n", "m.yaml:1: expected plain names and values, found a list"},
    {"serve:\n  port: [1]\n",
     "m.yaml:2: serve.port: expected plain names and values, found a list"},
    {"serve:\n  port:\n    deep: 1\n",
     "m.yaml:3: serve.port: expected a whole number from 0 to 65535, found deeper keys"},
    {"serve:\n  port: &a 1\n",
     "m.yaml:2: serve.port: expected plain names and values, found an anchor (&name)"},
    {"serve: &a\n  port: 1\n",
     "m.yaml:1: serve: expected plain names and values, found an anchor (&name)"},
    {"serve:\n  port: *a\n",
     "m.yaml:2: serve.port: expected plain names and values, found an alias (*name)"},
    {"serve:\n  port: !!int 1\n",
     "m.yaml:2: serve.port: expected plain names and values, found a tag (!name)"},
    {"serve: !x\n  port: 1\n",
     "m.yaml:1: serve: expected plain names and values, found a tag (!name)"},
    {"data:\n  dir: \"a\\0b\"\n",
     "m.yaml:2: data.dir: expected plain names and values, found a NUL character"},
    {"serve:\n  port: 1\n---\nbus:\n", "m.yaml:3: expected one document, found a second one (---)"},
    {"serve:\n  ? {a: b}\n  : 1\n", "m.yaml:2: serve: expected a key, found a mapping"},
    {"? {a: b}\n: 1\n", "m.yaml:1: expected the name of a section, found a mapping"},
    {"tmdb:\n  api_key: \"hunter2\\n\"\n", "m.yaml:2: tmdb.api_key: expected one line of text "
                                           "(UTF-8, at most 4096 bytes), found something else"},
};

static void test_refused(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autoptr(GError) error = NULL;
        struct config *config = load(refused[i].text, &error);
        g_assert_null(config);
        g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFIG);
        g_assert_cmpstr(error->message, ==, refused[i].message);
    }
}

/* Broken YAML: the reason is libyaml's, the line must be right. */
static void test_broken(void)
{
    static const struct {
        const char *text, *prefix;
    } broken[] = {
        {"serve:\n\tport: 1\n", "m.yaml:2: expected YAML"},
        {"serve:\n  port: 1\n  host: \"x\n", "m.yaml:4: expected YAML"},
        {"serve:\n  port: {\n", "m.yaml:2: serve.port: expected"},
        {"bus:\n  # fine\n  brokers: \xff\n", "m.yaml:3: expected YAML"},
        {"a: b: c\n", "m.yaml:1: expected"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autoptr(GError) error = NULL;
        struct config *config = load(broken[i].text, &error);
        g_assert_null(config);
        g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFIG);
        if (!g_str_has_prefix(error->message, broken[i].prefix))
            g_error("expected '%s...', got '%s'", broken[i].prefix, error->message);
    }
}

/* A deep nest must neither recurse nor take long. */
static void test_deep_and_large(void)
{
    g_autofree char *deep = g_strnfill(500000, '[');
    g_autoptr(GError) error = NULL;
    g_assert_null(load(deep, &error));
    g_assert_cmpstr(error->message, ==, "m.yaml:1: expected plain names and values, found a list");
    g_clear_error(&error);

    g_autofree char *comment = g_strnfill(CONFIG_FILE_BYTES_MAX, '#');
    struct config *config = load(comment, &error); /* just fits */
    g_assert_no_error(error);
    config_free(config);
    g_autofree char *large = g_strnfill(CONFIG_FILE_BYTES_MAX + 1, '#');
    g_assert_null(load(large, &error));
    g_assert_cmpstr(error->message, ==, "m.yaml: expected at most 1048576 bytes, found more");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config-yaml/values", test_values);
    g_test_add_func("/config-yaml/empty", test_empty);
    g_test_add_func("/config-yaml/refused", test_refused);
    g_test_add_func("/config-yaml/broken", test_broken);
    g_test_add_func("/config-yaml/deep-and-large", test_deep_and_large);
    return g_test_run();
}
