/* The scan finds what jansson finds, and on any cut or damaged text it neither reads outside nor
 * finds what isn't there. */
#include "serve/json_scan.h"

#include <string.h>

#include <jansson.h>

static const char text[] =
    " { \"a\" : 1.5 , \"b\":[ 1, {\"x\":\"]},\\\"\"} ,[],\"s\" ],\"c\":null,"
    "\"d\":{\"a\":2},\"e\":\"q\\\"\\\\\\/\\n\\u00e9\\ud83c\\udfac\\ud800z\",\"t\":"
    "\"2026-03-03T04:00:00Z\",\"n\":-7}";

static void test_members(void)
{
    struct span all = json_scan_text(text), value;
    double number;
    int64_t integer;
    g_assert_true(json_scan_member(all, "a", &value));
    g_assert_true(json_scan_double(value, &number));
    g_assert_cmpfloat(number, ==, 1.5);
    g_assert_false(json_scan_int(value, &integer));
    g_assert_true(json_scan_member(all, "d", &value));
    g_assert_true(json_scan_member(value, "a", &value));
    g_assert_true(json_scan_int(value, &integer));
    g_assert_cmpint(integer, ==, 2);
    g_assert_false(json_scan_member(all, "x", &value)); /* only of the object itself */
    g_assert_true(json_scan_member(all, "c", &value));
    g_assert_false(json_scan_int(value, &integer));
    g_assert_true(json_scan_member(all, "n", &value));
    g_assert_true(json_scan_int(value, &integer));
    g_assert_cmpint(integer, ==, -7);
    g_assert_true(json_scan_member(all, "t", &value));
    g_assert_true(json_scan_time(value, &integer));
    g_assert_cmpint(integer, ==, 1772510400000);
}

static void test_elements(void)
{
    struct span all = json_scan_text(text), array, value;
    static const char *const expected[] = {"1", "{\"x\":\"]},\\\"\"}", "[]", "\"s\""};
    g_assert_true(json_scan_member(all, "b", &array));
    size_t cursor = 0, count = 0;
    while (json_scan_next(array, &cursor, NULL, &value)) {
        g_autofree char *found = g_strndup(value.data, value.len);
        g_assert_cmpstr(found, ==, expected[count]);
        count++;
    }
    g_assert_cmpuint(count, ==, 4);
    cursor = 0;
    g_assert_false(json_scan_next(json_scan_text("[]"), &cursor, NULL, &value));
    g_assert_false(json_scan_next(json_scan_text("[ ]"), &cursor, NULL, &value));
    g_assert_false(json_scan_next(json_scan_text("7"), &cursor, NULL, &value));
}

/* Escapes, as jansson reads them (but for the lone surrogate, which jansson refuses). */
static void test_strings(void)
{
    struct arena *arena = arena_new();
    struct span value;
    const char *found;
    g_assert_true(json_scan_member(json_scan_text(text), "e", &value));
    g_assert_true(json_scan_string(value, arena, &found));
    g_assert_cmpstr(found, ==, "q\"\\/\né🎬\xef\xbf\xbdz");
    static const char *const texts[] = {"\"\"", "\"a\"", "\"\\u0041\\t\"", "\"\\ud83d\\ude00!\""};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        json_t *expected = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        g_assert_true(json_scan_string(json_scan_text(texts[i]), arena, &found));
        g_assert_cmpstr(found, ==, json_string_value(expected));
        json_decref(expected);
    }
    g_assert_false(json_scan_string(json_scan_text("null"), arena, &found));
    g_assert_false(json_scan_string(json_scan_text("\""), arena, &found));
    arena_free(arena);
}

static void walk(struct span container, int depth, struct arena *arena)
{
    struct span key, value;
    const char *found;
    double number;
    int64_t integer;
    size_t steps = 0;
    for (size_t cursor = 0; json_scan_next(container, &cursor, &key, &value); steps++) {
        g_assert_true(value.data >= container.data &&
                      value.data + value.len <= container.data + container.len);
        g_assert_cmpuint(steps, <, container.len);
        (void)json_scan_string(value, arena, &found);
        (void)json_scan_double(value, &number);
        (void)json_scan_int(value, &integer);
        (void)json_scan_time(value, &integer);
        if (depth < 8)
            walk(value, depth + 1, arena);
    }
}

/* Every prefix, and every text with one byte changed, in a block of just its size (a sanitizer sees
 * what goes past it). */
static void test_damaged(void)
{
    static const char bytes[] = "{}[]\",:\\u0 ";
    struct arena *arena = arena_new();
    size_t len = strlen(text);
    for (size_t cut = 0; cut <= len; cut++) {
        g_autofree char *copy = g_memdup2(text, cut);
        walk((struct span){.data = copy, .len = cut}, 0, arena);
    }
    for (size_t at = 0; at < len; at++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            g_autofree char *copy = g_memdup2(text, len);
            copy[at] = bytes[i];
            walk((struct span){.data = copy, .len = len}, 0, arena);
            arena_reset(arena);
        }
    }
    g_autofree char *deep = g_strnfill(100000, '[');
    walk(json_scan_text(deep), 0, arena);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json_scan/members", test_members);
    g_test_add_func("/json_scan/elements", test_elements);
    g_test_add_func("/json_scan/strings", test_strings);
    g_test_add_func("/json_scan/damaged", test_damaged);
    return g_test_run();
}
