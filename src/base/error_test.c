/* Proves that an error keeps its code when where it happened is put before it, that the domain
 * tells it from others, and that each code has its name. */
#include "base/error.h"

static void test_set_and_prefix(void)
{
    g_autoptr(GError) error = NULL;
    error_set(&error, AGAIN, "answer %d, retry in %d s", 429, 3);
    g_prefix_error(&error, "tmdb: ");
    g_assert_true(error_is(error, AGAIN));
    g_assert_false(error_is(error, FAILED));
    g_assert_cmpstr(error->message, ==, "tmdb: answer 429, retry in 3 s");
    error_set(NULL, AGAIN, "nobody listens"); /* must not crash */
}

static void test_domain(void)
{
    g_autoptr(GError) foreign = g_error_new_literal(G_FILE_ERROR, MARQUEE_ERROR_AGAIN, "foreign");
    g_assert_false(error_is(foreign, AGAIN));
    g_assert_false(error_is(NULL, AGAIN));
    g_assert_cmpstr(g_quark_to_string(MARQUEE_ERROR), ==, "marquee");
}

static void test_names(void)
{
    g_assert_cmpstr(marquee_error_name(MARQUEE_ERROR_AGAIN), ==, "AGAIN");
    g_assert_cmpstr(marquee_error_name(MARQUEE_ERROR_BADDATA), ==, "BADDATA");
    g_assert_cmpstr(marquee_error_name(MARQUEE_ERROR_NOTFOUND), ==, "NOTFOUND");
    g_assert_cmpstr(marquee_error_name(MARQUEE_ERROR_CONFLICT), ==, "CONFLICT");
    g_assert_cmpstr(marquee_error_name(MARQUEE_ERROR_FENCED), ==, "FENCED");
    g_assert_cmpstr(marquee_error_name(MARQUEE_ERROR_DENIED), ==, "DENIED");
    g_assert_cmpstr(marquee_error_name(MARQUEE_ERROR_CONFIG), ==, "CONFIG");
    g_assert_cmpstr(marquee_error_name(MARQUEE_ERROR_FAILED), ==, "FAILED");
    g_assert_cmpstr(marquee_error_name(MARQUEE_ERROR_FAILED + 1), ==, "UNKNOWN");
    g_assert_cmpstr(marquee_error_name(-1), ==, "UNKNOWN");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/error/set-and-prefix", test_set_and_prefix);
    g_test_add_func("/error/domain", test_domain);
    g_test_add_func("/error/names", test_names);
    return g_test_run();
}
