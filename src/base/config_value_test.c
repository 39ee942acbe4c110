/* Proves how each type of setting is read and refused: the values are computed by hand, and what is
 * written reads back as the same value. */
#include "base/config_table.h"

static const struct config_row duration = {
    "s", "k", CONFIG_TYPE_DURATION, 0, "1s", "1ms", "3650d", NULL, NULL, ""};
static const struct config_row size = {"s",  "k", CONFIG_TYPE_SIZE, 0, "1KB", "0B", "1024GB", NULL,
                                       NULL, ""};
static const struct config_row integer = {"s",  "k", CONFIG_TYPE_INT, 0, "1", "-5", "64", NULL,
                                          NULL, ""};
static const struct config_row number = {"s",  "k", CONFIG_TYPE_DOUBLE, 0, "1", "-1e9", "1e9", NULL,
                                         NULL, ""};
static const struct config_row truth = {"s",  "k", CONFIG_TYPE_BOOL, 0, "true", NULL, NULL, NULL,
                                        NULL, ""};
static const struct config_row choice = {"s",  "k",  CONFIG_TYPE_CHOICE, 0,    "sqlite",
                                         NULL, NULL, "sqlite|kafka",     NULL, ""};
static const struct config_row text = {"s",  "k", CONFIG_TYPE_STRING, 0, "", NULL, NULL, NULL,
                                       NULL, ""};
static const struct config_row secret = {"s",  "k", CONFIG_TYPE_SECRET, 0, "", NULL, NULL, NULL,
                                         NULL, ""};

static void assert_integer(const struct config_row *row, const char *written, int64_t expected)
{
    union config_value value = {0};
    g_autoptr(GError) error = NULL;
    bool done = config_value_parse(row, written, &value, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    g_assert_cmpint(value.integer, ==, expected);
}

static void assert_refused(const struct config_row *row, const char *written, const char *message)
{
    union config_value value = {.integer = 4711};
    g_autoptr(GError) error = NULL;
    if (config_value_parse(row, written, &value, &error))
        g_error("'%s' was taken", written);
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFIG);
    g_assert_cmpint(value.integer, ==, 4711); /* written only on success */
    if (message)
        g_assert_cmpstr(error->message, ==, message);
}

static void test_duration(void)
{
    assert_integer(&duration, "250ms", 250);
    assert_integer(&duration, "30s", 30000);
    assert_integer(&duration, "5m", 300000);
    assert_integer(&duration, "4h", 14400000);
    assert_integer(&duration, "2d", 172800000);
    assert_integer(&duration, "1h30m", 5400000);
    assert_integer(&duration, "1d2h3m4s5ms", 93784005);
    assert_integer(&duration, "3650d", INT64_C(315360000000));
    assert_refused(
        &duration, "30",
        "expected a duration from 1ms to 3650d (such as 250ms, 30s, 5m, 1h30m, 2d), found \"30\"");
    assert_refused(
        &duration, "",
        "expected a duration from 1ms to 3650d (such as 250ms, 30s, 5m, 1h30m, 2d), found nothing");
    static const char *const refused[] = {
        "s",
        "5x",
        "5M",
        "5m ",
        " 5m",
        "5 m",
        "-5m",
        "+5m",
        "1.5h",
        "30m1h",
        "1h1h",
        "1h30",
        "5mm",
        "0s",
        "0",
        "3651d",
        "99999999999999999999d",
        "9223372036854775807d",
        "107000000000d107000000000h",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++)
        assert_refused(&duration, refused[i], NULL);
}

static void test_size(void)
{
    assert_integer(&size, "0B", 0);
    assert_integer(&size, "512B", 512);
    assert_integer(&size, "64KB", 65536);
    assert_integer(&size, "8MB", 8388608);
    assert_integer(&size, "2GB", INT64_C(2147483648));
    assert_integer(&size, "1024GB", INT64_C(1099511627776));
    static const char *const refused[] = {
        "",      "8",     "8kb", "8K", "8MiB", "1MB1KB", "1025GB", "-1B", "9999999999999GB",
        "0.5MB", "0x10B",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++)
        assert_refused(&size, refused[i], NULL);
    assert_refused(&size, "8",
                   "expected a size from 0B to 1024GB (such as 512B, 64KB, 8MB, 2GB), found \"8\"");
}

static void test_integer(void)
{
    assert_integer(&integer, "0", 0);
    assert_integer(&integer, "-5", -5);
    assert_integer(&integer, "64", 64);
    static const char *const refused[] = {
        "",    "-", "65", "-6", "1.0", "1e1", "0x1", "1 ", " 1", "+1", "one", "9223372036854775808",
        "--1",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++)
        assert_refused(&integer, refused[i], NULL);
    assert_refused(&integer, "65", "expected a whole number from -5 to 64, found \"65\"");
}

static void test_number(void)
{
    static const struct {
        const char *written;
        double expected;
    } known[] = {{"4", 4}, {"0.25", 0.25}, {"-1e9", -1e9}, {"1e-3", 0.001}, {".5", 0.5}};
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        union config_value value;
        g_assert_true(config_value_parse(&number, known[i].written, &value, NULL));
        g_assert_cmpfloat(value.number, ==, known[i].expected);
    }
    static const char *const refused[] = {"",      "nan",   "inf", "0x1p3", "1,5", "1e10",
                                          "-1e10", "1e999", "e",   "1 ",    "1f"};
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++)
        assert_refused(&number, refused[i], NULL);
    assert_refused(&number, "nan", "expected a number from -1e9 to 1e9, found \"nan\"");
}

static void test_words(void)
{
    union config_value value;
    g_assert_true(config_value_parse(&truth, "true", &value, NULL) && value.truth);
    g_assert_true(config_value_parse(&truth, "false", &value, NULL) && !value.truth);
    assert_refused(&truth, "yes", "expected true or false, found \"yes\"");
    g_assert_true(config_value_parse(&choice, "kafka", &value, NULL));
    g_assert_cmpstr(value.text, ==, "kafka");
    g_free(value.text);
    assert_refused(&choice, "Kafka", "expected one of sqlite, kafka, found \"Kafka\"");
    assert_refused(&choice, "sqlite|kafka", NULL);
    assert_refused(&choice, "", "expected one of sqlite, kafka, found nothing");
    assert_refused(&text, "a\nb",
                   "expected one line of text (UTF-8, at most 4096 bytes), found \"a\\x0ab\"");
    assert_refused(&text, "\xff", NULL);
    g_autofree char *longest = g_strnfill(4096, 'x');
    g_assert_true(config_value_parse(&text, longest, &value, NULL));
    g_free(value.text);
    g_autofree char *too_long = g_strnfill(4097, 'x');
    assert_refused(&text, too_long, NULL);
}

/* Neither the value of a bad secret nor a password in a URL gets into an error's text. */
static void test_secrets(void)
{
    union config_value value;
    g_assert_true(config_value_parse(&secret, "", &value, NULL));
    g_assert_null(value.text);
    assert_refused(&secret, "hunter2\n",
                   "expected one line of text (UTF-8, at most 4096 bytes), found something else");
    static const char *const urls[][2] = {
        {"mongodb://user:hunter2@host:27017/db", "mongodb://user:***@host:27017/db"},
        {"redis://:hunter2@host", "redis://:***@host"},
        {"redis://u:p@ss:hunter2@host/0", "redis://u:***@host/0"},
        {"http://host:80/a:b@c", "http://host:80/a:b@c"},
        {"http://user@host:80/", "http://user@host:80/"},
        {"no url", "no url"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
        g_autofree char *masked = config_mask_url(urls[i][0]);
        g_assert_cmpstr(masked, ==, urls[i][1]);
    }
    g_autofree char *quoted = config_quote(urls[0][0]);
    g_assert_cmpstr(quoted, ==, "\"mongodb://user:***@host:27017/db\"");
}

static void test_reads_back(void)
{
    static const int64_t times[] = {0,     1,       999,      1000,
                                    61000, 5400000, 93784005, INT64_C(315360000000)};
    static const char *const texts[] = {"0s",   "1ms",   "999ms",       "1s",
                                        "1m1s", "1h30m", "1d2h3m4s5ms", "3650d"};
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
        g_autofree char *written = config_duration_text(times[i]);
        g_assert_cmpstr(written, ==, texts[i]);
    }
    /* Each default of config.def, written from its field, is the text in config.def. */
    struct config *config = config_new_default();
    for (size_t i = 0; i < config_rows_count; i++) {
        union config_value before, after;
        const struct config_row *row = &config_rows[i];
        g_autofree char *written = config_value_text(config, row);
        g_assert_true(config_value_parse(row, row->fallback, &before, NULL));
        g_assert_true(config_value_parse(row, written, &after, NULL));
        if (row->type == CONFIG_TYPE_DURATION || row->type == CONFIG_TYPE_SIZE ||
            row->type == CONFIG_TYPE_INT)
            g_assert_cmpint(before.integer, ==, after.integer);
        else if (row->type == CONFIG_TYPE_DOUBLE)
            g_assert_cmpfloat(before.number, ==, after.number);
        else if (row->type != CONFIG_TYPE_BOOL) {
            g_assert_cmpstr(before.text, ==, after.text);
            g_free(before.text);
            g_free(after.text);
        }
    }
    config_free(config);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config-value/duration", test_duration);
    g_test_add_func("/config-value/size", test_size);
    g_test_add_func("/config-value/integer", test_integer);
    g_test_add_func("/config-value/number", test_number);
    g_test_add_func("/config-value/words", test_words);
    g_test_add_func("/config-value/secrets", test_secrets);
    g_test_add_func("/config-value/reads-back", test_reads_back);
    return g_test_run();
}
