/* Proves that a JSON line is valid JSON with the given values whatever they hold and however long
 * they are (read back by jansson), that a text line is the one the header shows, that colour needs
 * a terminal and no NO_COLOR, and that a level below the limit is not written. */
#include "base/log.h"

#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <jansson.h>

#define NOW_MS         INT64_C(1772510400000) /* 2026-03-03T04:00:00Z */
#define LINE_BYTES_MAX 4096

/* A log into a pipe, whose other end the test reads. */
struct capture {
    struct clock *clock;
    struct log *log;
    int fds[2];
    char bytes[3 * LINE_BYTES_MAX];
};

static struct capture *capture_new(enum log_level level, enum log_format format)
{
    struct capture *capture = g_new0(struct capture, 1);
    g_assert_cmpint(pipe2(capture->fds, O_NONBLOCK), ==, 0);
    capture->clock = clock_new_manual(NOW_MS);
    capture->log = log_new(capture->fds[1], level, format, capture->clock);
    return capture;
}

static void capture_free(struct capture *capture)
{
    log_free(capture->log);
    clock_free(capture->clock);
    close(capture->fds[0]);
    close(capture->fds[1]);
    g_free(capture);
}

/* What was written since the last call. */
static const char *capture_read(struct capture *capture)
{
    ssize_t got = read(capture->fds[0], capture->bytes, sizeof capture->bytes - 1);
    capture->bytes[MAX(got, 0)] = '\0';
    return capture->bytes;
}

static json_t *capture_json(struct capture *capture)
{
    const char *line = capture_read(capture);
    size_t len = strlen(line);
    g_assert_cmpuint(len, >, 0);
    g_assert_cmpuint(len, <=, LINE_BYTES_MAX);
    g_assert_true(strchr(line, '\n') == line + len - 1); /* one line, ended */
    json_error_t error;
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    if (!object)
        g_error("%s in: %s", error.text, line);
    return object;
}

static void test_json(void)
{
    struct capture *capture =
        capture_new(LOG_LEVEL_INFO, LOG_FORMAT_AUTO); /* a pipe is no terminal */
    log_info(capture->log, "stream", "committed", LOG_INT("partition", 3), LOG_NUM("seconds", 0.25),
             LOG_STR("topic", "movie.ratings"), LOG_STR("none", NULL), LOG_NUM("nan", NAN),
             LOG_INT("least", INT64_MIN));
    g_assert_cmpstr(capture_read(capture), ==,
                    "{\"time\":\"2026-03-03T04:00:00Z\",\"level\":\"info\",\"stage\":\"stream\","
                    "\"message\":\"committed\",\"partition\":3,\"seconds\":0.25,"
                    "\"topic\":\"movie.ratings\",\"none\":null,\"nan\":null,"
                    "\"least\":-9223372036854775808}\n");
    log_error(capture->log, "serve", "ended");
    g_assert_cmpstr(capture_read(capture), ==,
                    "{\"time\":\"2026-03-03T04:00:00Z\",\"level\":\"error\",\"stage\":\"serve\","
                    "\"message\":\"ended\"}\n");
    capture_free(capture);
}

static void test_json_escapes(void)
{
    struct capture *capture = capture_new(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
    const char *nasty = "quote \" backslash \\ lines\r\n tab\t bell\a del\x7f ümlaut 𝄞 </script>";
    log_warn(capture->log, "ingest", nasty, LOG_STR("value", nasty));
    json_t *object = capture_json(capture);
    g_assert_cmpstr(json_string_value(json_object_get(object, "message")), ==, nasty);
    g_assert_cmpstr(json_string_value(json_object_get(object, "value")), ==, nasty);
    g_assert_cmpstr(json_string_value(json_object_get(object, "level")), ==, "warn");
    json_decref(object);

    /* A stray continuation byte, a cut sequence at the end, an overlong slash and a surrogate. */
    log_debug(capture->log, "ingest", "a\x80z", LOG_STR("cut", "b\xe2\x82"),
              LOG_STR("overlong", "\xc0\xaf"), LOG_STR("surrogate", "\xed\xa0\x80!"));
    object = capture_json(capture);
    g_assert_cmpstr(json_string_value(json_object_get(object, "message")), ==, "a\uFFFDz");
    g_assert_cmpstr(json_string_value(json_object_get(object, "cut")), ==, "b\uFFFD\uFFFD");
    g_assert_cmpstr(json_string_value(json_object_get(object, "overlong")), ==, "\uFFFD\uFFFD");
    g_assert_cmpstr(json_string_value(json_object_get(object, "surrogate")), ==,
                    "\uFFFD\uFFFD\uFFFD!");
    json_decref(object);
    capture_free(capture);
}

/* Every length around the limit, so that the cut falls on each byte of a pair and of an escape. */
static void test_json_limit(void)
{
    struct capture *capture = capture_new(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
    static const char *const units[] = {"a", "\"", "€", "\x01", "\xff"};
    int cut = 0, whole = 0;
    for (size_t unit = 0; unit < G_N_ELEMENTS(units); unit++)
        for (size_t len = 500; len < 4300; len += len < 3850 && unit == 0 ? 500 : 7) {
            GString *text = g_string_new(NULL);
            for (size_t i = 0; i < len; i++)
                g_string_append(text, units[unit]);
            log_info(capture->log, "stage", "m", LOG_STR("text", text->str), LOG_INT("tail", 42),
                     LOG_STR("end", "e"));
            json_t *object = capture_json(capture);
            if (json_is_true(json_object_get(object, "truncated"))) {
                cut++;
            } else {
                whole++;
                g_assert_cmpint(json_integer_value(json_object_get(object, "tail")), ==, 42);
                g_assert_null(strstr(json_string_value(json_object_get(object, "text")), "…"));
            }
            json_decref(object);
            g_string_free(text, TRUE);
        }
    g_assert_cmpint(cut, >, 0);
    g_assert_cmpint(whole, >, 0);
    capture_free(capture);
}

static void test_json_cut_is_marked(void)
{
    struct capture *capture = capture_new(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
    g_autofree char *huge = g_strnfill(100000, 'h');
    log_info(capture->log, "stage", huge, LOG_INT("lost", 1));
    json_t *object = capture_json(capture);
    g_assert_true(json_is_true(json_object_get(object, "truncated")));
    g_assert_true(g_str_has_suffix(json_string_value(json_object_get(object, "message")), "hhh…"));
    g_assert_null(json_object_get(object, "lost"));
    json_decref(object);
    capture_free(capture);
}

static void test_text(void)
{
    struct capture *capture = capture_new(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_info(capture->log, "stream", "committed", LOG_INT("partition", 3), LOG_INT("records", 512));
    g_assert_cmpstr(capture_read(capture), ==,
                    "2026-03-03 04:00:00 INFO  stream  committed  partition=3 records=512\n");
    log_error(capture->log, "serve", "an end\033[2J\nnext");
    g_assert_cmpstr(capture_read(capture), ==,
                    "2026-03-03 04:00:00 ERROR serve  an end\\u001b[2J\\nnext\n");
    log_warn(capture->log, "s", "m", LOG_STR("plain", "a-b"), LOG_STR("spaced", "a b=\"c\""),
             LOG_STR("empty", ""), LOG_STR("none", NULL), LOG_NUM("number", 1.5));
    g_assert_cmpstr(capture_read(capture), ==,
                    "2026-03-03 04:00:00 WARN  s  m  plain=a-b spaced=\"a b=\\\"c\\\"\" empty=\"\" "
                    "none=null number=1.5\n");
    g_autofree char *huge = g_strnfill(100000, 'h');
    log_warn(capture->log, "s", "m", LOG_STR("huge", huge));
    const char *line = capture_read(capture);
    g_assert_cmpuint(strlen(line), <=, LINE_BYTES_MAX);
    g_assert_true(g_str_has_suffix(line, "hhh…\n"));
    capture_free(capture);
}

static void test_level(void)
{
    struct capture *capture = capture_new(LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
    log_debug(capture->log, "s", "m");
    log_info(capture->log, "s", "m");
    g_assert_cmpstr(capture_read(capture), ==, "");
    log_warn(capture->log, "s", "m");
    g_assert_cmpstr(capture_read(capture), ==, "2026-03-03 04:00:00 WARN  s  m\n");
    log_error(NULL, "s", "a log that is NULL swallows it");
    capture_free(capture);
    log_free(NULL);
}

/* What a log writes to a pseudo-terminal. */
static char *write_to_terminal(enum log_format format)
{
    int control = posix_openpt(O_RDWR | O_NOCTTY);
    char name[PATH_MAX];
    if (control < 0 || grantpt(control) != 0 || unlockpt(control) != 0 ||
        ptsname_r(control, name, sizeof name) != 0)
        return NULL;
    int terminal = open(name, O_RDWR | O_NOCTTY);
    g_assert_cmpint(terminal, >=, 0);
    struct clock *clock = clock_new_manual(NOW_MS);
    struct log *log = log_new(terminal, LOG_LEVEL_INFO, format, clock);
    log_info(log, "s", "m");
    char bytes[256];
    ssize_t got = read(control, bytes, sizeof bytes);
    g_assert_cmpint(got, >, 0);
    log_free(log);
    clock_free(clock);
    close(terminal);
    close(control);
    return g_strndup(bytes, (size_t)got);
}

static void test_terminal(void)
{
    unsetenv("NO_COLOR");
    g_autofree char *coloured = write_to_terminal(LOG_FORMAT_AUTO);
    if (!coloured) {
        g_test_skip("no pseudo-terminal can be had here");
        return;
    }
    g_assert_cmpstr(coloured, ==, "2026-03-03 04:00:00 \033[32mINFO \033[0m s  m\r\n");
    setenv("NO_COLOR", "1", 1);
    g_autofree char *plain = write_to_terminal(LOG_FORMAT_AUTO);
    g_assert_cmpstr(plain, ==, "2026-03-03 04:00:00 INFO  s  m\r\n");
    setenv("NO_COLOR", "", 1);
    g_autofree char *empty = write_to_terminal(LOG_FORMAT_TEXT);
    g_assert_cmpstr(empty, ==, coloured);
    g_autofree char *json = write_to_terminal(LOG_FORMAT_JSON);
    g_assert_true(g_str_has_prefix(json, "{\"time\""));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/json", test_json);
    g_test_add_func("/log/json-escapes", test_json_escapes);
    g_test_add_func("/log/json-limit", test_json_limit);
    g_test_add_func("/log/json-cut-is-marked", test_json_cut_is_marked);
    g_test_add_func("/log/text", test_text);
    g_test_add_func("/log/level", test_level);
    g_test_add_func("/log/terminal", test_terminal);
    return g_test_run();
}
