#include "batch/dag.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/stop.h"
#include "batch/journal.h"
#include "bus/bus.h"
#include "lake/manifest.h"
#include "lake/raw_store.h"

#define WAIT_MS     1000 /* real time between two looks for the lock */
#define WAIT_MAX_MS (2 * MS_PER_HOUR)

#define INGESTION "ingestion"
#define TRANSFORM "transform"
#define AGGREGATE "aggregate"

const struct dag_step dag_steps[] = {
    {INGESTION, "check_api_health", DAG_HEALTH, .what = "asks TMDB for a page"},
    {INGESTION, "extract_movies", DAG_LOOK, .topics = {"movie.metadata", "movie.ratings"},
     .what = "facts and ratings came since the last cut"},
    {INGESTION, "extract_reviews", DAG_LOOK, .topics = {"movie.reviews"},
     .what = "reviews came since the last cut"},
    {INGESTION, "extract_people", DAG_LOOK, .spool = true,
     .what = "whole answers, with credits, wait in the spool"},
    {INGESTION, "validate_extraction", DAG_SPOOL, .what = "all answers in the spool can be read"},
    {INGESTION, "store_bronze", DAG_PLAN, "archive", "archive",
     .what = "begins a run: cut, bronze"},
    {INGESTION, "update_metadata", DAG_WAIT, "archive", "archive",
     .what = "cut and files of bronze stand in the run's journal"},
    {TRANSFORM, "wait", DAG_WAIT, "archive", "archive", .what = "bronze is stored"},
    {TRANSFORM, "deduplicate", DAG_PLAN, "silver_movies", "silver_movies",
     .what = "each movie once, from its latest sources"},
    {TRANSFORM, "validate", DAG_PLAN, "silver_movies", "silver_movies",
     .what = "flags and reasons: the same pass"},
    {TRANSFORM, "enrich", DAG_PLAN, "silver_movies", "silver_people",
     .what = "genres, credits, companies, tiers; people"},
    {TRANSFORM, "sentiment", DAG_PLAN, "silver_movies", "silver_reviews",
     .what = "reviews with their score"},
    {TRANSFORM, "write_silver", DAG_PLAN, "silver_movies", "silver_quarantine",
     .what = "snapshots, hours, quarantine"},
    {TRANSFORM, "quality", DAG_WAIT, "silver_movies", "silver_quarantine",
     .what = "silver is complete; the gate judges it together with gold"},
    {AGGREGATE, "genre", DAG_PLAN, "gold_genre_analytics", "gold_genre_analytics",
     .what = "genre_analytics"},
    {AGGREGATE, "trending", DAG_PLAN, "gold_genre_analytics", "gold_trending_scores",
     .what = "trending_scores"},
    {AGGREGATE, "temporal", DAG_PLAN, "gold_genre_analytics", "gold_temporal_analytics",
     .what = "temporal_analytics"},
    {AGGREGATE, "revenue", DAG_PLAN, "gold_genre_analytics", "gold_revenue_analytics",
     .what = "revenue_analytics"},
    {AGGREGATE, "sentiment_trends", DAG_PLAN, "gold_genre_analytics", "gold_sentiment_trends",
     .what = "sentiment_trends"},
    {AGGREGATE, "people", DAG_PLAN, "gold_genre_analytics", "gold_people",
     .what = "people's figures"},
    {AGGREGATE, "write_gold", DAG_PLAN, "gold_genre_analytics", "quality",
     .what = "all of gold, judged: below the floor the run fails"},
    {AGGREGATE, "export", DAG_PLAN, "gold_genre_analytics", "export",
     .what = "documents of a new generation, not yet served"},
    {AGGREGATE, "indexes", DAG_PLAN, "gold_genre_analytics", "release",
     .what = "compaction, publication of lake and views, what is old goes"},
};
const size_t dag_steps_count = G_N_ELEMENTS(dag_steps);

const struct dag_step *dag_find(const char *name)
{
    const char *dot = strchr(name, '.');
    for (size_t i = 0; i < dag_steps_count; i++) {
        const struct dag_step *step = &dag_steps[i];
        bool same_dag = !dot || (strlen(step->dag) == (size_t)(dot - name) &&
                                 strncmp(step->dag, name, (size_t)(dot - name)) == 0);
        if (same_dag && strcmp(step->name, dot ? dot + 1 : name) == 0)
            return step;
    }
    return NULL;
}

/* ---- looks ---- */

static bool count_topic(struct bus *bus,
                        const struct manifest *published,
                        const struct bus_topic *topic,
                        int64_t *count,
                        GError **error)
{
    const struct manifest_cut *cut = published ? manifest_find_cut(published, topic->name) : NULL;
    for (int i = 0; i < topic->partitions; i++) {
        int64_t start, end;
        if (!bus_offsets(bus, topic->name, i, &start, &end, error))
            return false;
        int64_t from = cut && (size_t)i < cut->partitions ? cut->offsets[i] : 0;
        *count += MAX(end - MAX(start, from), 0);
    }
    return true;
}

static bool names_topic(const struct dag_step *step, const char *name)
{
    for (size_t i = 0; i < DAG_TOPICS_MAX && step->topics[i]; i++) {
        if (strcmp(step->topics[i], name) == 0)
            return true;
    }
    return false;
}

static bool count_records(const struct context *context,
                          const struct dag_step *step,
                          struct lake *lake,
                          int64_t *count,
                          GError **error)
{
    struct manifest *published = NULL;
    struct arena *arena = arena_new();
    struct bus_topic *topics;
    size_t topics_count;
    struct bus *bus = bus_open(context, error);
    bool done = bus && manifest_load_current(lake, &published, error) &&
                bus_topics(bus, arena, &topics, &topics_count, error);
    for (size_t i = 0; done && i < topics_count; i++) {
        if (names_topic(step, topics[i].name))
            done = count_topic(bus, published, &topics[i], count, error);
    }
    manifest_free(published);
    bus_close(bus);
    arena_free(arena);
    return done;
}

static bool count_answer(void *user, const struct raw_answer *answer, GError **error)
{
    (void)answer, (void)error;
    ++*(int64_t *)user;
    return true;
}

static bool count_answers(struct lake *lake, int64_t *count, GError **error)
{
    struct arena *arena = arena_new();
    struct lake_object *files;
    size_t files_count;
    bool done = lake_list(lake, RAW_STORE_PREFIX, arena, &files, &files_count, error);
    for (size_t i = 0; done && i < files_count; i++)
        done = raw_store_read(lake, files[i].name, count_answer, count, error);
    arena_free(arena);
    return done;
}

static bool
look(const struct context *context, const struct dag_step *step, char **ret_note, GError **error)
{
    int64_t count = 0;
    struct lake *lake = lake_open(context, error);
    bool done = lake && (!step->topics[0] || count_records(context, step, lake, &count, error)) &&
                ((!step->spool && step->kind != DAG_SPOOL) || count_answers(lake, &count, error));
    lake_close(lake);
    if (!done)
        return false;
    if (count == 0 && step->kind == DAG_LOOK) {
        error_set(error, NOTFOUND, "batch: %s: nothing came since the last cut", step->name);
        return false;
    }
    *ret_note = g_strdup_printf("%" PRId64 " new", count);
    return true;
}

/* ---- the plan ---- */

static size_t place_of(const char *plan_step)
{
    size_t place = 0;
    while (strcmp(batch_step_name(place), plan_step) != 0)
        place++;
    return place;
}

static bool wait_for(const struct context *context,
                     const struct dag_step *step,
                     char **ret_note,
                     GError **error)
{
    struct journal *journal = NULL;
    struct lake *lake = lake_open(context, error);
    bool done = lake && journal_load(lake, &journal, error);
    lake_close(lake);
    if (!done)
        return false;
    const char *missing = NULL;
    for (size_t i = place_of(step->first); journal && i <= place_of(step->last); i++) {
        if (!missing && !manifest_step_done(journal->manifest, batch_step_name(i)))
            missing = batch_step_name(i);
    }
    if (!journal)
        error_set(error, NOTFOUND, "batch: %s: no run is open", step->name);
    else if (missing)
        error_set(error, NOTFOUND, "batch: %s: %s isn't done yet in %s", step->name, missing,
                  journal->manifest->run_id);
    else
        *ret_note = g_strdup(journal->manifest->run_id);
    done = journal && !missing;
    journal_free(journal);
    return done;
}

/* Tasks of one graph may be started side by side: they go one after another. */
static bool run_plan_step(const struct context *context,
                          const char *name,
                          struct batch_report *ret_report,
                          GError **error)
{
    for (int64_t waited_ms = 0;; waited_ms += WAIT_MS) {
        g_autoptr(GError) trouble = NULL;
        if (batch_step(context, name, ret_report, &trouble))
            return true;
        bool stopped = context->stop && stop_requested(context->stop);
        if (!error_is(trouble, CONFLICT) || waited_ms >= WAIT_MAX_MS || stopped || !context->stop) {
            g_propagate_error(error, g_steal_pointer(&trouble));
            return false;
        }
        stop_wait_ms(context->stop, WAIT_MS);
    }
}

static bool run_plan(const struct context *context,
                     const struct dag_step *step,
                     char **ret_note,
                     GError **error)
{
    struct batch_report report = {0};
    for (size_t i = place_of(step->first); i <= place_of(step->last); i++) {
        if (!run_plan_step(context, batch_step_name(i), &report, error))
            return false;
    }
    *ret_note = g_strdup(report.run_id);
    return true;
}

bool dag_run(const struct context *context,
             const struct dag_step *step,
             char **ret_note,
             GError **error)
{
    switch (step->kind) {
    case DAG_LOOK:
    case DAG_SPOOL:
        return look(context, step, ret_note, error);
    case DAG_WAIT:
        return wait_for(context, step, ret_note, error);
    case DAG_PLAN:
        return run_plan(context, step, ret_note, error);
    case DAG_HEALTH:
        break;
    }
    g_assert_not_reached();
}
