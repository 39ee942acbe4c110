#include "serve/batch_docs.h"

#include <string.h>

#include "base/json_writer.h"
#include "serve/json_scan.h"

static bool build_doc(struct answer *answer, void *user, GString *out, GError **error)
{
    const struct view_key *key = user;
    struct view_filter filter = {.key = *key};
    struct view_doc *docs;
    size_t count;
    const char *cursor;
    if (!view_query(answer->worker->view, answer->merge->generation.generation, &filter, NULL, 1,
                    answer->arena, &docs, &count, &cursor, error))
        return false;
    if (count > 0)
        g_string_append(out, docs[0].data);
    return true;
}

bool batch_doc(struct answer *answer,
               const struct view_key *key,
               struct span *ret_document,
               GError **error)
{
    const char *name =
        arena_printf(answer->arena, "doc|%" G_GINT64_FORMAT "|%s|%" G_GINT64_FORMAT "|%d|%s|%s",
                     answer->merge->generation.generation, key->view_type, key->movie_id, key->year,
                     key->window ? key->window : "", key->genre ? key->genre : "");
    return answer_part(answer, name, SERVE_BATCH_TTL_MS, build_doc, (void *)key,
                       &ret_document->data, &ret_document->len, error);
}

bool batch_doc_write(struct answer *answer,
                     const struct view_key *key,
                     const char *what,
                     GError **error)
{
    struct span document;
    if (!batch_doc(answer, key, &document, error))
        return false;
    if (document.len == 0) {
        http_problem(answer->request, answer->response, 404,
                     "no batch run has published %s yet; see /api/v1/runs", what);
        return false;
    }
    json_write_key(answer->body, "data");
    json_write_raw(answer->body, document.data, document.len);
    return true;
}

bool batch_docs_write(struct answer *answer,
                      const struct view_key *key,
                      const char **ret_cursor,
                      GError **error)
{
    struct view_filter filter = {.key = *key};
    const char *cursor = http_request_query(answer->request, "cursor");
    int64_t generation = answer->merge->generation.generation, limit;
    struct view_doc *docs;
    size_t count;
    if (!http_query_int(answer->request, answer->response, "limit", 1, VIEW_QUERY_LIMIT_MAX,
                        BATCH_DOCS_LIMIT_DEFAULT, &limit) ||
        (cursor && !view_cursor_generation(cursor, &generation, error)) ||
        !view_query(answer->worker->view, generation, &filter, cursor, (size_t)limit, answer->arena,
                    &docs, &count, ret_cursor, error))
        return false;
    json_write_array(answer->body);
    for (size_t i = 0; i < count; i++)
        json_write_raw(answer->body, docs[i].data, strlen(docs[i].data));
    json_write_array_end(answer->body);
    return true;
}
