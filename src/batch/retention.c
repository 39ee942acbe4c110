#include "batch/retention.h"

#include <string.h>

#include "base/clock.h"
#include "batch/bronze.h"
#include "batch/run_state.h"

#define LOOKBACKS 2                 /* an acceleration reads two windows back */
#define TRENDS_MS (92 * MS_PER_DAY) /* the longest trend has 90 days, which are over */
#define EVER_MS   (-(INT64_C(1) << 60))

static int64_t archive_ms(const struct config *config)
{
    return MAX(config->lake_bronze_retention_ms, config_bronze_least_ms(config));
}

int64_t retention_exact_from_ms(const struct config *config, const struct manifest *manifest)
{
    if (manifest->bronze_from_ms == INT64_MIN)
        return EVER_MS;
    int64_t from_ms = manifest->bronze_from_ms + config->stream_future_limit_ms +
                      LOOKBACKS * config->stream_velocity_lookback_ms;
    return (from_ms / MS_PER_HOUR + 1) * MS_PER_HOUR;
}

/* by_start: a file goes when any of it is older, else when all of it is. Returns the latest end of
 * what went. */
static int64_t let_go(struct manifest *manifest, const char *name, int64_t before_ms, bool by_start)
{
    struct manifest_table *table = manifest_table(manifest, name);
    int64_t reached_ms = INT64_MIN;
    for (guint i = table->files->len; i > 0; i--) {
        const struct manifest_file *file = table->files->pdata[i - 1];
        bool whole = file->from_ms == file->to_ms; /* no partition: the table's one file */
        if (whole || (by_start ? file->from_ms : file->to_ms) > before_ms)
            continue;
        reached_ms = MAX(reached_ms, file->to_ms);
        g_ptr_array_remove_index(table->files, i - 1);
    }
    return reached_ms;
}

void retention_apply(const struct config *config, struct manifest *manifest)
{
    static const char *const monthly[] = {"silver/snapshots", "silver/hours_stats",
                                          "silver/hours_sentiment", "silver/hours_trending"};
    for (size_t i = 0; i < bronze_tables_count; i++) {
        if (bronze_tables[i] == &bronze_movies || bronze_tables[i] == &bronze_exports)
            continue;
        int64_t reached_ms = let_go(manifest, bronze_tables[i]->name,
                                    manifest->cut_at_ms - archive_ms(config), false);
        manifest->bronze_from_ms = MAX(manifest->bronze_from_ms, reached_ms);
    }
    int64_t answers_ms = MIN(config->lake_bronze_retention_ms, config->ingest_raw_retention_ms);
    let_go(manifest, bronze_movies.name, manifest->cut_at_ms - answers_ms, true);
    let_go(manifest, bronze_exports.name,
           manifest->cut_at_ms - MAX(config->lake_bronze_retention_ms, TRENDS_MS), false);
    for (size_t i = 0; i < G_N_ELEMENTS(monthly); i++)
        let_go(manifest, monthly[i], manifest->cut_at_ms - SILVER_MS, false);
}
