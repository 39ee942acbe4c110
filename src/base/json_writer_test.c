/* What the JSON writer writes is JSON, and an independent parser (jansson) reads the same values
 * out of it. */
#include "base/json_writer.h"

#include <math.h>

#include <jansson.h>

static void test_shape(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    json_write_object(out);
    json_add_int(out, "a", -5);
    json_write_key(out, "b");
    json_write_array(out);
    json_write_array(out);
    json_write_array_end(out);
    json_write_object(out);
    json_write_object_end(out);
    json_write_raw(out, "{\"x\":1}", 7);
    json_write_string(out, "{");
    json_write_bool(out, true);
    json_write_null(out);
    json_write_array_end(out);
    json_add_time(out, "t", 1772510400000);
    json_write_object_end(out);
    g_assert_cmpstr(
        out->str, ==,
        "{\"a\":-5,\"b\":[[],{},{\"x\":1},\"{\",true,null],\"t\":\"2026-03-03T04:00:00Z\"}");
}

static void check_string(const char *text, const char *expected)
{
    g_autoptr(GString) out = g_string_new(NULL);
    json_write_string(out, text);
    json_t *value = json_loadb(out->str, out->len, JSON_DECODE_ANY, NULL);
    g_assert_nonnull(value);
    g_assert_cmpstr(json_string_value(value), ==, expected);
    json_decref(value);
}

/* Quotes, control characters and non-ASCII survive; wrong UTF-8 becomes U+FFFD, never bad JSON. */
static void test_strings(void)
{
    check_string("plain", "plain");
    check_string("", "");
    check_string("a\"b\\c/d", "a\"b\\c/d");
    check_string("\x01\x1f\n\r\t", "\x01\x1f\n\r\t");
    check_string("Amélie 🎬", "Amélie 🎬");
    check_string("a\xff"
                 "b",
                 "a\xef\xbf\xbd"
                 "b");
    g_autoptr(GString) out = g_string_new(NULL);
    json_write_string(out, NULL);
    g_assert_cmpstr(out->str, ==, "null");
}

static void check_e4(int64_t value, const char *expected)
{
    g_autoptr(GString) out = g_string_new(NULL);
    json_write_e4(out, value);
    g_assert_cmpstr(out->str, ==, expected);
}

static void test_numbers(void)
{
    check_e4(0, "0");
    check_e4(1, "0.0001");
    check_e4(-1, "-0.0001");
    check_e4(78000, "7.8");
    check_e4(1234567, "123.4567");
    check_e4(-120500, "-12.05");
    check_e4(100000000, "10000");
    check_e4(INT64_MIN, "-922337203685477.5808");
    g_autoptr(GString) out = g_string_new(NULL);
    json_write_array(out);
    json_write_int(out, 0);
    json_write_int(out, -70);
    json_write_int(out, INT64_MAX);
    json_write_int(out, INT64_MIN);
    json_write_double(out, 0.1);
    json_write_double(out, -1e-9);
    json_write_double(out, NAN);
    json_write_double(out, INFINITY);
    json_write_array_end(out);
    g_assert_cmpstr(out->str, ==,
                    "[0,-70,9223372036854775807,-9223372036854775808,0.1,-1e-09,null,null]");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json_writer/shape", test_shape);
    g_test_add_func("/json_writer/strings", test_strings);
    g_test_add_func("/json_writer/numbers", test_numbers);
    return g_test_run();
}
