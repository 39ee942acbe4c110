/* Proves: the task's watermark is the least over its inputs, less the delay; an idle input doesn't
 * hold it back; it never goes back. */
#include "stream/watermark.h"

#include <glib.h>

#define DELAY 10000
#define IDLE  30000

static struct watermark two_inputs(void)
{
    struct watermark watermark;
    watermark_init(&watermark, 2, DELAY, IDLE, 0);
    return watermark;
}

static void test_least(void)
{
    struct watermark watermark = two_inputs();
    watermark_observe(&watermark, 0, 100000, 1);
    g_assert_cmpint(watermark.value_ms, ==,
                    WATERMARK_NONE); /* the other input may still bring anything */
    watermark_observe(&watermark, 1, 60000, 2);
    g_assert_cmpint(watermark.value_ms, ==, 50000);
    watermark_observe(&watermark, 1, 300000, 3);
    g_assert_cmpint(watermark.value_ms, ==, 90000);
    watermark_observe(&watermark, 0, 1, 4); /* an old record takes nothing back */
    g_assert_cmpint(watermark.value_ms, ==, 90000);
}

static void test_final(void)
{
    struct watermark watermark = two_inputs();
    watermark_observe(&watermark, 0, 310000, 1);
    watermark_observe(&watermark, 1, 309999, 1);
    g_assert_false(watermark_final(&watermark, 300000));
    watermark_observe(&watermark, 1, 310000, 1);
    g_assert_true(watermark_final(&watermark, 300000)); /* at its end is passed */
    g_assert_false(watermark_final(&watermark, 300001));
}

static void test_idle(void)
{
    struct watermark watermark = two_inputs();
    watermark_observe(&watermark, 0, 100000, 20000);
    watermark_pass(&watermark, IDLE - 1);
    g_assert_cmpint(watermark.value_ms, ==, WATERMARK_NONE);
    watermark_pass(&watermark, IDLE); /* input 1 has been silent since the start */
    g_assert_cmpint(watermark.value_ms, ==, 90000);
    watermark_observe(&watermark, 1, 40000, IDLE + 1); /* back, with old records: they are late */
    g_assert_cmpint(watermark.value_ms, ==, 90000);
    watermark_observe(&watermark, 0, 200000, IDLE + 2);
    g_assert_cmpint(watermark.value_ms, ==, 90000); /* and it holds back again */
    watermark_pass(&watermark, 2 * IDLE + 2);       /* all silent: nothing holds back */
    g_assert_cmpint(watermark.value_ms, ==, 190000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/watermark/least", test_least);
    g_test_add_func("/stream/watermark/final", test_final);
    g_test_add_func("/stream/watermark/idle", test_idle);
    return g_test_run();
}
