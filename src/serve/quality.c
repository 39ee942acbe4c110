/* Quality: what the last batch run's expectations found, over all tables or in one. */
#include "base/json_writer.h"
#include "serve/batch_docs.h"

/* Suites of a run: as many as there are tables, far below it. */
#define QUALITY_DOCS_MAX 100

/* The overview names no table, and "no table" is a key that a filter can't ask for. */
static bool build_overview(struct answer *answer, void *user, GString *out, GError **error)
{
    (void)user;
    struct view_filter filter = {.key = {.view_type = "quality"}};
    struct view_doc *docs;
    size_t count;
    const char *cursor;
    if (!view_query(answer->worker->view, answer->merge->generation.generation, &filter, NULL,
                    QUALITY_DOCS_MAX, answer->arena, &docs, &count, &cursor, error))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!docs[i].key.window || !*docs[i].key.window)
            g_string_append(out, docs[i].data);
    return true;
}

static bool overview_write(struct answer *answer, GError **error)
{
    const char *name = arena_printf(answer->arena, "quality|%" G_GINT64_FORMAT,
                                    answer->merge->generation.generation);
    const char *text;
    size_t len;
    if (!answer_part(answer, name, SERVE_BATCH_TTL_MS, build_overview, NULL, &text, &len, error))
        return false;
    if (len == 0) {
        http_problem(answer->request, answer->response, 404,
                     "no batch run has published the quality of its tables yet; see /api/v1/runs");
        return false;
    }
    json_write_key(answer->body, "data");
    json_write_raw(answer->body, text, len);
    return true;
}

static bool quality_write(struct answer *answer, GError **error)
{
    struct view_key key = {.view_type = "quality",
                           .window = http_request_query(answer->request, "table")};
    if (!key.window || !*key.window)
        return overview_write(answer, error);
    return batch_doc_write(answer, &key, "the quality of this table", error);
}

static const char *const quality_arguments[] = {"table", NULL};

const struct endpoint quality_endpoint = {.arguments = quality_arguments, .write = quality_write};
