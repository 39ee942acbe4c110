#include "model/tmdb.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

static json_t *parse_object(const char *json, size_t len, GError **error)
{
    json_error_t json_error;
    json_t *root = json_loadb(json, len, 0, &json_error);
    if (!root) {
        /* It quotes the body, whose bytes may be anything. */
        g_autofree char *text = g_utf8_make_valid(json_error.text, -1);
        error_set(error, BADDATA, "not JSON: line %d, column %d: %s", json_error.line,
                  json_error.column, text);
        return NULL;
    }
    if (!json_is_object(root)) {
        error_set(error, BADDATA, "expected a JSON object");
        json_decref(root);
        return NULL;
    }
    return root;
}

static bool read_int(const json_t *object,
                     const char *name,
                     int64_t min,
                     int64_t max,
                     int64_t *ret_value,
                     GError **error)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max) {
        error_set(error, BADDATA,
                  "%s: expected a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                  name, min, max);
        return false;
    }
    *ret_value = json_integer_value(value);
    return true;
}

static bool
read_int32(const json_t *object, const char *name, int32_t min, int32_t *ret_value, GError **error)
{
    int64_t value;
    if (!read_int(object, name, min, INT32_MAX, &value, error))
        return false;
    *ret_value = (int32_t)value;
    return true;
}

static bool read_double(const json_t *object,
                        const char *name,
                        double min,
                        double max,
                        double *ret_value,
                        GError **error)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_number(value) ||
        !(json_number_value(value) >= min && json_number_value(value) <= max)) {
        error_set(error, BADDATA, "%s: expected a number from %g to %g", name, min, max);
        return false;
    }
    /* TMDB gives three or four decimals; the log keeps four, so that sums are exact. */
    *ret_value = rint(json_number_value(value) * 1e4) / 1e4;
    return true;
}

static struct span read_span(const json_t *object, const char *name, struct arena *arena)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value))
        return (struct span){"", 0};
    size_t len = json_string_length(value);
    return (struct span){arena_strndup(arena, json_string_value(value), len), len};
}

/* Popularity has been seen at several thousands; beyond this it is a broken answer. */
#define POPULARITY_MAX 1e9

static bool read_rating(const json_t *object, struct rating *ret_rating, GError **error)
{
    struct rating rating = {0};
    if (!read_int32(object, "id", 1, &rating.movie_id, error) ||
        !read_int32(object, "vote_count", 0, &rating.vote_count, error) ||
        !read_double(object, "vote_average", 0, 10, &rating.vote_average, error) ||
        !read_double(object, "popularity", 0, POPULARITY_MAX, &rating.popularity, error))
        return false;
    *ret_rating = rating;
    return true;
}

/* 0 is how TMDB says that it doesn't know an amount or a runtime. */
static void read_known(const json_t *object, const char *name, bool *ret_has, int64_t *ret_value)
{
    const json_t *value = json_object_get(object, name);
    *ret_has = json_is_integer(value) && json_integer_value(value) != 0;
    *ret_value = *ret_has ? json_integer_value(value) : 0;
}

static bool
read_genres(const json_t *object, struct arena *arena, struct metadata *metadata, GError **error)
{
    const json_t *genres = json_object_get(object, "genres");
    if (!json_is_array(genres) || json_array_size(genres) > TMDB_GENRES_MAX) {
        error_set(error, BADDATA, "genres: expected a list of at most %d", TMDB_GENRES_MAX);
        return false;
    }
    metadata->genres = arena_array(arena, struct span, json_array_size(genres));
    size_t index;
    json_t *genre;
    json_array_foreach(genres, index, genre)
    {
        struct span name = read_span(genre, "name", arena);
        if (name.len)
            metadata->genres[metadata->genres_count++] = name;
    }
    return true;
}

static bool read_metadata(const json_t *object,
                          struct arena *arena,
                          struct metadata *ret_metadata,
                          GError **error)
{
    struct metadata metadata = {.title = read_span(object, "title", arena)};
    if (!metadata.title.len) {
        error_set(error, BADDATA, "title: expected a text");
        return false;
    }
    if (!read_int32(object, "id", 1, &metadata.movie_id, error) ||
        !read_genres(object, arena, &metadata, error))
        return false;
    metadata.release_date = read_span(object, "release_date", arena);
    /* "" and dates that are none count as unknown; the raw answer in bronze keeps what TMDB said.
     */
    metadata.has_release_date = metadata.release_date.len == strlen("2026-02-12") &&
                                clock_parse_iso8601(metadata.release_date.data) != -1;
    int64_t runtime;
    read_known(object, "runtime", &metadata.has_runtime, &runtime);
    metadata.has_runtime = metadata.has_runtime && runtime > 0 && runtime <= INT32_MAX;
    metadata.runtime = metadata.has_runtime ? (int32_t)runtime : 0;
    read_known(object, "budget", &metadata.has_budget, &metadata.budget);
    read_known(object, "revenue", &metadata.has_revenue, &metadata.revenue);
    *ret_metadata = metadata;
    return true;
}

bool tmdb_movie_parse(
    const char *json, size_t len, struct arena *arena, struct tmdb_movie *ret_movie, GError **error)
{
    g_autoptr(json_t) root = parse_object(json, len, error);
    struct tmdb_movie movie = {0};
    if (!root || !read_rating(root, &movie.rating, error) ||
        !read_metadata(root, arena, &movie.metadata, error)) {
        g_prefix_error(error, "movie: ");
        return false;
    }
    movie.original_language = read_span(root, "original_language", arena).data;
    const json_t *credits = json_object_get(root, "credits");
    movie.has_credits = json_is_array(json_object_get(credits, "cast")) &&
                        json_is_array(json_object_get(credits, "crew"));
    movie.has_keywords =
        json_is_array(json_object_get(json_object_get(root, "keywords"), "keywords"));
    *ret_movie = movie;
    return true;
}

/* The frame that all lists share: page, total_pages, results. Returns the results. */
static const json_t *
read_page_frame(const json_t *root, int32_t *ret_page, int32_t *ret_total, GError **error)
{
    const json_t *results = json_object_get(root, "results");
    if (!read_int32(root, "page", 1, ret_page, error) ||
        !read_int32(root, "total_pages", 0, ret_total, error))
        return NULL;
    if (!json_is_array(results) || json_array_size(results) > TMDB_PAGE_ITEMS_MAX) {
        error_set(error, BADDATA, "results: expected a list of at most %d", TMDB_PAGE_ITEMS_MAX);
        return NULL;
    }
    return results;
}

static bool
read_item(const json_t *object, struct arena *arena, struct tmdb_item *ret_item, GError **error)
{
    if (!read_rating(object, &ret_item->rating, error))
        return false;
    ret_item->original_language = read_span(object, "original_language", arena).data;
    ret_item->adult = json_is_true(json_object_get(object, "adult"));
    return true;
}

static void
skip_entry(struct tmdb_skipped *skipped, size_t index, const GError *error, struct arena *arena)
{
    if (!skipped->count++)
        skipped->why = arena_printf(arena, "results[%zu]: %s", index, error->message);
}

bool tmdb_page_parse(
    const char *json, size_t len, struct arena *arena, struct tmdb_page *ret_page, GError **error)
{
    g_autoptr(json_t) root = parse_object(json, len, error);
    struct tmdb_page page = {0};
    const json_t *results =
        root ? read_page_frame(root, &page.page, &page.total_pages, error) : NULL;
    if (!results) {
        g_prefix_error(error, "list: ");
        return false;
    }
    page.items = arena_array(arena, struct tmdb_item, json_array_size(results));
    size_t index;
    json_t *result;
    json_array_foreach(results, index, result)
    {
        g_autoptr(GError) item_error = NULL;
        if (read_item(result, arena, &page.items[page.items_count], &item_error))
            page.items_count++;
        else
            skip_entry(&page.skipped, index, item_error, arena);
    }
    *ret_page = page;
    return true;
}

bool tmdb_item_parse(
    const char *json, size_t len, struct arena *arena, struct tmdb_item *ret_item, GError **error)
{
    g_autoptr(json_t) root = parse_object(json, len, error);
    struct tmdb_item item;
    if (!root || !read_item(root, arena, &item, error)) {
        g_prefix_error(error, "movie: ");
        return false;
    }
    *ret_item = item;
    return true;
}

bool tmdb_changes_parse(const char *json,
                        size_t len,
                        struct arena *arena,
                        struct tmdb_changes *ret_changes,
                        GError **error)
{
    g_autoptr(json_t) root = parse_object(json, len, error);
    struct tmdb_changes changes = {0};
    const json_t *results =
        root ? read_page_frame(root, &changes.page, &changes.total_pages, error) : NULL;
    if (!results) {
        g_prefix_error(error, "changes: ");
        return false;
    }
    changes.ids = arena_array(arena, int32_t, json_array_size(results));
    size_t index;
    json_t *result;
    json_array_foreach(results, index, result)
    {
        /* Ids that are null have been seen in this list: they name nothing that could be asked for.
         */
        if (json_is_integer(json_object_get(result, "id")) &&
            read_int32(result, "id", 1, &changes.ids[changes.ids_count], NULL))
            changes.ids_count++;
    }
    *ret_changes = changes;
    return true;
}

static bool
read_review(const json_t *object, struct arena *arena, struct review *ret_review, GError **error)
{
    struct review review = {
        .review_id = read_span(object, "id", arena),
        .author = read_span(object, "author", arena),
        .content = read_span(object, "content", arena),
        .url = read_span(object, "url", arena),
        .created_at_ms = clock_parse_iso8601(read_span(object, "created_at", arena).data),
    };
    if (!review.review_id.len || review.created_at_ms < 0) {
        error_set(error, BADDATA, "%s: expected %s", review.review_id.len ? "created_at" : "id",
                  review.review_id.len ? "an ISO 8601 time" : "a text");
        return false;
    }
    struct span updated_at = read_span(object, "updated_at", arena);
    review.updated_at_ms = updated_at.len ? clock_parse_iso8601(updated_at.data) : -1;
    review.has_updated_at = review.updated_at_ms >= 0;
    const json_t *rating = json_object_get(json_object_get(object, "author_details"), "rating");
    review.has_rating = json_is_number(rating);
    review.rating = review.has_rating ? json_number_value(rating) : 0;
    *ret_review = review;
    return true;
}

bool tmdb_reviews_parse(const char *json,
                        size_t len,
                        struct arena *arena,
                        struct tmdb_reviews *ret_reviews,
                        GError **error)
{
    g_autoptr(json_t) root = parse_object(json, len, error);
    struct tmdb_reviews reviews = {0};
    const json_t *results =
        root ? read_page_frame(root, &reviews.page, &reviews.total_pages, error) : NULL;
    if (!results || !read_int32(root, "id", 1, &reviews.movie_id, error)) {
        g_prefix_error(error, "reviews: ");
        return false;
    }
    reviews.reviews = arena_array(arena, struct review, json_array_size(results));
    size_t index;
    json_t *result;
    json_array_foreach(results, index, result)
    {
        struct review *review = &reviews.reviews[reviews.reviews_count];
        g_autoptr(GError) review_error = NULL;
        if (read_review(result, arena, review, &review_error)) {
            review->movie_id = reviews.movie_id;
            reviews.reviews_count++;
        } else {
            skip_entry(&reviews.skipped, index, review_error, arena);
        }
    }
    *ret_reviews = reviews;
    return true;
}

bool tmdb_is_object(const char *json, size_t len)
{
    g_autoptr(json_t) root = parse_object(json, len, NULL);
    return root != NULL;
}

int tmdb_error_code(const char *json, size_t len)
{
    g_autoptr(json_t) root = parse_object(json, len, NULL);
    int32_t code;
    return root && read_int32(root, "status_code", 0, &code, NULL) ? code : 0;
}

bool tmdb_error_is_temporary(int code)
{
    /* backend time-out, connection time-out, over the limit, could not connect, under maintenance
     */
    return code == 9 || code == 24 || code == 25 || code == 43 || code == 46;
}
