#include "batch/journal.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/embedded.h"

char *journal_fingerprint(void)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    for (unsigned i = 0; i < embedded_files_count; i++) {
        const struct embedded_file *file = &embedded_files[i];
        if (!g_str_has_prefix(file->path, "sql/"))
            continue;
        g_checksum_update(sum, (const guchar *)file->path, (gssize)strlen(file->path) + 1);
        g_checksum_update(sum, (const guchar *)file->data, file->end - file->data);
    }
    return g_strdup(g_checksum_get_string(sum));
}

struct journal *journal_new(struct manifest *manifest)
{
    struct journal *journal = g_new0(struct journal, 1);
    journal->manifest = manifest;
    journal->fingerprint = journal_fingerprint();
    return journal;
}

void journal_free(struct journal *journal)
{
    if (!journal)
        return;
    manifest_free(journal->manifest);
    g_free(journal->fingerprint);
    g_free(journal);
}

static char *object_name(const char *run_id)
{
    return g_strdup_printf("runs/%s/journal.json", run_id);
}

static struct journal *parse(const char *text, size_t len)
{
    json_t *object = json_loadb(text, len, 0, NULL);
    const char *fingerprint = json_string_value(json_object_get(object, "fingerprint"));
    char *inner = json_dumps(json_object_get(object, "manifest"), JSON_COMPACT);
    struct manifest *manifest =
        inner && fingerprint ? manifest_parse(inner, strlen(inner), NULL) : NULL;
    struct journal *journal = NULL;
    if (manifest) {
        journal = g_new0(struct journal, 1);
        journal->manifest = manifest;
        journal->attempts = json_integer_value(json_object_get(object, "attempts"));
        journal->fingerprint = g_strdup(fingerprint);
    }
    free(inner);
    json_decref(object);
    return journal;
}

/* False: an error other than NOTFOUND. */
static bool get(struct lake *lake,
                const char *name,
                struct arena *arena,
                char **ret_text,
                size_t *ret_len,
                GError **error)
{
    g_autoptr(GError) trouble = NULL;
    if (lake_get(lake, name, arena, ret_text, ret_len, &trouble))
        return true;
    *ret_text = NULL;
    if (error_is(trouble, NOTFOUND))
        return true;
    g_propagate_error(error, g_steal_pointer(&trouble));
    return false;
}

bool journal_load(struct lake *lake, struct journal **ret_journal, GError **error)
{
    struct arena *arena = arena_new();
    char *run_id, *text = NULL;
    size_t len;
    bool done = get(lake, JOURNAL_RUNNING, arena, &run_id, &len, error);
    if (done && run_id) {
        g_autofree char *name = object_name(run_id);
        done = get(lake, name, arena, &text, &len, error);
    }
    if (done)
        *ret_journal = text ? parse(text, len) : NULL;
    arena_free(arena);
    return done;
}

bool journal_save(const struct journal *journal, struct lake *lake, GError **error)
{
    const char *run_id = journal->manifest->run_id;
    g_autofree char *inner = manifest_to_json(journal->manifest);
    json_t *object = json_object();
    json_object_set_new(object, "attempts", json_integer(journal->attempts));
    json_object_set_new(object, "fingerprint", json_string(journal->fingerprint));
    json_object_set_new(object, "manifest", json_loads(inner, 0, NULL));
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    g_autofree char *name = object_name(run_id);
    bool done = lake_put(lake, name, text, strlen(text), error) &&
                lake_put(lake, JOURNAL_RUNNING, run_id, strlen(run_id), error);
    free(text);
    return done;
}

bool journal_end(const struct journal *journal, struct lake *lake, GError **error)
{
    g_autofree char *name = object_name(journal->manifest->run_id);
    return lake_delete(lake, JOURNAL_RUNNING, error) && lake_delete(lake, name, error);
}
