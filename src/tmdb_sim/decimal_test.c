/* Proves that a decimal is written exactly, always with a fraction and without needless zeros. */
#include "tmdb_sim/decimal.h"

static void check(int64_t value, int digits, const char *expected)
{
    g_autoptr(GString) out = g_string_new(NULL);
    decimal_write(out, value, digits);
    g_assert_cmpstr(out->str, ==, expected);
}

static void test_decimal(void)
{
    check(6526109, 4, "652.6109");
    check(200000, 4, "20.0");
    check(205000, 4, "20.5");
    check(1, 4, "0.0001");
    check(0, 4, "0.0");
    check(7005, 3, "7.005");
    check(95, 1, "9.5");
    check(100, 1, "10.0");
    check(INT64_MAX, 4, "922337203685477.5807");
}

static void test_int(void)
{
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {{0, "0"},
                 {7, "7"},
                 {-10, "-10"},
                 {775398007, "775398007"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) out = g_string_new("x");
        decimal_write_int(out, cases[i].value);
        g_assert_cmpstr(out->str + 1, ==, cases[i].text);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tmdb_sim/decimal/decimal", test_decimal);
    g_test_add_func("/tmdb_sim/decimal/int", test_int);
    return g_test_run();
}
