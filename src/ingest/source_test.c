/* Proves: a round asks for each page once, a failed page comes again within its round and never
 * blocks the next one, and page 1 alone can say how many pages there are. */
#include "ingest/source.h"

#define INTERVAL_MS INT64_C(1000)

static void expect(struct source *source, int64_t now_ms, int32_t expected)
{
    int32_t page;
    g_assert_true(source_next(source, now_ms, &page));
    g_assert_cmpint(page, ==, expected);
}

static void expect_none(struct source *source, int64_t now_ms)
{
    int32_t page;
    g_assert_false(source_next(source, now_ms, &page));
}

static void test_rounds(void)
{
    struct source source;
    source_init(&source, INTERVAL_MS, 3, false);
    expect(&source, 5000, 1);
    expect(&source, 5000, 2);
    expect(&source, 5000, 3);
    expect_none(&source, 5000);
    g_assert_false(source_done(&source, 1, false, 5100));
    g_assert_false(source_done(&source, 3, false, 5100));
    expect_none(&source, 6000); /* due, but page 2 is still under way */
    g_assert_true(source_done(&source, 2, false, 6100));
    expect_none(&source, 5999);
    expect(&source, 6000, 1);
    source_clear(&source);
}

static void test_a_failed_page_comes_again(void)
{
    struct source source;
    source_init(&source, INTERVAL_MS, 2, false);
    expect(&source, 0, 1);
    expect(&source, 0, 2);
    g_assert_false(source_done(&source, 1, false, 10));
    g_assert_false(source_done(&source, 2, true, 10)); /* again at 10 + 1000 / 4 */
    expect_none(&source, 259);
    expect(&source, 260, 2);
    g_assert_false(source_done(&source, 2, true, 300));
    expect(&source, 550, 2);
    g_assert_true(source_done(&source, 2, false, 600)); /* now the round is whole */
    /* A page that never works is given up when the next round is due. */
    expect(&source, 1000, 1);
    expect(&source, 1000, 2);
    g_assert_false(source_done(&source, 1, false, 1000));
    g_assert_false(source_done(&source, 2, true, 1999));
    expect(&source, 2000, 1);
    expect(&source, 2000, 2);
    g_assert_false(source_done(&source, 1, false, 2000));
    g_assert_true(source_done(&source, 2, false, 2000));
    expect_none(&source, 2999); /* nothing is left of the round before */
    source_clear(&source);
}

static void test_a_shorter_list(void)
{
    struct source source;
    source_init(&source, INTERVAL_MS, 5, false);
    expect(&source, 0, 1);
    expect(&source, 0, 2);
    expect(&source, 0, 3);
    g_assert_false(source_done(&source, 3, true, 0));
    source_pages(&source, 1, 2); /* there are two: neither 4, 5 nor the failed 3 is asked for */
    g_assert_false(source_done(&source, 1, false, 0));
    g_assert_true(source_done(&source, 2, false, 0));
    expect_none(&source, 999);
    source_clear(&source);
}

static void test_page_one_tells_how_many(void)
{
    struct source source;
    source_init(&source, INTERVAL_MS, 500, true);
    expect(&source, 0, 1);
    expect_none(&source, 0);
    source_pages(&source, 1, 3);
    g_assert_false(source_done(&source, 1, false, 0));
    expect(&source, 0, 2);
    expect(&source, 0, 3);
    source_pages(&source, 1, 3); /* were it answered twice */
    source_pages(&source, 3, 3);
    expect_none(&source, 0);
    g_assert_false(source_done(&source, 2, false, 0));
    g_assert_true(source_done(&source, 3, false, 0));
    expect_none(&source, 999); /* no page twice in a round */
    /* More than TMDB's own limit are not asked for. */
    expect(&source, 1000, 1);
    source_pages(&source, 1, 2000);
    g_assert_cmpint(source.pages, ==, 500);
    source_clear(&source);
}

static void test_rewind(void)
{
    struct source source;
    source_init(&source, INTERVAL_MS, 1, false);
    expect(&source, 1000000, 1);
    g_assert_true(source_done(&source, 1, false, 1000000));
    expect_none(&source, 500);
    source_rewind(&source, 500);
    expect_none(&source, 1499);
    expect(&source, 1500, 1);
    source_clear(&source);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/source/rounds", test_rounds);
    g_test_add_func("/source/a_failed_page_comes_again", test_a_failed_page_comes_again);
    g_test_add_func("/source/a_shorter_list", test_a_shorter_list);
    g_test_add_func("/source/page_one_tells_how_many", test_page_one_tells_how_many);
    g_test_add_func("/source/rewind", test_rewind);
    return g_test_run();
}
