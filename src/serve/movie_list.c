#include "serve/movie_list.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "serve/json_scan.h"
#include "serve/worker.h"

/* A movie that is observed at all was observed within these hours. */
#define LIST_HOURS         2
#define LIST_LIMIT_DEFAULT 20
#define LIST_LIMIT_MAX     200

static int64_t e4_of(struct span object, const char *key)
{
    struct span value;
    double number = 0;
    if (json_scan_member(object, key, &value))
        (void)json_scan_double(value, &number);
    return (int64_t)rint(number * 10000.0);
}

static struct span member_of(struct span object, const char *key)
{
    struct span value = {0};
    (void)json_scan_member(object, key, &value);
    return value;
}

static struct listed_movie *movie_of(GHashTable *movies, struct arena *arena, int64_t movie_id)
{
    struct listed_movie *movie = g_hash_table_lookup(movies, &movie_id);
    if (!movie) {
        movie = arena_new0(arena, struct listed_movie);
        movie->movie_id = movie_id;
        g_hash_table_insert(movies, &movie->movie_id, movie);
    }
    return movie;
}

static bool load_batch(struct view *view,
                       const struct merge *merge,
                       struct arena *arena,
                       GHashTable *movies,
                       GError **error)
{
    struct view_filter filter = {.key = {.view_type = "top_movies"}};
    struct view_doc *docs;
    size_t count;
    const char *cursor;
    if (!view_query(view, merge->generation.generation, &filter, NULL, 1, arena, &docs, &count,
                    &cursor, error))
        return false;
    struct span list, object;
    if (count == 0 || !json_scan_member(json_scan_text(docs[0].data), "movies", &list))
        return true;
    for (size_t at = 0; json_scan_next(list, &at, NULL, &object);) {
        int64_t movie_id;
        if (!json_scan_int(member_of(object, "movie_id"), &movie_id))
            continue;
        struct listed_movie *movie = movie_of(movies, arena, movie_id);
        movie->popularity_e4 = e4_of(object, "popularity");
        movie->title = member_of(object, "title");
        movie->vote_average = member_of(object, "vote_average");
        movie->vote_count = member_of(object, "vote_count");
        movie->genres = member_of(object, "genres");
        movie->release_date = member_of(object, "release_date");
    }
    return true;
}

/* docs come by hour: the later one overwrites. */
static void
add_speed(struct arena *arena, GHashTable *movies, const struct speed_doc *docs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct span object = json_scan_text(docs[i].data);
        struct listed_movie *movie = movie_of(movies, arena, docs[i].movie_id);
        movie->from_speed = true;
        movie->popularity_e4 = e4_of(object, "popularity");
        movie->vote_average = member_of(object, "vote_average");
        movie->vote_count = member_of(object, "vote_count");
        movie->last_updated = member_of(object, "last_updated");
        struct span title = member_of(object, "title");
        if (title.len && title.data[0] == '"')
            movie->title = title;
    }
}

static bool load_speed(struct view *view,
                       const struct merge *merge,
                       struct arena *arena,
                       GHashTable *movies,
                       GError **error)
{
    int64_t hour_ms = merge->now_ms / MS_PER_HOUR * MS_PER_HOUR, to_ms = hour_ms + 2 * MS_PER_HOUR;
    int64_t from_ms = hour_ms - (LIST_HOURS - 1) * MS_PER_HOUR;
    struct speed_doc *docs;
    size_t count;
    if (!view_query_speed(view, "stats", VIEW_ANY_MOVIE, from_ms, to_ms, arena, &docs, &count,
                          error))
        return false;
    /* Nothing new and no batch: what was seen before is better than an empty list. */
    if (count == 0 && g_hash_table_size(movies) == 0 &&
        !view_query_speed(view, "stats", VIEW_ANY_MOVIE, merge->held_from_ms, to_ms, arena, &docs,
                          &count, error))
        return false;
    add_speed(arena, movies, docs, count);
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct listed_movie *x = a, *y = b;
    if (x->popularity_e4 != y->popularity_e4)
        return x->popularity_e4 < y->popularity_e4 ? 1 : -1;
    return (x->movie_id > y->movie_id) - (x->movie_id < y->movie_id);
}

bool movie_list_load(struct view *view,
                     const struct merge *merge,
                     struct arena *arena,
                     struct listed_movie **ret_movies,
                     size_t *ret_count,
                     GError **error)
{
    g_autoptr(GHashTable) movies = g_hash_table_new(g_int64_hash, g_int64_equal);
    if (!load_batch(view, merge, arena, movies, error) ||
        !load_speed(view, merge, arena, movies, error))
        return false;
    size_t count = 0;
    struct listed_movie *list =
        arena_array(arena, struct listed_movie, g_hash_table_size(movies) + 1);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, movies);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        list[count++] = *(struct listed_movie *)value;
    qsort(list, count, sizeof *list, compare);
    *ret_movies = list;
    *ret_count = count;
    return true;
}

static void add_raw(GString *out, const char *key, struct span json)
{
    json_write_key(out, key);
    if (json.len)
        json_write_raw(out, json.data, json.len);
    else
        json_write_null(out);
}

void movie_list_write(GString *out, const struct listed_movie *movie)
{
    json_write_object(out);
    json_add_int(out, "movie_id", movie->movie_id);
    add_raw(out, "title", movie->title);
    json_add_e4(out, "popularity", movie->popularity_e4);
    add_raw(out, "vote_average", movie->vote_average);
    add_raw(out, "vote_count", movie->vote_count);
    add_raw(out, "last_updated", movie->last_updated);
    add_raw(out, "release_date", movie->release_date);
    add_raw(out, "genres", movie->genres);
    json_add_string(out, "source", movie->from_speed ? "speed" : "batch");
    json_write_object_end(out);
}

/* ---- /movies ---- */

/* A cursor is the place behind the last movie shown: "popularity_e4.movie_id". As popularities
 * move, a movie may be met twice or missed between two pages, as on any list that lives. */
static bool cursor_of(struct answer *answer, struct listed_movie *ret_after)
{
    const char *text = http_request_query(answer->request, "cursor");
    *ret_after = (struct listed_movie){.popularity_e4 = INT64_MAX};
    if (!text)
        return true;
    char *end = NULL;
    ret_after->popularity_e4 = g_ascii_strtoll(text, &end, 10);
    if (end != text && *end == '.' && g_ascii_isdigit(end[1])) {
        ret_after->movie_id = g_ascii_strtoll(end + 1, &end, 10);
        if (!*end)
            return true;
    }
    http_problem(answer->request, answer->response, 400,
                 "\"%.64s\" isn't a cursor; take it from the answer before", text);
    return false;
}

static bool list_write(struct answer *answer, GError **error)
{
    int64_t limit;
    struct listed_movie after, *movies;
    size_t count, first = 0;
    if (!http_query_int(answer->request, answer->response, "limit", 1, LIST_LIMIT_MAX,
                        LIST_LIMIT_DEFAULT, &limit) ||
        !cursor_of(answer, &after) ||
        !movie_list_load(answer->worker->view, answer->merge, answer->arena, &movies, &count,
                         error))
        return false;
    while (first < count && compare(&movies[first], &after) <= 0)
        first++;
    size_t end = MIN(count, first + (size_t)limit);
    GString *out = answer->body;
    json_write_key(out, "data");
    json_write_array(out);
    for (size_t i = first; i < end; i++)
        movie_list_write(out, &movies[i]);
    json_write_array_end(out);
    json_write_key(out, "next_cursor");
    if (end < count) {
        const char *cursor = arena_printf(answer->arena, "%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT,
                                          movies[end - 1].popularity_e4, movies[end - 1].movie_id);
        json_write_string(out, cursor);
    } else {
        json_write_null(out);
    }
    return true;
}

static const char *const list_arguments[] = {"limit", "cursor", NULL};

const struct endpoint movie_list_endpoint = {.arguments = list_arguments, .write = list_write};
