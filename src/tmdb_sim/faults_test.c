/* Proves that a specification is read whole or refused with what was expected, that faults come in
 * the share asked for and again in the same order, and that limits follow the world's time. */
#include "tmdb_sim/faults.h"

#include <string.h>

static struct faults *open_faults(const char *spec, uint64_t seed, const struct clock *clock)
{
    g_autoptr(GError) error = NULL;
    struct faults *faults = faults_new(spec, seed, clock, &error);
    g_assert_no_error(error);
    return faults;
}

static void test_refused(void)
{
    static const struct {
        const char *spec, *expected;
    } cases[] = {
        {"error", "a share from 0 to 1"},
        {"error=", "a share from 0 to 1"},
        {"error=0.1x", "a share from 0 to 1"},
        {"error=nan", "a share from 0 to 1"},
        {"truncate=-0.1", "a share from 0 to 1"},
        {"error=0.1,html=1.5", "a share from 0 to 1"},
        {"latency=200", "200ms@0.1"},
        {"latency=200ms@2", "200ms@0.1"},
        {"latency=1h@1", "200ms@0.1"},
        {"storm=600s/60s", "the first not longer"},
        {"storm=60s", "two durations"},
        {"rate=0", "requests a second"},
        {"retry_after=1.5", "whole seconds"},
        {"retry_after=-1", "whole seconds"},
        {"error=0.1,,html=0.1", "is no fault"},
        {"errors=0.1", "is no fault"},
    };
    struct clock *clock = clock_new_manual(0);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(faults_new(cases[i].spec, 1, clock, &error));
        g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFIG);
        if (!strstr(error->message, cases[i].expected))
            g_error("%s: \"%s\" lacks \"%s\"", cases[i].spec, error->message, cases[i].expected);
    }
    clock_free(clock);
}

static void test_shares(void)
{
    struct clock *clock = clock_new_manual(0);
    struct faults *one = open_faults("error=0.3, latency=5ms@0.1,truncate=0.05", 1, clock);
    struct faults *same = open_faults("error=0.3,latency=5ms@0.1,truncate=0.05", 1, clock);
    struct faults *other = open_faults("error=0.3", 2, clock);
    int errors = 0, waits = 0, cuts = 0, differ = 0;
    for (int i = 0; i < 10000; i++) {
        struct fault_plan plan = faults_next(one), again = faults_next(same);
        g_assert_cmpuint(plan.number, ==, (uint64_t)i + 1);
        g_assert_true(memcmp(plan.hits, again.hits, sizeof plan.hits) == 0);
        g_assert_true(plan.chance == again.chance);
        g_assert_cmpint(plan.latency_ms, ==, plan.hits[FAULT_LATENCY] ? 5 : 0);
        g_assert_false(plan.hits[FAULT_HTML] || plan.hits[FAULT_STORM] || plan.hits[FAULT_RATE]);
        errors += plan.hits[FAULT_ERROR];
        waits += plan.hits[FAULT_LATENCY];
        cuts += plan.hits[FAULT_TRUNCATE];
        differ += plan.hits[FAULT_ERROR] != faults_next(other).hits[FAULT_ERROR];
    }
    /* Five standard deviations: 229, 150, 109. */
    g_assert_cmpint(ABS(errors - 3000), <, 230);
    g_assert_cmpint(ABS(waits - 1000), <, 150);
    g_assert_cmpint(ABS(cuts - 500), <, 110);
    g_assert_cmpint(differ, >, 3000);
    faults_free(one);
    faults_free(same);
    faults_free(other);
    clock_free(clock);
}

/* In the first minute of every ten, whatever the phase. */
static void test_storm(void)
{
    struct clock *clock = clock_new_manual(0);
    struct faults *faults = open_faults("storm=60s/10m", 1, clock);
    for (int second = 0; second < 2400; second += 7) {
        clock_set_now(clock, second * MS_PER_SECOND + 1);
        struct fault_plan plan = faults_next(faults);
        g_assert_true(plan.hits[FAULT_STORM] == (second % 600 < 60));
        if (plan.hits[FAULT_STORM])
            g_assert_cmpint(plan.retry_after_s, ==, 60 - second % 600);
    }
    faults_free(faults);
    clock_free(clock);
}

/* One second's worth at once, then as fast as the world's time goes; never more is saved up. */
static void test_rate(void)
{
    struct clock *clock = clock_new_manual(0);
    struct faults *faults = open_faults("rate=40,retry_after=none", 1, clock);
    int passed = 0;
    for (int i = 0; i < 100; i++)
        passed += !faults_next(faults).hits[FAULT_RATE];
    g_assert_cmpint(passed, ==, 40);
    for (int i = 0; i < 100; i++) {
        clock_advance(clock, 10); /* 0.4 of a request */
        passed += !faults_next(faults).hits[FAULT_RATE];
    }
    g_assert_cmpint(passed, ==, 80);
    clock_advance(clock, MS_PER_HOUR);
    passed = 0;
    for (int i = 0; i < 100; i++)
        passed += !faults_next(faults).hits[FAULT_RATE];
    g_assert_cmpint(passed, ==, 40);
    g_assert_cmpint(faults_next(faults).retry_after_s, ==, -1);
    faults_free(faults);
    clock_free(clock);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tmdb_sim/faults/refused", test_refused);
    g_test_add_func("/tmdb_sim/faults/shares", test_shares);
    g_test_add_func("/tmdb_sim/faults/storm", test_storm);
    g_test_add_func("/tmdb_sim/faults/rate", test_rate);
    return g_test_run();
}
