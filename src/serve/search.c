/* Full-text search over the movies of the served batch run: titles, cast and directors, keywords.
 * Batch only; of the run before while the new one's index is being made (readier.h). A cursor is
 * "<generation>|search|<offset>": pages go on in the run that they began with. */
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "serve/genre.h"
#include "serve/json_scan.h"
#include "serve/readier.h"
#include "serve/worker.h"

#define SEARCH_LIMIT_DEFAULT 20
#define SEARCH_LIMIT_MAX     100
#define SEARCH_BYTES_MAX     200
#define SEARCH_YEAR_MAX      9999
#define SEARCH_RATING_MAX    10
#define SERVE_SEARCH_TTL_MS  (10 * 60 * 1000)

struct question {
    struct view_search search;
    int64_t generation, offset, limit;
};

/* ---- what is asked ---- */

static bool refuse(struct answer *answer, const char *name, const char *text, const char *expected)
{
    http_problem(answer->request, answer->response, 400,
                 "query argument %s is \"%.64s\"; expected %s", name, text, expected);
    return false;
}

static bool words_of(struct answer *answer, const char **ret_words)
{
    const char *words = http_request_query(answer->request, "q");
    if (words && strlen(words) > SEARCH_BYTES_MAX)
        return refuse(answer, "q", words, "at most 200 bytes");
    *ret_words = words && *words ? words : NULL;
    return true;
}

static bool rating_of(struct answer *answer, double *ret_rating)
{
    const char *text = http_request_query(answer->request, "min_rating");
    *ret_rating = 0;
    if (!text)
        return true;
    char *end;
    double rating = g_ascii_strtod(text, &end);
    if (strspn(text, "0123456789.") != strlen(text) || !*text || *end || rating > SEARCH_RATING_MAX)
        return refuse(answer, "min_rating", text, "a number from 0 to 10");
    *ret_rating = rating;
    return true;
}

static bool sort_of(struct answer *answer, enum view_sort *ret_sort)
{
    static const char *const names[] = {
        [VIEW_SORT_RELEVANCE] = "relevance", [VIEW_SORT_POPULARITY] = "popularity",
        [VIEW_SORT_RATING] = "rating",       [VIEW_SORT_YEAR] = "year",
        [VIEW_SORT_TITLE] = "title",
    };
    const char *text = http_request_query(answer->request, "sort");
    *ret_sort = VIEW_SORT_RELEVANCE;
    for (size_t i = 0; text && i < G_N_ELEMENTS(names); i++) {
        if (strcmp(names[i], text) == 0) {
            *ret_sort = (enum view_sort)i;
            return true;
        }
    }
    return !text || refuse(answer, "sort", text, "relevance, popularity, rating, year or title");
}

static bool years_of(struct answer *answer, struct view_search *search)
{
    int64_t from, to;
    if (!http_query_int(answer->request, answer->response, "year_from", 1, SEARCH_YEAR_MAX, 0,
                        &from) ||
        !http_query_int(answer->request, answer->response, "year_to", 1, SEARCH_YEAR_MAX, 0, &to))
        return false;
    search->year_from = (int32_t)from;
    search->year_to = (int32_t)to;
    return true;
}

static bool cursor_of(struct answer *answer, struct question *question, GError **error)
{
    static const char middle[] = "|search|";
    const char *cursor = http_request_query(answer->request, "cursor");
    question->generation =
        readier_generation(answer->worker->serve->readier, answer->merge->generation.generation);
    question->offset = 0;
    if (!cursor)
        return true;
    if (!view_cursor_generation(cursor, &question->generation, error))
        return false;
    const char *rest = strchr(cursor, '|');
    size_t digits =
        g_str_has_prefix(rest, middle) ? strspn(rest + strlen(middle), "0123456789") : 0;
    if (digits == 0 || digits > 4 || rest[strlen(middle) + digits])
        return refuse(answer, "cursor", cursor, "next_cursor of the answer before");
    question->offset = g_ascii_strtoll(rest + strlen(middle), NULL, 10);
    if (question->offset >= VIEW_SEARCH_ROWS_MAX)
        return refuse(answer, "cursor", cursor, "next_cursor of the answer before");
    question->limit = MIN(question->limit, VIEW_SEARCH_ROWS_MAX - question->offset);
    return true;
}

static bool question_of(struct answer *answer, struct question *question, GError **error)
{
    const char *genre = http_request_query(answer->request, "genre");
    *question = (struct question){0};
    return words_of(answer, &question->search.words) &&
           rating_of(answer, &question->search.rating_min) &&
           sort_of(answer, &question->search.sort) && years_of(answer, &question->search) &&
           http_query_int(answer->request, answer->response, "limit", 1, SEARCH_LIMIT_MAX,
                          SEARCH_LIMIT_DEFAULT, &question->limit) &&
           cursor_of(answer, question, error) &&
           (!genre || genre_named(answer, genre, 400, &question->search.genre, error));
}

/* ---- the answer ---- */

static void write_found(GString *out, const struct view_found *found, bool scored)
{
    static const char *const members[] = {"title",      "release_date", "genres",
                                          "popularity", "vote_average", "vote_count"};
    struct span document = json_scan_text(found->data), value;
    json_write_object(out);
    json_add_int(out, "movie_id", found->movie_id);
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
        json_write_key(out, members[i]);
        if (json_scan_member(document, members[i], &value))
            json_write_raw(out, value.data, value.len);
        else
            json_write_null(out);
    }
    if (scored)
        json_add_double(out, "score", found->score);
    else
        json_add_null(out, "score");
    json_write_object_end(out);
}

/* "data":[...],"next_cursor":... */
static bool build_search(struct answer *answer, void *user, GString *out, GError **error)
{
    const struct question *question = user;
    struct view_found *found;
    size_t count;
    bool more;
    if (!view_search(answer->worker->view, question->generation, &question->search,
                     (size_t)question->offset, (size_t)question->limit, answer->arena, &found,
                     &count, &more, error))
        return false;
    json_write_key(out, "data");
    json_write_array(out);
    for (size_t i = 0; i < count; i++)
        write_found(out, &found[i], question->search.words != NULL);
    json_write_array_end(out);
    int64_t next = question->offset + (int64_t)count;
    if (more && next < VIEW_SEARCH_ROWS_MAX)
        json_add_string(out, "next_cursor",
                        arena_printf(answer->arena,
                                     "%010" G_GINT64_FORMAT "|search|%" G_GINT64_FORMAT,
                                     question->generation, next));
    else
        json_add_null(out, "next_cursor");
    return true;
}

static bool search_write(struct answer *answer, GError **error)
{
    struct question question;
    if (!question_of(answer, &question, error))
        return false;
    const struct view_search *search = &question.search;
    const char *text;
    size_t len;
    /* The words come last: nothing behind them can be mistaken for a part of them. */
    const char *name =
        arena_printf(answer->arena,
                     "search|%" G_GINT64_FORMAT "|%" G_GINT64_FORMAT "|%" G_GINT64_FORMAT
                     "|%d|%d|%d|%.17g|%s|%s",
                     question.generation, question.offset, question.limit, (int)search->sort,
                     search->year_from, search->year_to, search->rating_min,
                     search->genre ? search->genre : "", search->words ? search->words : "");
    if (!answer_part(answer, name, SERVE_SEARCH_TTL_MS, build_search, &question, &text, &len,
                     error))
        return false;
    json_write_raw(answer->body, text, len);
    return true;
}

static const char *const search_arguments[] = {
    "q", "genre", "year_from", "year_to", "min_rating", "sort", "limit", "cursor", NULL};

const struct endpoint search_endpoint = {.arguments = search_arguments, .write = search_write};
