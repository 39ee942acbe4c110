#include "serve/genre.h"

#include <string.h>

#include "base/json_writer.h"
#include "serve/batch_docs.h"
#include "serve/json_scan.h"

/* ---- the genres of a generation ---- */

/* The array of the one "genres" document: a summary a genre, by name. */
static bool build_genres(struct answer *answer, void *user, GString *out, GError **error)
{
    (void)user;
    struct view_filter filter = {.key = {.view_type = "genres"}};
    struct view_doc *docs;
    size_t count;
    const char *cursor;
    if (!view_query(answer->worker->view, answer->merge->generation.generation, &filter, NULL, 1,
                    answer->arena, &docs, &count, &cursor, error))
        return false;
    struct span genres;
    if (count > 0 && json_scan_member(json_scan_text(docs[0].data), "genres", &genres))
        g_string_append_len(out, genres.data, (gssize)genres.len);
    else
        g_string_append(out, "[]");
    return true;
}

static bool genres_of(struct answer *answer, struct span *ret_genres, GError **error)
{
    const char *name = arena_printf(answer->arena, "genres|%" G_GINT64_FORMAT,
                                    answer->merge->generation.generation);
    return answer_part(answer, name, SERVE_BATCH_TTL_MS, build_genres, NULL, &ret_genres->data,
                       &ret_genres->len, error);
}

/* ---- /analytics/genres ---- */

static bool genre_list_write(struct answer *answer, GError **error)
{
    struct span genres;
    if (!genres_of(answer, &genres, error))
        return false;
    json_write_key(answer->body, "data");
    json_write_raw(answer->body, genres.data, genres.len);
    return true;
}

static const char *const no_arguments[] = {NULL};

const struct endpoint genre_list_endpoint = {.arguments = no_arguments, .write = genre_list_write};

/* ---- /analytics/genre/{genre} ---- */

static bool same_name(const char *a, const char *b)
{
    g_autofree char *x = g_utf8_casefold(a, -1), *y = g_utf8_casefold(b, -1);
    return strcmp(x, y) == 0;
}

/* The genre's own spelling; NULL, and ret_known lists all, where there is none. */
static const char *
find_genre(struct span genres, const char *asked, struct arena *arena, GString *ret_known)
{
    struct span object, value;
    const char *name;
    for (size_t at = 0; json_scan_next(genres, &at, NULL, &object);) {
        if (!json_scan_member(object, "genre", &value) || !json_scan_string(value, arena, &name))
            continue;
        if (g_utf8_validate(asked, -1, NULL) && same_name(name, asked))
            return name;
        g_string_append_printf(ret_known, "%s%s", ret_known->len ? ", " : "", name);
    }
    return NULL;
}

static void reply_unknown(struct answer *answer, int status, const char *asked, const char *known)
{
    if (answer->merge->generation.generation == 0)
        http_problem(answer->request, answer->response, status,
                     "no batch run has been published yet, so there is no genre analytics; see "
                     "/api/v1/runs");
    else
        http_problem(answer->request, answer->response, status,
                     "genre \"%.64s\" is not known; known are: %s", asked, *known ? known : "none");
}

bool genre_named(
    struct answer *answer, const char *asked, int status, const char **ret_genre, GError **error)
{
    struct span genres;
    if (!genres_of(answer, &genres, error))
        return false;
    g_autoptr(GString) known = g_string_new(NULL);
    const char *genre = find_genre(genres, asked, answer->arena, known);
    if (!genre) {
        reply_unknown(answer, status, asked, known->str);
        return false;
    }
    *ret_genre = genre;
    return true;
}

bool genre_among(struct span genres, const char *genre, struct arena *arena)
{
    struct span value;
    const char *name;
    for (size_t at = 0; json_scan_next(genres, &at, NULL, &value);) {
        if (json_scan_string(value, arena, &name) && strcmp(name, genre) == 0)
            return true;
    }
    return false;
}

static bool genre_write(struct answer *answer, GError **error)
{
    struct view_key key = {.view_type = "genre_analytics"};
    const char *cursor;
    if (!genre_named(answer, http_request_param(answer->request, "genre"), 404, &key.genre, error))
        return false;
    GString *out = answer->body;
    json_write_key(out, "data");
    json_write_object(out);
    json_add_string(out, "genre", key.genre);
    json_write_key(out, "rows");
    if (!batch_docs_write(answer, &key, &cursor, error))
        return false;
    json_write_object_end(out);
    json_add_string(out, "next_cursor", cursor);
    return true;
}

static const char *const genre_arguments[] = {"limit", "cursor", NULL};

const struct endpoint genre_endpoint = {.arguments = genre_arguments, .write = genre_write};
