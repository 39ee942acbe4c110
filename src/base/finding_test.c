/* Proves: findings keep their order and texts, the worst is found over all and of one check, and a
 * check that finds the same a thousand times says it in a few lines with the true number. */
#include "base/finding.h"

static void test_worst(void)
{
    struct findings *findings = findings_new();
    g_assert_cmpint(findings_worst(findings, NULL), ==, FINDING_OK);
    findings_add(findings, FINDING_OK, "a", NULL, "fine");
    findings_add(findings, FINDING_WARN, "b", "do this", "%d late", 3);
    g_assert_cmpint(findings_worst(findings, NULL), ==, FINDING_WARN);
    g_assert_cmpint(findings_worst(findings, "a"), ==, FINDING_OK);
    findings_add(findings, FINDING_BAD, "a", NULL, "gone");
    g_assert_cmpint(findings_worst(findings, "a"), ==, FINDING_BAD);
    g_assert_cmpuint(findings_count(findings), ==, 3);
    g_assert_cmpstr(findings_get(findings, 1)->text, ==, "3 late");
    g_assert_cmpstr(findings_get(findings, 1)->advice, ==, "do this");
    g_assert_cmpstr(finding_level_name(findings_get(findings, 1)->level), ==, "warn");
    findings_free(findings);
}

static void test_many(void)
{
    struct findings *findings = findings_new();
    for (int i = 0; i < 1000; i++)
        findings_add(findings, FINDING_WARN, "many", NULL, "number %d", i);
    findings_add(findings, FINDING_OK, "other", NULL, "fine");
    g_assert_cmpuint(findings_count(findings), ==, FINDINGS_PER_CHECK_MAX + 2);
    g_assert_cmpstr(findings_get(findings, FINDINGS_PER_CHECK_MAX - 1)->text, ==, "number 9");
    g_assert_cmpstr(findings_get(findings, FINDINGS_PER_CHECK_MAX)->text, ==,
                    "and 990 more of the same kind");
    findings_free(findings);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/finding/worst", test_worst);
    g_test_add_func("/finding/many", test_many);
    return g_test_run();
}
