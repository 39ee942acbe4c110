/* What is trending.
 *
 *   window=now    the latest ranked window: the last hour that has ranks, from its side
 *   window=hour   the last ranked window of the latest hour that is over: it moves once an hour
 *   window=7d ..  the batch's trend over days
 *
 * Ranks are over all movies; a filter leaves some out and doesn't number the rest again. A genre is
 * looked up in the batch's movie documents, so a movie that no batch run knows yet has none. */
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "serve/batch_docs.h"
#include "serve/genre.h"
#include "serve/json_scan.h"
#include "serve/movie.h"
#include "serve/worker.h"

#define TRENDING_LIMIT_DEFAULT 20
#define TRENDING_LIMIT_MAX     100

struct ranking {
    const char *window;
    struct span movies;           /* the array; len 0: nothing is ranked */
    struct span hour, window_end; /* JSON values; of batch trends len 0 */
    const char *score;            /* the name of the score's member */
    const char *source;
};

struct question {
    const char *window, *genre; /* genre NULL: any */
    int64_t limit;
};

static const char *const live_windows[] = {"now", "hour"};
static const char *const batch_windows[] = {"7d", "30d", "90d"};

static bool is_one_of(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], text) == 0)
            return true;
    }
    return false;
}

static bool question_of(struct answer *answer, struct question *ret_question, GError **error)
{
    struct question question = {.window = http_request_query(answer->request, "window")};
    const char *genre = http_request_query(answer->request, "genre");
    if (!question.window)
        question.window = live_windows[0];
    if (!is_one_of(question.window, live_windows, G_N_ELEMENTS(live_windows)) &&
        !is_one_of(question.window, batch_windows, G_N_ELEMENTS(batch_windows))) {
        http_problem(answer->request, answer->response, 400,
                     "query argument window is \"%.64s\"; expected now, hour, 7d, 30d or 90d",
                     question.window);
        return false;
    }
    if (!http_query_int(answer->request, answer->response, "limit", 1, TRENDING_LIMIT_MAX,
                        TRENDING_LIMIT_DEFAULT, &question.limit) ||
        (genre && !genre_named(answer, genre, 400, &question.genre, error)))
        return false;
    *ret_question = question;
    return true;
}

/* ---- the two kinds of rankings ---- */

static struct span member_of(struct span object, const char *key)
{
    struct span value = {0};
    (void)json_scan_member(object, key, &value);
    return value;
}

static bool live_ranking(struct answer *answer, struct ranking *ranking, GError **error)
{
    int64_t hour_ms = answer->merge->now_ms / MS_PER_HOUR * MS_PER_HOUR;
    /* Events may be ahead of the clock by some minutes. */
    int64_t to_ms = strcmp(ranking->window, "hour") == 0 ? hour_ms : hour_ms + 2 * MS_PER_HOUR;
    struct merge_point point;
    bool found;
    if (!merge_last_trending(answer->worker->view, answer->merge, to_ms, answer->arena, &point,
                             &found, error))
        return false;
    ranking->score = "trending_score";
    if (!found)
        return true;
    ranking->movies = member_of(point.json, "movies");
    ranking->window_end = member_of(point.json, "window_end");
    char time[CLOCK_ISO_BYTES];
    ranking->hour =
        json_scan_text(arena_printf(answer->arena, "\"%s\"", clock_iso8601(point.hour_ms, time)));
    ranking->source = point.from_speed ? "speed" : "batch";
    return true;
}

static bool batch_ranking(struct answer *answer, struct ranking *ranking, GError **error)
{
    struct span document;
    struct view_key key = {.view_type = "trending_scores", .window = ranking->window};
    if (!batch_doc(answer, &key, &document, error))
        return false;
    ranking->score = "trend_score";
    ranking->source = "batch";
    if (document.len == 0) {
        http_problem(answer->request, answer->response, 404,
                     "no batch run has published a trend over %s yet; see /api/v1/runs, or ask for "
                     "window=now",
                     ranking->window);
        return false;
    }
    ranking->movies = member_of(document, "movies");
    return true;
}

/* ---- the answer ---- */

static void add_member(GString *out, const char *key, struct span value)
{
    json_write_key(out, key);
    if (value.len)
        json_write_raw(out, value.data, value.len);
    else
        json_write_null(out);
}

static void
write_movie(GString *out, const struct ranking *ranking, struct span movie, struct span document)
{
    struct span title = member_of(movie, "title");
    if ((title.len == 0 || title.data[0] != '"') && document.len)
        title = member_of(document, "title");
    json_write_object(out);
    add_member(out, "rank", member_of(movie, "rank"));
    add_member(out, "movie_id", member_of(movie, "movie_id"));
    add_member(out, "title", title);
    add_member(out, "score", member_of(movie, ranking->score));
    add_member(out, "velocity", member_of(movie, "velocity"));
    add_member(out, "acceleration", member_of(movie, "acceleration"));
    add_member(out, "genres", document.len ? member_of(document, "genres") : (struct span){0});
    json_write_object_end(out);
}

static bool write_movies(struct answer *answer,
                         const struct question *question,
                         const struct ranking *ranking,
                         GError **error)
{
    struct span movie;
    int64_t shown = 0, movie_id;
    json_write_key(answer->body, "movies");
    json_write_array(answer->body);
    for (size_t at = 0;
         shown < question->limit && json_scan_next(ranking->movies, &at, NULL, &movie);) {
        struct span document;
        if (!json_scan_int(member_of(movie, "movie_id"), &movie_id) || movie_id <= 0 ||
            movie_id > VIEW_MOVIE_ID_MAX)
            continue;
        if (!movie_document(answer, movie_id, &document, error))
            return false;
        if (question->genre && (document.len == 0 || !genre_among(member_of(document, "genres"),
                                                                  question->genre, answer->arena)))
            continue;
        write_movie(answer->body, ranking, movie, document);
        shown++;
    }
    json_write_array_end(answer->body);
    return true;
}

static bool trending_write(struct answer *answer, GError **error)
{
    struct question question;
    if (!question_of(answer, &question, error))
        return false;
    struct ranking ranking = {.window = question.window};
    bool live = is_one_of(question.window, live_windows, G_N_ELEMENTS(live_windows));
    if (!(live ? live_ranking : batch_ranking)(answer, &ranking, error))
        return false;
    GString *out = answer->body;
    json_write_key(out, "data");
    json_write_object(out);
    json_add_string(out, "window", question.window);
    json_add_string(out, "genre", question.genre);
    add_member(out, "hour", ranking.hour);
    add_member(out, "window_end", ranking.window_end);
    json_add_string(out, "source", ranking.source);
    if (!write_movies(answer, &question, &ranking, error))
        return false;
    json_write_object_end(out);
    return true;
}

static const char *const trending_arguments[] = {"window", "genre", "limit", NULL};

const struct endpoint trending_endpoint = {.arguments = trending_arguments,
                                           .write = trending_write};
