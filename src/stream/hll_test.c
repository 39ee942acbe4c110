/* Proves: estimates lie within four standard errors over a range of counts; merging is the union;
 * small counts are exact. */
#include "stream/hll.h"

#include <math.h>
#include <string.h>

#include <glib.h>

static void test_error(void)
{
    static const int counts[] = {100, 1000, 3000, 10000, 100000};
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        struct hll hll = {0};
        for (int j = 0; j < counts[i]; j++)
            hll_add(&hll, (uint64_t)j * 7);
        g_assert_cmpfloat(fabs(hll_count(&hll) / counts[i] - 1), <, 4 * 1.04 / sqrt(HLL_REGISTERS));
    }
}

static void test_merge(void)
{
    struct hll a = {0}, b = {0}, both = {0};
    for (uint64_t i = 0; i < 5000; i++) {
        hll_add(i % 3 ? &a : &b, i);
        hll_add(&b, i % 100);
        hll_add(&both, i);
    }
    hll_merge(&a, &b);
    g_assert_true(memcmp(a.registers, both.registers, sizeof a.registers) == 0);
}

static void test_small(void)
{
    struct hll hll = {0};
    g_assert_true(hll_count(&hll) == 0);
    for (int times = 0; times < 3; times++) {
        for (uint64_t i = 0; i < 10; i++)
            hll_add(&hll, i);
    }
    g_assert_cmpint((int)rint(hll_count(&hll)), ==, 10);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/hll/error", test_error);
    g_test_add_func("/stream/hll/merge", test_merge);
    g_test_add_func("/stream/hll/small", test_small);
    return g_test_run();
}
