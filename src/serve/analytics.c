/* What the batch layer computes and nobody merges: trends over days, periods, money. */
#include <string.h>

#include "base/json_writer.h"
#include "serve/batch_docs.h"
#include "serve/genre.h"

#define YEAR_MAX 9999

/* One of the names, the first where the argument is absent. False: 400. */
static bool choice_of(struct answer *answer,
                      const char *argument,
                      const char *const *names,
                      const char **ret_name)
{
    const char *text = http_request_query(answer->request, argument);
    *ret_name = text ? text : names[0];
    if (!text || g_strv_contains(names, text))
        return true;
    g_autofree char *list = g_strjoinv(", ", (char **)names);
    http_problem(answer->request, answer->response, 400,
                 "query argument %s is \"%.64s\"; expected one of: %s", argument, text, list);
    return false;
}

/* ---- /analytics/trends ---- */

static bool trends_write(struct answer *answer, GError **error)
{
    static const char *const windows[] = {"7d", "30d", "90d", NULL};
    struct view_key key = {.view_type = "trending_scores"};
    return choice_of(answer, "window", windows, &key.window) &&
           batch_doc_write(answer, &key, arena_printf(answer->arena, "a trend over %s", key.window),
                           error);
}

static const char *const trends_arguments[] = {"window", NULL};

const struct endpoint trends_endpoint = {.arguments = trends_arguments, .write = trends_write};

/* ---- /analytics/temporal ---- */

static bool temporal_write(struct answer *answer, GError **error)
{
    static const char *const grains[] = {"year", "month", "decade", NULL};
    struct view_key key = {.view_type = "temporal_analytics"};
    return choice_of(answer, "grain", grains, &key.window) &&
           batch_doc_write(answer, &key, "temporal analytics", error);
}

static const char *const temporal_arguments[] = {"grain", NULL};

const struct endpoint temporal_endpoint = {.arguments = temporal_arguments,
                                           .write = temporal_write};

/* ---- /analytics/revenue ---- */

/* The documents of the key, a year each: few enough to go without pages. One without a genre means
 * all genres, and is a key that a filter can't ask for. */
static bool build_revenue(struct answer *answer, void *user, GString *out, GError **error)
{
    const struct view_key *key = user;
    struct view_filter filter = {.key = *key};
    const char *cursor = NULL;
    json_write_array(out);
    do {
        struct view_doc *docs;
        size_t count;
        if (!view_query(answer->worker->view, answer->merge->generation.generation, &filter, cursor,
                        VIEW_QUERY_LIMIT_MAX, answer->arena, &docs, &count, &cursor, error))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (key->genre || !docs[i].key.genre)
                json_write_raw(out, docs[i].data, strlen(docs[i].data));
        }
    } while (cursor);
    json_write_array_end(out);
    return true;
}

static bool revenue_write(struct answer *answer, GError **error)
{
    struct view_key key = {.view_type = "revenue_analytics"};
    const char *genre = http_request_query(answer->request, "genre"), *text;
    int64_t year;
    size_t len;
    if (!http_query_int(answer->request, answer->response, "year", 1, YEAR_MAX, 0, &year) ||
        (genre && !genre_named(answer, genre, 400, &key.genre, error)))
        return false;
    key.year = (int32_t)year;
    const char *name =
        arena_printf(answer->arena, "revenue|%" G_GINT64_FORMAT "|%d|%s",
                     answer->merge->generation.generation, key.year, key.genre ? key.genre : "");
    if (!answer_part(answer, name, SERVE_BATCH_TTL_MS, build_revenue, &key, &text, &len, error))
        return false;
    json_write_key(answer->body, "data");
    json_write_raw(answer->body, text, len);
    return true;
}

static const char *const revenue_arguments[] = {"genre", "year", NULL};

const struct endpoint revenue_endpoint = {.arguments = revenue_arguments, .write = revenue_write};
