#include "batch/publish.h"

#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "batch/archive.h"
#include "batch/quality_run.h"

/* Files of this many published runs stay, so that a reader who opened a manifest finishes in peace:
 * at least one batch interval. */
#define MANIFESTS_KEPT 3

static bool read_current(struct lake *lake, struct arena *arena, char **ret_run_id, GError **error)
{
    g_autoptr(GError) trouble = NULL;
    size_t len;
    if (lake_get(lake, MANIFEST_CURRENT, arena, ret_run_id, &len, &trouble))
        return true;
    *ret_run_id = NULL;
    if (error_is(trouble, NOTFOUND))
        return true;
    g_propagate_error(error, g_steal_pointer(&trouble));
    return false;
}

static bool swap_current(struct run_state *state, GError **error)
{
    g_autoptr(GError) trouble = NULL;
    if (lake_swap(state->lake, MANIFEST_CURRENT, state->manifest->previous, state->manifest->run_id,
                  &trouble))
        return true;
    if (error_is(trouble, CONFLICT))
        error_set(error, FENCED, "another run has published: %s", trouble->message);
    else
        g_propagate_error(error, g_steal_pointer(&trouble));
    return false;
}

bool publish_lake(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    (void)ret_step;
    struct arena *arena = arena_new();
    char *current;
    bool done = read_current(state->lake, arena, &current, error);
    if (done && (!current || strcmp(current, state->manifest->run_id) != 0)) {
        done = manifest_save(state->manifest, state->lake, error);
        if (done)
            failpoint("batch.publish.saved");
        done = done && swap_current(state, error);
        if (done)
            failpoint("batch.publish.swapped");
    }
    arena_free(arena);
    return done;
}

bool publish_views(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    (void)ret_step;
    const struct manifest *manifest = state->manifest;
    g_autofree char *cut = manifest_cut_json(manifest);
    struct view_generation generation = {
        .generation = manifest->generation,
        .batch_run_id = manifest->run_id,
        .through_ms = manifest->through_ms,
        .cut_at_ms = manifest->cut_at_ms,
        .computed_at_ms = clock_now_ms(state->context->clock),
        .cut = cut,
    };
    return view_publish(state->view, &generation, state->lease_epoch, error);
}

/* ---- release ---- */

static void keep(GHashTable *kept, const char *name)
{
    g_hash_table_add(kept, g_strdup(name));
}

static void keep_manifest(GHashTable *kept, const struct manifest *manifest)
{
    char *own = manifest_object_name(manifest->run_id);
    g_hash_table_add(kept, own);
    g_hash_table_add(kept, quality_object_name(manifest->run_id));
    for (guint i = 0; i < manifest->tables->len; i++) {
        const struct manifest_table *table = manifest->tables->pdata[i];
        for (guint j = 0; j < table->files->len; j++)
            keep(kept, ((const struct manifest_file *)table->files->pdata[j])->name);
    }
}

/* This run's manifest and those before it, as far as they are kept. */
static bool keep_chain(struct run_state *state, GHashTable *kept, GError **error)
{
    keep_manifest(kept, state->manifest);
    g_autofree char *next = g_strdup(state->manifest->previous);
    for (int i = 1; next && i < MANIFESTS_KEPT; i++) {
        g_autoptr(GError) trouble = NULL;
        struct manifest *manifest = manifest_load(state->lake, next, &trouble);
        if (!manifest && error_is(trouble, NOTFOUND))
            return true;
        if (!manifest) {
            g_propagate_error(error, g_steal_pointer(&trouble));
            return false;
        }
        keep_manifest(kept, manifest);
        g_free(next);
        next = g_strdup(manifest->previous);
        manifest_free(manifest);
    }
    return true;
}

static bool sweep_prefix(struct lake *lake,
                         const char *prefix,
                         GHashTable *kept,
                         struct manifest_step *step,
                         GError **error)
{
    struct arena *arena = arena_new();
    struct lake_object *objects;
    size_t count;
    bool done = lake_list(lake, prefix, arena, &objects, &count, error);
    for (size_t i = 0; done && i < count; i++) {
        if (g_hash_table_contains(kept, objects[i].name))
            continue;
        done = lake_delete(lake, objects[i].name, error);
        step->rows++;
        step->size_bytes += objects[i].size_bytes;
    }
    arena_free(arena);
    return done;
}

bool publish_release(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    static const char *const prefixes[] = {"bronze/", "silver/", "gold/", "runs/run-", "tmp/"};
    if (!archive_release(state->lake, state->bus, state->manifest, error))
        return false;
    g_autoptr(GHashTable) kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (!keep_chain(state, kept, error))
        return false;
    g_hash_table_add(kept, g_strdup_printf("runs/%s/journal.json", state->manifest->run_id));
    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        if (!sweep_prefix(state->lake, prefixes[i], kept, ret_step, error))
            return false;
        failpoint("batch.release.swept");
    }
    return true;
}
