/* A capture folder: what TMDB answered, as JSON lines. Comes from outside: every field is checked,
 * and what is wrong is told with file and line. */
#include <math.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "tmdb_sim/catalogue_parts.h"
#include "tmdb_sim/decimal.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

static char *read_text(const char *folder, const char *name, size_t *ret_len, GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autoptr(GError) cause = NULL;
    char *text;
    if (!g_file_get_contents(path, &text, ret_len, &cause)) {
        error_set(error, NOTFOUND,
                  "capture: %s; a capture has movies.jsonl, reviews.jsonl and genres.json",
                  cause->message);
        return NULL;
    }
    if (*ret_len > CATALOGUE_CAPTURE_BYTES_MAX) {
        error_set(error, BADDATA, "capture: %s has more than %zu bytes", path,
                  CATALOGUE_CAPTURE_BYTES_MAX);
        g_free(text);
        return NULL;
    }
    return text;
}

static const char *text_of(struct catalogue *catalogue, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? arena_strdup(catalogue->arena, text) : NULL;
}

static const char *text_or_empty(struct catalogue *catalogue, const json_t *object, const char *key)
{
    const char *text = text_of(catalogue, object, key);
    return text ? text : "";
}

static int32_t int_of(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 && value <= INT32_MAX ? (int32_t)value : 0;
}

static const struct catalogue_named *
read_named(struct catalogue *catalogue, const json_t *list, size_t *ret_count)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(struct catalogue_named));
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        struct catalogue_named named = {int_of(item, "id"), text_of(catalogue, item, "name")};
        if (named.id && named.name)
            g_array_append_val(found, named);
    }
    return catalogue_keep(catalogue, found, ret_count);
}

static const struct catalogue_credit *
read_credits(struct catalogue *catalogue, const json_t *list, size_t *ret_count)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(struct catalogue_credit));
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        struct catalogue_credit credit = {
            .person_id = int_of(item, "id"),
            .name = text_or_empty(catalogue, item, "name"),
            .job = text_of(catalogue, item, "job"),
            .department = text_of(catalogue, item, "department"),
        };
        if (credit.person_id)
            g_array_append_val(found, credit);
    }
    return catalogue_keep(catalogue, found, ret_count);
}

static const char *const *
read_countries(struct catalogue *catalogue, const json_t *list, size_t *ret_count)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(char *));
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        const char *code = text_of(catalogue, item, "iso_3166_1");
        if (code)
            g_array_append_val(found, code);
    }
    return catalogue_keep(catalogue, found, ret_count);
}

static void
read_blocks(struct catalogue *catalogue, const json_t *root, struct catalogue_movie *movie)
{
    const json_t *credits = json_object_get(root, "credits");
    movie->cast = read_credits(catalogue, json_object_get(credits, "cast"), &movie->cast_count);
    movie->crew = read_credits(catalogue, json_object_get(credits, "crew"), &movie->crew_count);
    movie->keywords =
        read_named(catalogue, json_object_get(json_object_get(root, "keywords"), "keywords"),
                   &movie->keywords_count);
    movie->genres = read_named(catalogue, json_object_get(root, "genres"), &movie->genres_count);
    movie->countries = read_countries(catalogue, json_object_get(root, "production_countries"),
                                      &movie->countries_count);
}

static bool read_movie(struct catalogue *catalogue,
                       const json_t *root,
                       struct catalogue_movie *ret_movie,
                       GError **error)
{
    struct catalogue_movie movie = {
        .id = int_of(root, "id"),
        .imdb_id = text_of(catalogue, root, "imdb_id"),
        .language = text_or_empty(catalogue, root, "original_language"),
        .title = text_or_empty(catalogue, root, "title"),
        .original_title = text_or_empty(catalogue, root, "original_title"),
        .release_date = text_or_empty(catalogue, root, "release_date"),
        .status = text_or_empty(catalogue, root, "status"),
        .overview = text_or_empty(catalogue, root, "overview"),
        .tagline = text_or_empty(catalogue, root, "tagline"),
        .poster_path = text_of(catalogue, root, "poster_path"),
        .backdrop_path = text_of(catalogue, root, "backdrop_path"),
        .runtime = int_of(root, "runtime"),
        .budget = json_integer_value(json_object_get(root, "budget")),
        .revenue = json_integer_value(json_object_get(root, "revenue")),
        .popularity = json_number_value(json_object_get(root, "popularity")),
        .vote_average = json_number_value(json_object_get(root, "vote_average")),
        .vote_count = int_of(root, "vote_count"),
        .debut_ms = INT64_MIN,
    };
    if (!movie.id || movie.id >= CATALOGUE_MADE_UP_ID_MIN || !*movie.title) {
        error_set(error, BADDATA, "expected an id from 1 to %d and a title",
                  CATALOGUE_MADE_UP_ID_MIN - 1);
        return false;
    }
    if (!(movie.popularity >= 0 && movie.popularity < 1e6) ||
        !(movie.vote_average >= 0 && movie.vote_average <= 10)) {
        error_set(error, BADDATA, "popularity or vote_average is out of range");
        return false;
    }
    movie.release_ms = catalogue_date_ms(movie.release_date);
    read_blocks(catalogue, root, &movie);
    *ret_movie = movie;
    return true;
}

/* Calls fn for each line that isn't empty. */
static bool each_line(struct catalogue *catalogue,
                      const char *folder,
                      const char *name,
                      bool (*fn)(struct catalogue *, json_t *, void *, GError **),
                      void *user,
                      GError **error)
{
    size_t len;
    g_autofree char *text = read_text(folder, name, &len, error);
    if (!text)
        return false;
    int number = 0;
    for (const char *line = text, *end; line < text + len; line = end + 1) {
        end = memchr(line, '\n', (size_t)(text + len - line));
        end = end ? end : text + len;
        number++;
        if (end == line)
            continue;
        json_error_t json_error;
        g_autoptr(json_t) root = json_loadb(line, (size_t)(end - line), 0, &json_error);
        if (!root)
            error_set(error, BADDATA, "not JSON: %s", json_error.text);
        if (!root || !fn(catalogue, root, user, error)) {
            g_prefix_error(error, "capture: %s/%s, line %d: ", folder, name, number);
            return false;
        }
    }
    return true;
}

static bool movie_line(struct catalogue *catalogue, json_t *root, void *user, GError **error)
{
    struct catalogue_movie movie;
    if (!read_movie(catalogue, root, &movie, error))
        return false;
    g_array_append_val((GArray *)user, movie);
    return true;
}

/* The review as TMDB documents it: fields that the capture lacks come as null. */
static void write_review(const json_t *root, GString *head, GString *tail)
{
    const json_t *details = json_object_get(root, "author_details");
    const json_t *rating = json_object_get(details, "rating");
    const char *author = json_string_value(json_object_get(root, "author"));
    const char *name = json_string_value(json_object_get(details, "name"));
    json_write_object(head);
    json_add_string(head, "author", author ? author : "");
    json_write_key(head, "author_details");
    json_write_object(head);
    json_add_string(head, "name", name ? name : "");
    json_add_string(head, "username", json_string_value(json_object_get(details, "username")));
    json_add_string(head, "avatar_path",
                    json_string_value(json_object_get(details, "avatar_path")));
    json_write_key(head, "rating");
    if (json_is_number(rating) && json_number_value(rating) >= 0 && json_number_value(rating) <= 10)
        decimal_write(head, llrint(json_number_value(rating) * 10), 1);
    else
        json_write_null(head);
    json_write_object_end(head);
    json_add_string(head, "content", json_string_value(json_object_get(root, "content")));
    json_add_string(head, "created_at", json_string_value(json_object_get(root, "created_at")));
    json_add_string(head, "id", json_string_value(json_object_get(root, "id")));
    json_write_key(head, "updated_at");
    json_add_string(tail, "url", json_string_value(json_object_get(root, "url")));
    json_write_object_end(tail);
    g_string_prepend_c(tail, ',');
}

/* A review with the movie that it is of, until all have been read. */
struct loose_review {
    int32_t movie_id;
    struct catalogue_review review;
};

static bool review_line(struct catalogue *catalogue, json_t *root, void *user, GError **error)
{
    struct loose_review loose = {.movie_id = int_of(root, "movie_id")};
    const char *created = json_string_value(json_object_get(root, "created_at"));
    const char *updated = json_string_value(json_object_get(root, "updated_at"));
    loose.review.created_ms = clock_parse_iso8601(created ? created : "");
    loose.review.updated_ms = clock_parse_iso8601(updated ? updated : "");
    if (!loose.movie_id || loose.review.created_ms < 0 ||
        !json_is_string(json_object_get(root, "id"))) {
        error_set(error, BADDATA, "expected movie_id, id and created_at (ISO 8601)");
        return false;
    }
    loose.review.updated_ms = MAX(loose.review.updated_ms, loose.review.created_ms);
    g_autoptr(GString) head = g_string_new(NULL);
    g_autoptr(GString) tail = g_string_new(NULL);
    write_review(root, head, tail);
    loose.review.head = arena_strndup(catalogue->arena, head->str, head->len);
    loose.review.tail = arena_strndup(catalogue->arena, tail->str, tail->len);
    g_array_append_val((GArray *)user, loose);
    return true;
}

static int by_movie_and_time(const void *left, const void *right)
{
    const struct loose_review *a = left, *b = right;
    if (a->movie_id != b->movie_id)
        return a->movie_id < b->movie_id ? -1 : 1;
    if (a->review.created_ms != b->review.created_ms)
        return a->review.created_ms < b->review.created_ms ? -1 : 1;
    return strcmp(a->review.head, b->review.head);
}

static void give_reviews(struct catalogue *catalogue, GArray *loose, GArray *movies)
{
    g_array_sort(loose, by_movie_and_time);
    g_autoptr(GHashTable) first = g_hash_table_new(NULL, NULL); /* movie_id -> 1 + first index */
    for (guint i = loose->len; i-- > 0;)
        g_hash_table_insert(first,
                            GINT_TO_POINTER(g_array_index(loose, struct loose_review, i).movie_id),
                            GUINT_TO_POINTER(i + 1));
    for (guint m = 0; m < movies->len; m++) {
        struct catalogue_movie *movie = &g_array_index(movies, struct catalogue_movie, m);
        guint at = GPOINTER_TO_UINT(g_hash_table_lookup(first, GINT_TO_POINTER(movie->id)));
        GArray *own = g_array_new(FALSE, FALSE, sizeof(struct catalogue_review));
        for (guint i = at; at && i <= loose->len; i++) {
            const struct loose_review *one = &g_array_index(loose, struct loose_review, i - 1);
            if (one->movie_id != movie->id)
                break;
            g_array_append_val(own, one->review);
        }
        movie->reviews = catalogue_keep(catalogue, own, &movie->reviews_count);
    }
}

static bool read_genres(struct catalogue *catalogue, const char *folder, GError **error)
{
    size_t len;
    g_autofree char *text = read_text(folder, "genres.json", &len, error);
    if (!text)
        return false;
    g_autoptr(json_t) root = json_loadb(text, len, 0, NULL);
    const json_t *genres = json_object_get(root, "genres");
    if (!json_is_array(genres)) {
        error_set(error, BADDATA, "capture: %s/genres.json: expected {\"genres\": [...]}", folder);
        return false;
    }
    catalogue->genres =
        (struct catalogue_named *)read_named(catalogue, genres, &catalogue->genres_count);
    return true;
}

bool catalogue_read_capture(struct catalogue *catalogue,
                            const char *folder,
                            GArray *movies,
                            GError **error)
{
    g_autoptr(GArray) loose = g_array_new(FALSE, FALSE, sizeof(struct loose_review));
    if (!read_genres(catalogue, folder, error) ||
        !each_line(catalogue, folder, "movies.jsonl", movie_line, movies, error) ||
        !each_line(catalogue, folder, "reviews.jsonl", review_line, loose, error))
        return false;
    give_reviews(catalogue, loose, movies);
    return true;
}
