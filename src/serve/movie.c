#include "serve/movie.h"

#include "base/clock.h"
#include "base/json_writer.h"
#include "serve/json_scan.h"

#define STATS_DEFAULT_DAYS  7
#define STATS_DAYS_MAX      400
#define STATS_LIMIT_DEFAULT 1000
#define STATS_LIMIT_MAX     10000

static bool movie_id_of(struct answer *answer, int64_t *ret_movie_id)
{
    return http_param_int(answer->request, answer->response, "id", 1, INT32_MAX, ret_movie_id);
}

/* The stored object, with the side it came from as its last member. */
static void write_point(GString *out, const struct merge_point *point)
{
    json_write_raw(out, point->json.data, point->json.len - 1);
    json_add_string(out, "source", point->from_speed ? "speed" : "batch");
    json_write_object_end(out);
}

/* ---- /movies/{id} ---- */

/* Empty where the batch doesn't know the movie: that is worth remembering too. */
static bool build_movie(struct answer *answer, void *user, GString *out, GError **error)
{
    const int64_t *movie_id = user;
    struct view_filter filter = {.key = {.view_type = "movie", .movie_id = *movie_id}};
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

bool movie_document(struct answer *answer,
                    int64_t movie_id,
                    struct span *ret_document,
                    GError **error)
{
    const char *name = arena_printf(answer->arena, "movie|%" G_GINT64_FORMAT "|%" G_GINT64_FORMAT,
                                    answer->merge->generation.generation, movie_id);
    return answer_part(answer, name, SERVE_MOVIE_TTL_MS, build_movie, &movie_id,
                       &ret_document->data, &ret_document->len, error);
}

static void write_title(GString *out, struct span document, struct span point)
{
    struct span title;
    json_write_key(out, "title");
    if ((document.len && json_scan_member(document, "title", &title)) ||
        (point.len && json_scan_member(point, "title", &title)))
        json_write_raw(out, title.data, title.len);
    else
        json_write_null(out);
}

static bool movie_write(struct answer *answer, GError **error)
{
    int64_t movie_id;
    if (!movie_id_of(answer, &movie_id))
        return false;
    struct span document;
    struct merge_point latest = {0};
    bool found;
    if (!movie_document(answer, movie_id, &document, error) ||
        !merge_last_stats(answer->worker->view, answer->merge, movie_id, answer->arena, &latest,
                          &found, error))
        return false;
    if (document.len == 0 && !found) {
        http_problem(answer->request, answer->response, 404,
                     "movie %" G_GINT64_FORMAT
                     " is not known: neither a batch run nor the last two days have seen it",
                     movie_id);
        return false;
    }
    GString *out = answer->body;
    json_write_key(out, "data");
    json_write_object(out);
    json_add_int(out, "movie_id", movie_id);
    write_title(out, document, found ? latest.json : (struct span){0});
    json_write_key(out, "movie");
    if (document.len)
        json_write_raw(out, document.data, document.len);
    else
        json_write_null(out);
    json_write_key(out, "latest");
    if (found)
        write_point(out, &latest);
    else
        json_write_null(out);
    json_write_object_end(out);
    return true;
}

static const char *const no_arguments[] = {NULL};

const struct endpoint movie_endpoint = {.arguments = no_arguments, .write = movie_write};

/* ---- /movies/{id}/stats ---- */

struct stats_range {
    int64_t from_ms, to_ms, limit;
};

/* A cursor is the hour to go on with. */
static bool range_of(struct answer *answer, struct stats_range *ret_range)
{
    struct stats_range range;
    /* Events may be ahead of the clock by some minutes: the next hour is asked for too. */
    int64_t to_ms = answer->merge->now_ms / MS_PER_HOUR * MS_PER_HOUR + 2 * MS_PER_HOUR;
    if (!answer_time(answer, "to", to_ms, &range.to_ms) ||
        !answer_time(answer, "from", MAX(0, range.to_ms - STATS_DEFAULT_DAYS * MS_PER_DAY),
                     &range.from_ms) ||
        !answer_time(answer, "cursor", range.from_ms, &range.from_ms) ||
        !http_query_int(answer->request, answer->response, "limit", 1, STATS_LIMIT_MAX,
                        STATS_LIMIT_DEFAULT, &range.limit))
        return false;
    if (range.from_ms >= range.to_ms || range.to_ms - range.from_ms > STATS_DAYS_MAX * MS_PER_DAY) {
        http_problem(answer->request, answer->response, 400,
                     "from must be before to, and at most %d days before it", STATS_DAYS_MAX);
        return false;
    }
    *ret_range = range;
    return true;
}

bool movie_known(struct answer *answer, int64_t movie_id, bool *ret_known, GError **error)
{
    struct span document;
    struct merge_point latest;
    bool found;
    if (!movie_document(answer, movie_id, &document, error) ||
        !merge_last_stats(answer->worker->view, answer->merge, movie_id, answer->arena, &latest,
                          &found, error))
        return false;
    *ret_known = found || document.len > 0;
    return true;
}

static bool stats_write(struct answer *answer, GError **error)
{
    int64_t movie_id;
    struct stats_range range;
    if (!movie_id_of(answer, &movie_id) || !range_of(answer, &range))
        return false;
    struct merge_point *points;
    size_t count;
    if (!merge_stats(answer->worker->view, answer->merge, movie_id, range.from_ms, range.to_ms,
                     answer->arena, &points, &count, error))
        return false;
    bool known = count > 0;
    if (!known && !movie_known(answer, movie_id, &known, error))
        return false;
    if (!known) {
        http_problem(answer->request, answer->response, 404,
                     "movie %" G_GINT64_FORMAT " is not known", movie_id);
        return false;
    }
    GString *out = answer->body;
    size_t shown = MIN(count, (size_t)range.limit);
    json_write_key(out, "data");
    json_write_object(out);
    json_add_int(out, "movie_id", movie_id);
    json_add_time(out, "from", range.from_ms);
    json_add_time(out, "to", range.to_ms);
    json_write_key(out, "hours");
    json_write_array(out);
    for (size_t i = 0; i < shown; i++)
        write_point(out, &points[i]);
    json_write_array_end(out);
    json_write_object_end(out);
    if (shown < count)
        json_add_time(out, "next_cursor", points[shown].hour_ms);
    else
        json_add_null(out, "next_cursor");
    return true;
}

static const char *const stats_arguments[] = {"from", "to", "limit", "cursor", NULL};

const struct endpoint movie_stats_endpoint = {.arguments = stats_arguments, .write = stats_write};
