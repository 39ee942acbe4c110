#include "base/finding.h"

#include <stdint.h>

struct findings {
    GArray *list;   /* struct finding */
    GHashTable *of; /* check -> how many were added, as a pointer-sized number */
};

const char *finding_level_name(enum finding_level level)
{
    static const char *const names[FINDING_LEVEL_COUNT] = {"ok", "note", "warn", "bad"};
    return names[level];
}

static void finding_clear(void *finding)
{
    g_free(((struct finding *)finding)->text);
}

struct findings *findings_new(void)
{
    struct findings *findings = g_new0(struct findings, 1);
    findings->list = g_array_new(FALSE, FALSE, sizeof(struct finding));
    g_array_set_clear_func(findings->list, finding_clear);
    findings->of = g_hash_table_new(g_str_hash, g_str_equal);
    return findings;
}

void findings_free(struct findings *findings)
{
    if (!findings)
        return;
    g_array_unref(findings->list);
    g_hash_table_unref(findings->of);
    g_free(findings);
}

/* One line stands for all beyond the limit: it takes the last one's place and says how many. */
static void count_further(struct findings *findings, const char *check, size_t further)
{
    for (size_t i = findings->list->len; i-- > 0;) {
        struct finding *last = &g_array_index(findings->list, struct finding, i);
        if (!g_str_equal(last->check, check))
            continue;
        g_free(last->text);
        last->text = g_strdup_printf("and %zu more of the same kind", further);
        return;
    }
}

void findings_add(struct findings *findings,
                  enum finding_level level,
                  const char *check,
                  const char *advice,
                  const char *format,
                  ...)
{
    size_t before = GPOINTER_TO_SIZE(g_hash_table_lookup(findings->of, check));
    g_hash_table_insert(findings->of, (void *)(uintptr_t)check, GSIZE_TO_POINTER(before + 1));
    if (before > FINDINGS_PER_CHECK_MAX) {
        count_further(findings, check, before + 1 - FINDINGS_PER_CHECK_MAX);
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    struct finding finding = {.level = level,
                              .check = check,
                              .text = g_strdup_vprintf(format, arguments),
                              .advice = advice};
    va_end(arguments);
    g_array_append_val(findings->list, finding);
}

size_t findings_count(const struct findings *findings)
{
    return findings->list->len;
}

const struct finding *findings_get(const struct findings *findings, size_t index)
{
    return &g_array_index(findings->list, struct finding, index);
}

enum finding_level findings_worst(const struct findings *findings, const char *check)
{
    enum finding_level worst = FINDING_OK;
    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *finding = findings_get(findings, i);
        if (!check || g_str_equal(finding->check, check))
            worst = MAX(worst, finding->level);
    }
    return worst;
}
