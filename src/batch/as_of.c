#include "batch/as_of.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "base/stop.h"
#include "batch/archive.h"
#include "batch/batch_lock.h"
#include "batch/bronze.h"
#include "batch/engine_duckdb.h"
#include "batch/journal.h"
#include "batch/plan.h"
#include "batch/retention.h"
#include "batch/tables.h"

#define PREFIX   "runs/asof-"
#define COMPUTED "computed.json"

struct past {
    const struct context *context;
    batch_progress_fn progress;
    void *user;
    int lock_fd;
    struct lake *lake;
    struct manifest *published, *manifest;
    struct run_state state;
    char *prefix; /* runs/<run id>/ */
};

static char *make_run_id(int64_t as_of_ms)
{
    char text[CLOCK_ISO_BYTES];
    g_auto(GStrv) parts = g_strsplit_set(clock_iso8601(as_of_ms, text), "-:", -1);
    g_autofree char *stamp = g_strjoinv("", parts);
    return as_of_ms % MS_PER_SECOND
               ? g_strdup_printf("asof-%s-%03d", stamp, (int)(as_of_ms % MS_PER_SECOND))
               : g_strconcat("asof-", stamp, NULL);
}

static bool within_reach(const struct config *config,
                         const struct manifest *published,
                         int64_t as_of_ms,
                         GError **error)
{
    char asked[CLOCK_ISO_BYTES], limit[CLOCK_ISO_BYTES];
    clock_iso8601(as_of_ms, asked);
    if (as_of_ms > published->cut_at_ms) {
        error_set(error, BADDATA,
                  "batch: %s is after %s, the cut of the last run: what came since isn't archived; "
                  "run `marquee batch run` first",
                  asked, clock_iso8601(published->cut_at_ms, limit));
        return false;
    }
    if (published->bronze_from_ms == INT64_MIN)
        return true;
    int64_t limit_ms = retention_exact_from_ms(config, published);
    if (as_of_ms >= limit_ms)
        return true;
    error_set(
        error, BADDATA,
        "batch: %s is beyond bronze's retention: it reaches back to %s (lake.bronze_retention)",
        asked, clock_iso8601(limit_ms, limit));
    return false;
}

static bool load_published(struct lake *lake, struct manifest **ret_manifest, GError **error)
{
    if (!manifest_load_current(lake, ret_manifest, error))
        return false;
    if (!*ret_manifest)
        error_set(error, NOTFOUND,
                  "batch: nothing is published yet: run `marquee batch run` first");
    return *ret_manifest != NULL;
}

/* Of the published tables the archive is what is read; everything else is computed. */
static void take_archive(struct past *past, int64_t as_of_ms)
{
    g_autofree char *run_id = make_run_id(as_of_ms);
    past->manifest = manifest_new(run_id);
    manifest_inherit(past->manifest, past->published);
    for (guint i = 0; i < past->published->tables->len; i++) {
        const struct manifest_table *table = past->published->tables->pdata[i];
        if (!g_str_has_prefix(table->name, "bronze/"))
            manifest_clear_table(past->manifest, table->name);
    }
    past->manifest->cut_at_ms = as_of_ms;
    past->manifest->through_ms = as_of_ms / MS_PER_HOUR * MS_PER_HOUR;
    past->manifest->bronze_from_ms = past->published->bronze_from_ms;
    past->prefix = g_strdup_printf("runs/%s/", run_id);
}

static bool open_past(struct past *past, int64_t as_of_ms, GError **error)
{
    const struct context *context = past->context;
    past->lock_fd = batch_lock_take(context->config, error);
    if (past->lock_fd < 0 || !(past->lake = lake_open(context, error)) ||
        !load_published(past->lake, &past->published, error) ||
        !within_reach(context->config, past->published, as_of_ms, error))
        return false;
    take_archive(past, as_of_ms);
    past->state = (struct run_state){
        .context = context,
        .lake = past->lake,
        .manifest = past->manifest,
        .as_of = true,
        .prefix = past->prefix,
    };
    run_state_init(&past->state);
    run_state_set_int(&past->state, "as_of_ms", as_of_ms);
    run_state_set_int(&past->state, "exact_from_ms",
                      retention_exact_from_ms(context->config, past->published));
    g_autofree char *lake_root = tables_lake_root(past->lake, error);
    past->state.engine = lake_root ? engine_duckdb_open(context, lake_root, error) : NULL;
    return past->state.engine != NULL;
}

static bool is_transform(const struct plan_step *step)
{
    return g_str_has_prefix(step->name, "silver_") || g_str_has_prefix(step->name, "gold_");
}

static bool run_step(struct past *past, size_t index, GError **error)
{
    const struct plan_step *plan = &plan_steps[index];
    const struct clock *clock = past->context->clock;
    if (past->context->stop && stop_requested(past->context->stop)) {
        error_set(error, AGAIN, "batch: stopped");
        return false;
    }
    if (past->progress)
        past->progress(past->user, index, plan_steps_count, plan->name);
    int64_t start_us = clock_monotonic_us(clock);
    struct manifest_step step = {.name = (char *)plan->name};
    if (!plan->run(&past->state, &step, error)) {
        g_prefix_error(error, "batch: %s: ", plan->name);
        return false;
    }
    step.seconds = (double)(clock_monotonic_us(clock) - start_us) / 1e6;
    manifest_add_step(past->manifest, &step);
    return true;
}

static bool note_computed(const struct past *past, GError **error)
{
    g_autofree char *name = g_strconcat(past->prefix, COMPUTED, NULL);
    g_autofree char *sql = journal_fingerprint();
    json_t *object = json_pack("{s:s,s:I}", "sql", sql, "computed_at",
                               (json_int_t)clock_now_ms(past->context->clock));
    char *text = json_dumps(object, JSON_COMPACT);
    failpoint("batch.as_of.saved");
    bool done = lake_put(past->lake, name, text, strlen(text), error);
    free(text);
    json_decref(object);
    return done;
}

static bool compute(struct past *past, GError **error)
{
    for (size_t i = 0; i < plan_steps_count; i++) {
        if (is_transform(&plan_steps[i]) && !run_step(past, i, error))
            return false;
    }
    /* Its manifest names what it made; the archive is the published run's. */
    for (size_t i = 0; i < bronze_tables_count; i++)
        manifest_clear_table(past->manifest, bronze_tables[i]->name);
    return manifest_save(past->manifest, past->lake, error) && note_computed(past, error);
}

static void close_past(struct past *past)
{
    engine_close(past->state.engine);
    run_state_clear(&past->state);
    manifest_free(past->manifest);
    manifest_free(past->published);
    lake_close(past->lake);
    g_free(past->prefix);
    if (past->lock_fd >= 0)
        close(past->lock_fd);
}

bool batch_as_of(const struct context *context,
                 int64_t as_of_ms,
                 batch_progress_fn progress,
                 void *user,
                 struct batch_report *ret_report,
                 GError **error)
{
    struct past past = {.context = context, .progress = progress, .user = user, .lock_fd = -1};
    int64_t start_us = clock_monotonic_us(context->clock);
    bool done = open_past(&past, as_of_ms, error) && compute(&past, error);
    if (done) {
        struct rusage usage;
        struct batch_report report = {
            .through_ms = past.manifest->through_ms,
            .seconds = (double)(clock_monotonic_us(context->clock) - start_us) / 1e6,
            .peak_bytes = getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0,
        };
        g_strlcpy(report.run_id, past.manifest->run_id, sizeof report.run_id);
        *ret_report = report;
    }
    close_past(&past);
    return done;
}

bool batch_as_of_reachable(const struct context *context,
                           int64_t first_ms,
                           int64_t last_ms,
                           GError **error)
{
    struct manifest *published = NULL;
    struct lake *lake = lake_open(context, error);
    bool done = lake && load_published(lake, &published, error) &&
                within_reach(context->config, published, first_ms, error) &&
                within_reach(context->config, published, last_ms, error);
    manifest_free(published);
    lake_close(lake);
    return done;
}

/* ---- what has been computed ---- */

/* *ret_object: NULL where there is none, or none that can be read. */
static bool
load_computed(struct lake *lake, const char *folder, json_t **ret_object, GError **error)
{
    g_autoptr(GError) trouble = NULL;
    g_autofree char *name = g_strconcat(folder, COMPUTED, NULL);
    struct arena *arena = arena_new();
    char *text = NULL;
    size_t len = 0;
    bool done = lake_get(lake, name, arena, &text, &len, &trouble);
    *ret_object = done ? json_loadb(text, len, 0, NULL) : NULL;
    arena_free(arena);
    if (done || error_is(trouble, NOTFOUND))
        return true;
    g_propagate_error(error, g_steal_pointer(&trouble));
    return false;
}

bool batch_as_of_done(struct lake *lake, int64_t as_of_ms, bool *ret_done, GError **error)
{
    g_autofree char *run_id = make_run_id(as_of_ms);
    g_autofree char *folder = g_strdup_printf("runs/%s/", run_id);
    g_autofree char *sql = journal_fingerprint();
    json_t *object;
    if (!load_computed(lake, folder, &object, error))
        return false;
    *ret_done = g_strcmp0(json_string_value(json_object_get(object, "sql")), sql) == 0;
    json_decref(object);
    return true;
}

/* "runs/asof-20260303T040000Z/" of any name in it; newly allocated. */
static char *folder_of(const char *name)
{
    const char *slash = strchr(name + strlen(PREFIX), '/');
    return slash ? g_strndup(name, (gsize)(slash + 1 - name)) : g_strdup(name);
}

static bool is_kept(const struct context *context,
                    struct lake *lake,
                    const char *folder,
                    bool *ret_kept,
                    GError **error)
{
    json_t *object;
    if (!load_computed(lake, folder, &object, error))
        return false;
    const json_t *at = json_object_get(object, "computed_at");
    *ret_kept =
        json_is_integer(at) && json_integer_value(at) + context->config->lake_past_retention_ms >
                                   clock_now_ms(context->clock);
    json_decref(object);
    return true;
}

bool batch_as_of_sweep(const struct context *context,
                       struct lake *lake,
                       struct manifest_step *ret_step,
                       GError **error)
{
    struct arena *arena = arena_new();
    struct lake_object *objects;
    size_t count;
    g_autofree char *folder = NULL;
    bool kept = true;
    bool done = lake_list(lake, PREFIX, arena, &objects, &count, error);
    for (size_t i = 0; done && i < count; i++) { /* sorted: a folder's files follow one another */
        if (!folder || !g_str_has_prefix(objects[i].name, folder)) {
            g_free(folder);
            folder = folder_of(objects[i].name);
            done = is_kept(context, lake, folder, &kept, error);
        }
        if (!done || kept)
            continue;
        done = lake_delete(lake, objects[i].name, error);
        ret_step->rows++;
        ret_step->size_bytes += objects[i].size_bytes;
    }
    arena_free(arena);
    return done;
}
