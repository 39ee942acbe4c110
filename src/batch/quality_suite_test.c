/* What isn't known stops a suite, and the text says where and what is known; values become SQL text
 * only as literals of their column's class, whatever they hold; of row conditions only the simple
 * ones are read. */
#include "batch/quality_suite.h"

#include <stdlib.h>
#include <string.h>

#include "batch/duckdb_session.h"
#include "batch/quality_condition.h"
#include "batch/quality_literal.h"
#include "batch/test_world.h"

static struct quality_suite *parse(const char *text, GError **error)
{
    return quality_suite_parse("x.json", text, strlen(text), error);
}

static void expect_bad(const char *text, const char *words)
{
    GError *error = NULL;
    g_assert_null(parse(text, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
    if (!g_str_has_prefix(error->message, "x.json: ") || !strstr(error->message, words))
        g_error("wanted \"%s\", found \"%s\"", words, error->message);
    g_error_free(error);
}

#define SUITE(expectation)                                                                         \
    "{\"name\":\"s\",\"expectations\":[{\"type\":\"expect_table_row_count_to_equal\",\"kwargs\":{" \
    "\"value\":1}}," expectation "]}"
#define BETWEEN(kwargs)                                                                            \
    SUITE("{\"type\":\"expect_column_values_to_be_between\",\"kwargs\":{\"column\":\"a\"," kwargs  \
          "}}")

static void test_unknown(void)
{
    expect_bad("{", "line 1");
    expect_bad("[]", "not a suite");
    expect_bad("{\"name\":\"s\"}", "not a suite");
    expect_bad("{\"name\":\"s\",\"expectations\":[],\"data_asset_type\":1}",
               "\"data_asset_type\" isn't known; known are: name, id");
    expect_bad("{\"name\":\"s\",\"expectations\":[],\"suite_parameters\":{\"a\":1}}",
               "suite_parameters aren't supported");
    expect_bad(SUITE("{\"type\":\"expect_column_to_be_nice\",\"kwargs\":{}}"),
               "expectation 1: type \"expect_column_to_be_nice\" isn't known; known are: "
               "expect_column_values_to_not_be_null, ");
    expect_bad(SUITE("{\"expectation_type\":\"x\",\"kwargs\":{}}"),
               "field \"expectation_type\" isn't known; known are: id, type");
    expect_bad(SUITE("{\"type\":\"expect_column_to_exist\"}"), "there is no object \"kwargs\"");
    expect_bad(BETWEEN("\"min\":1"),
               "expectation 1: expect_column_values_to_be_between has no argument \"min\"; known "
               "are: column, mostly, row_condition, condition_parser, min_value, max_value, "
               "strict_min, strict_max");
    expect_bad(SUITE("{\"type\":\"expect_column_values_to_be_in_set\",\"kwargs\":{\"column\":"
                     "\"a\"}}"),
               "needs \"value_set\"");
    expect_bad(SUITE("{\"type\":\"expect_column_values_to_be_null\",\"kwargs\":{\"column\":\"a\"},"
                     "\"severity\":\"fatal\"}"),
               "severity must be critical, warning or info");
}

static void test_arguments(void)
{
    expect_bad(BETWEEN("\"mostly\":0.5"), "needs \"min_value\" or \"max_value\"");
    expect_bad(BETWEEN("\"min_value\":2,\"max_value\":1"), "\"min_value\" is above \"max_value\"");
    expect_bad(BETWEEN("\"min_value\":2,\"max_value\":\"b\""), "of different types");
    expect_bad(BETWEEN("\"min_value\":2,\"mostly\":1.1"),
               "\"mostly\" must be a number from 0 to 1");
    expect_bad(BETWEEN("\"min_value\":{\"$PARAMETER\":\"x\"}"),
               "must be a number, a text or a date");
    expect_bad(BETWEEN("\"min_value\":123456789012345678901234567890"), "too big integer");
    expect_bad(BETWEEN("\"min_value\":1e999"), "real number overflow");
    expect_bad(BETWEEN("\"min_value\":1,\"min_value\":2"), "duplicate");
    expect_bad(SUITE("{\"type\":\"expect_column_values_to_match_like_pattern\",\"kwargs\":{"
                     "\"column\":\"a\",\"like_pattern\":\"x\",\"escape\":\"ab\"}}"),
               "one ASCII character");
    expect_bad(SUITE("{\"type\":\"expect_column_quantile_values_to_be_between\",\"kwargs\":{"
                     "\"column\":\"a\",\"quantile_ranges\":{\"quantiles\":[0.5],\"value_ranges\":[]"
                     "}}}"),
               "equally long");
    GError *error = NULL;
    struct quality_suite *suite =
        parse(BETWEEN("\"min_value\":1,\"max_value\":null,\"mostly\":0.9"), &error);
    g_assert_no_error(error);
    g_assert_cmpfloat(suite->items[1].mostly, ==, 0.9);
    g_assert_cmpstr(suite->items[1].severity, ==, "critical");
    g_assert_null(quality_expectation_get(&suite->items[1], "max_value"));
    quality_suite_free(suite);
}

/* ---- conditions ---- */

static void expect_condition(const char *value, const char *wanted)
{
    GError *error = NULL;
    json_t *given = json_loads(value, JSON_DECODE_ANY, NULL), *found;
    json_t *expected = json_loads(wanted, 0, NULL);
    g_assert_true(given && expected);
    bool done = quality_condition_read(given, &found, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    if (!json_equal(found, expected))
        g_error("%s: found %s", value, json_dumps(found, 0));
    json_decref(given);
    json_decref(found);
    json_decref(expected);
}

static void expect_no_condition(const char *value, const char *words)
{
    GError *error = NULL;
    json_t *given = json_loads(value, JSON_DECODE_ANY, NULL), *found;
    g_assert_nonnull(given);
    g_assert_false(quality_condition_read(given, &found, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
    if (!strstr(error->message, words))
        g_error("wanted \"%s\", found \"%s\"", words, error->message);
    g_error_free(error);
    json_decref(given);
}

#define COMPARISON(name, op, value)                                                                \
    "{\"type\":\"comparison\",\"column\":{\"name\":\"" name "\"},\"operator\":\"" op               \
    "\",\"parameter\":" value "}"
#define AND(list) "{\"type\":\"and\",\"conditions\":[" list "]}"

static void test_conditions(void)
{
    expect_condition("\"a == 1\"", AND(COMPARISON("a", "==", "1")));
    expect_condition("\"`a b`!='x y' & c>=-1.5e3\"",
                     AND(COMPARISON("a b", "!=", "\"x y\"") "," COMPARISON("c", ">=", "-1500.0")));
    expect_condition("\"col(\\\"a\\\") < 3 and col('b').is_null()\"",
                     AND(COMPARISON("a", "<", "3") ",{\"type\":\"nullity\",\"column\":{\"name\":"
                                                   "\"b\"},\"is_null\":true}"));
    expect_condition("{\"type\":\"pass_through\",\"pass_through_filter\":\"a=='x'\"}",
                     AND(COMPARISON("a", "==", "\"x\"")));
    expect_condition(COMPARISON("a", "IN", "[1,2]"), COMPARISON("a", "IN", "[1,2]"));
    static const char *const texts[] = {
        "\"\"",
        "\"a\"",
        "\"a = 1\"",
        "\"a == b\"",
        "\"a == 1 or b == 2\"",
        "\"a == 1)\"",
        "\"__import__('os').system('x')\"",
        "\"a == 'x\\\\'\"",
        "\"a == 1; DROP TABLE t\"",
        "\"a == 1e999\"",
        "\"1 == 1\"",
        "\"a in [1]\"",
        "\"not a == 1\"",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        expect_no_condition(texts[i], "can't be read");
    expect_no_condition("7", "type \"\" can't be read");
    expect_no_condition("{\"type\":\"sql\"}", "type \"sql\" can't be read; known are: comparison");
    expect_no_condition(COMPARISON("a", "LIKE", "1"), "operator \"LIKE\" isn't known");
    expect_no_condition(COMPARISON("a", "==", "null"), "is a number, a text or a bool");
    expect_no_condition(COMPARISON("a", "IN", "1"), "is a list");
    expect_no_condition("{\"type\":\"and\",\"conditions\":[]}", "empty list");
    expect_no_condition(AND(AND(AND(AND(AND(AND(AND(AND(AND(COMPARISON("a", "==", "1")))))))))),
                        "8 levels");
}

/* ---- literals ---- */

/* What the engine makes of a literal, cast to VARCHAR and read back byte for byte. */
static void expect_literal(struct duckdb_session *session, const char *text, size_t len)
{
    GError *error = NULL;
    g_autoptr(GString) sql = g_string_new("SELECT ");
    json_t *value = json_stringn(text, len);
    bool done = quality_literal(sql, QUALITY_CLASS_TEXT, value, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    g_assert_cmpuint(strlen(sql->str), ==, sql->len);
    duckdb_result result;
    done = duckdb_session_run(session, sql->str, &result, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
    duckdb_string_t *found = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    g_assert_cmpuint(duckdb_string_t_length(*found), ==, len);
    g_assert_true(memcmp(duckdb_string_t_data(found), text, len) == 0);
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
    json_decref(value);
}

static void test_texts(void)
{
    static const struct {
        const char *text;
        size_t len;
    } texts[] = {
        {"", 0},
        {"plain", 5},
        {"'", 1},
        {"''", 2},
        {"'; DROP TABLE x; --", 19},
        {"\\", 1},
        {"\\'", 2},
        {"a\0b", 3},
        {"\0", 1},
        {"'\0'", 3},
        {"\n\r\t\x01\x7f", 5},
        {"\xf0\x9f\xa4\xa6\xe2\x80\x8d\xe2\x99\x82", 10},
        {"$1 ? {c} ${x} %s", 16},
        {"/* */ -- \"", 10},
    };
    struct test_world world;
    GError *error = NULL;
    test_world_open(&world);
    g_autofree char *root = g_strconcat(world.config->data_dir, "/lake/", NULL);
    struct duckdb_session *session = duckdb_session_open(&world.context, root, &error);
    g_assert_no_error(error);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        expect_literal(session, texts[i].text, texts[i].len);
    GRand *random = g_rand_new_with_seed(1);
    for (int i = 0; i < 300; i++) { /* any bytes below 0x80, quotes and NULs often */
        static const char often[] = {'\'', '\0', '\\', '"', ';', '-'};
        char text[32];
        for (size_t j = 0; j < sizeof text; j++) {
            guint32 any = g_rand_int(random);
            text[j] = any & 1 ? often[(any >> 1) % sizeof often] : (char)((any >> 1) % 128);
        }
        expect_literal(session, text, g_rand_int(random) % sizeof text);
    }
    g_rand_free(random);
    duckdb_session_close(session);
    test_world_close(&world);
}

static void expect_value(enum quality_class class, const char *value, const char *wanted)
{
    GError *error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    json_t *given = json_loads(value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    g_assert_nonnull(given);
    bool done = quality_literal(out, class, given, &error);
    g_assert_true(done == (wanted != NULL));
    if (wanted)
        g_assert_cmpstr(out->str, ==, wanted);
    else
        g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
    g_clear_error(&error);
    json_decref(given);
}

static void test_values(void)
{
    expect_value(QUALITY_CLASS_WHOLE, "-9223372036854775808", "(-9223372036854775808)");
    expect_value(QUALITY_CLASS_WHOLE, "9223372036854775807", "(9223372036854775807)");
    expect_value(QUALITY_CLASS_FLOAT, "1.7976931348623157e308",
                 "CAST('1.7976931348623157e+308' AS DOUBLE)");
    expect_value(QUALITY_CLASS_FLOAT, "5e-324", "CAST('4.94065645841247e-324' AS DOUBLE)");
    expect_value(QUALITY_CLASS_FLOAT, "0.1", "CAST('0.1' AS DOUBLE)");
    expect_value(QUALITY_CLASS_WHOLE, "\"1\"", NULL);
    expect_value(QUALITY_CLASS_WHOLE, "true", NULL);
    expect_value(QUALITY_CLASS_TEXT, "1", NULL);
    expect_value(QUALITY_CLASS_BOOL, "true", "TRUE");
    expect_value(QUALITY_CLASS_BOOL, "1", NULL);
    expect_value(QUALITY_CLASS_DATE, "\"2024-02-29\"", "CAST(('2024-02-29') AS DATE)");
    expect_value(QUALITY_CLASS_DATE, "\"2023-02-29\"", NULL);
    expect_value(QUALITY_CLASS_DATE, "\"2024-2-29\"", NULL);
    expect_value(QUALITY_CLASS_DATE, "\"2024-02-29' OR '1\"", NULL);
    expect_value(QUALITY_CLASS_DATE, "\"2024-02-29\\u0000\"", NULL);
    expect_value(QUALITY_CLASS_TIME, "\"2024-02-29T23:59:59\"",
                 "CAST(('2024-02-29T23:59:59') AS TIMESTAMP)");
    expect_value(QUALITY_CLASS_TIME, "\"2024-02-29T24:00:00\"", NULL);
    expect_value(QUALITY_CLASS_NESTED, "1", NULL);
    expect_value(QUALITY_CLASS_TEXT, "null", NULL);
    g_autoptr(GString) name = g_string_new(NULL);
    quality_literal_name(name, "a\"b' c");
    g_assert_cmpstr(name->str, ==, "\"a\"\"b' c\"");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/quality_suite/unknown", test_unknown);
    g_test_add_func("/quality_suite/arguments", test_arguments);
    g_test_add_func("/quality_suite/conditions", test_conditions);
    g_test_add_func("/quality_suite/texts", test_texts);
    g_test_add_func("/quality_suite/values", test_values);
    return g_test_run();
}
