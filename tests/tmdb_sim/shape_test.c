/* Proves that the simulator's answers have TMDB's shapes: every key and type of the captured
 * answers is there, nothing is there that TMDB doesn't document, and our own parser takes every
 * answer. The documented keys are written here from TMDB's reference, not from the simulator. */
#include "sim_fixture.h"

#include <string.h>

#include "model/tmdb.h"

/* Documented by TMDB, absent from the capture. */
static const char *const movie_documented =
    ".belongs_to_collection .homepage .origin_country .origin_country[] .production_companies "
    ".production_countries[].name .spoken_languages .spoken_languages[] "
    ".spoken_languages[].english_name .spoken_languages[].iso_639_1 .spoken_languages[].name "
    ".credits.cast[].adult .credits.cast[].gender .credits.cast[].known_for_department "
    ".credits.cast[].original_name .credits.cast[].popularity .credits.cast[].profile_path "
    ".credits.cast[].cast_id .credits.cast[].character .credits.cast[].credit_id "
    ".credits.crew[].adult .credits.crew[].gender .credits.crew[].known_for_department "
    ".credits.crew[].original_name .credits.crew[].popularity .credits.crew[].profile_path "
    ".credits.crew[].credit_id ";
static const char *const review_documented = ".author_details.name .author_details.avatar_path ";

enum { KIND_NULL = 1, KIND_BOOL = 2, KIND_INT = 4, KIND_REAL = 8, KIND_TEXT = 16, KIND_OTHER = 32 };

static unsigned kind_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_NULL:
        return KIND_NULL;
    case JSON_TRUE:
    case JSON_FALSE:
        return KIND_BOOL;
    case JSON_INTEGER:
        return KIND_INT;
    case JSON_REAL:
        return KIND_REAL;
    case JSON_STRING:
        return KIND_TEXT;
    default:
        return KIND_OTHER;
    }
}

/* Adds path -> kinds seen, as in ".credits.cast[].id". */
static void survey(const json_t *value, const char *path, GHashTable *shape)
{
    unsigned kinds = GPOINTER_TO_UINT(g_hash_table_lookup(shape, path)) | kind_of(value);
    g_hash_table_insert(shape, g_strdup(path), GUINT_TO_POINTER(kinds));
    const char *key;
    json_t *item;
    size_t index;
    json_object_foreach((json_t *)value, key, item)
    {
        g_autofree char *below = g_strdup_printf("%s.%s", path, key);
        survey(item, below, shape);
    }
    json_array_foreach(value, index, item)
    {
        g_autofree char *below = g_strdup_printf("%s[]", path);
        survey(item, below, shape);
    }
}

static GHashTable *shape_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static GHashTable *captured_shape(const char *folder, const char *name, const char *drop)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GHashTable *shape = shape_new();
    for (char **line = lines; *line; line++) {
        if (!**line)
            continue;
        g_autoptr(json_t) root = json_loads(*line, 0, NULL);
        g_assert_nonnull(root);
        if (drop)
            json_object_del(root, drop);
        survey(root, "", shape);
    }
    return shape;
}

/* Every captured key is served with kinds that were captured too; every other key is documented. */
static void compare(GHashTable *served, GHashTable *captured, const char *documented)
{
    GHashTableIter iter;
    gpointer path, kinds;
    g_hash_table_iter_init(&iter, captured);
    while (g_hash_table_iter_next(&iter, &path, &kinds)) {
        unsigned got = GPOINTER_TO_UINT(g_hash_table_lookup(served, path));
        if (!got || (got & ~GPOINTER_TO_UINT(kinds) & ~(unsigned)KIND_NULL))
            g_error("%s: kinds %u, captured %u", (char *)path, got, GPOINTER_TO_UINT(kinds));
    }
    g_hash_table_iter_init(&iter, served);
    while (g_hash_table_iter_next(&iter, &path, &kinds)) {
        g_autofree char *word = g_strdup_printf("%s ", (char *)path);
        if (!g_hash_table_contains(captured, path) && !strstr(documented, word))
            g_error("%s is served, but neither captured nor documented", (char *)path);
    }
}

static void survey_movies(struct sim_fixture *fixture, GHashTable *movies, GHashTable *reviews)
{
    size_t index;
    json_t *item;
    g_autoptr(json_t) page = sim_json(fixture, "/movie/popular?page=1", 200);
    json_array_foreach(json_object_get(page, "results"), index, item)
    {
        int id = (int)json_integer_value(json_object_get(item, "id"));
        g_autofree char *path =
            g_strdup_printf("/movie/%d?append_to_response=credits,keywords", id);
        g_autoptr(json_t) movie = sim_json(fixture, path, 200);
        survey(movie, "", movies);
        g_autofree char *reviews_path = g_strdup_printf("/movie/%d/reviews", id);
        g_autoptr(json_t) answer = sim_json(fixture, reviews_path, 200);
        size_t at;
        json_t *review;
        json_array_foreach(json_object_get(answer, "results"), at, review)
            survey(review, "", reviews);
    }
}

static void check_movies(const char *capture_dir)
{
    g_autofree char *folder = sim_capture_dir();
    if (!folder)
        return;
    struct tmdb_sim_options options = TMDB_SIM_OPTIONS_DEFAULT;
    options.capture_dir = capture_dir ? folder : NULL;
    struct sim_fixture fixture;
    sim_open(&fixture, &options, NOON_MS);
    g_autoptr(GHashTable) movies = shape_new(), reviews = shape_new();
    survey_movies(&fixture, movies, reviews);
    g_autoptr(GHashTable) captured_movies = captured_shape(folder, "movies.jsonl", NULL);
    g_autoptr(GHashTable) captured_reviews = captured_shape(folder, "reviews.jsonl", "movie_id");
    compare(movies, captured_movies, movie_documented);
    compare(reviews, captured_reviews, review_documented);
    sim_close(&fixture);
}

static void test_builtin_movies(void)
{
    check_movies(NULL);
}

static void test_capture_movies(void)
{
    check_movies("");
}

static void test_genres(void)
{
    g_autofree char *folder = sim_capture_dir();
    if (!folder)
        return;
    g_autofree char *path = g_build_filename(folder, "genres.json", NULL);
    g_autoptr(json_t) captured = json_load_file(path, 0, NULL);
    struct tmdb_sim_options options = TMDB_SIM_OPTIONS_DEFAULT;
    struct sim_fixture fixture;
    sim_open(&fixture, &options, NOON_MS);
    g_autoptr(json_t) served = sim_json(&fixture, "/genre/movie/list", 200);
    g_assert_true(json_equal(served, captured));
    sim_close(&fixture);
}

/* The keys of an object, in TMDB's order, joined by spaces. */
static char *keys_of(const json_t *object)
{
    GString *keys = g_string_new(NULL);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
        g_string_append_printf(keys, "%s%s", keys->len ? " " : "", key);
    return g_string_free(keys, FALSE);
}

#define assert_keys(object, expected)                                                              \
    do {                                                                                           \
        g_autofree char *keys_ = keys_of(object);                                                  \
        g_assert_cmpstr(keys_, ==, (expected));                                                    \
    } while (0)

#define ITEM_KEYS                                                                                  \
    "adult backdrop_path genre_ids id original_language original_title overview popularity "       \
    "poster_path release_date title video vote_average vote_count"

/* Lists, by TMDB's reference. */
static void test_lists(void)
{
    static const struct {
        const char *path, *keys, *item_keys;
    } lists[] = {
        {"/movie/popular", "page results total_pages total_results", ITEM_KEYS},
        {"/movie/top_rated", "page results total_pages total_results", ITEM_KEYS},
        {"/movie/now_playing", "dates page results total_pages total_results", ITEM_KEYS},
        {"/movie/upcoming", "dates page results total_pages total_results", ITEM_KEYS},
        {"/trending/movie/day", "page results total_pages total_results", ITEM_KEYS " media_type"},
        {"/trending/movie/week", "page results total_pages total_results", ITEM_KEYS " media_type"},
        {"/search/movie?query=STAR", "page results total_pages total_results", ITEM_KEYS},
        {"/movie/changes", "page results total_pages total_results", "id adult softcore"},
    };
    struct tmdb_sim_options options = TMDB_SIM_OPTIONS_DEFAULT;
    struct sim_fixture fixture;
    sim_open(&fixture, &options, NOON_MS);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_test_message("%s", lists[i].path);
        g_autoptr(json_t) page = sim_json(&fixture, lists[i].path, 200);
        assert_keys(page, lists[i].keys);
        const json_t *results = json_object_get(page, "results");
        g_assert_cmpuint(json_array_size(results), >, 0);
        size_t index;
        json_t *item;
        json_array_foreach(results, index, item)
        {
            assert_keys(item, lists[i].item_keys);
            if (json_object_get(item, "popularity"))
                g_assert_true(json_is_real(json_object_get(item, "popularity")) &&
                              json_is_real(json_object_get(item, "vote_average")) &&
                              json_is_integer(json_object_get(item, "vote_count")));
        }
    }
    sim_close(&fixture);
}

/* /movie/latest is nearly all null and empty, as TMDB's is, and its movie can be asked for. */
static void test_latest(void)
{
    struct tmdb_sim_options options = TMDB_SIM_OPTIONS_DEFAULT;
    struct sim_fixture fixture;
    sim_open(&fixture, &options, NOON_MS);
    g_autoptr(json_t) latest = sim_json(&fixture, "/movie/latest", 200);
    g_autoptr(json_t) known = sim_json(&fixture, "/movie/11", 200);
    g_autofree char *keys = keys_of(known);
    assert_keys(latest, keys);
    g_assert_cmpstr(json_string_value(json_object_get(latest, "release_date")), ==, "");
    g_assert_true(json_is_null(json_object_get(latest, "imdb_id")));
    g_assert_cmpuint(json_array_size(json_object_get(latest, "genres")), ==, 0);
    g_autofree char *path = g_strdup_printf("/movie/%" JSON_INTEGER_FORMAT,
                                            json_integer_value(json_object_get(latest, "id")));
    g_autoptr(json_t) same = sim_json(&fixture, path, 200);
    g_assert_true(json_equal(latest, same));
    clock_advance(fixture.context.clock, MS_PER_HOUR);
    g_autoptr(json_t) later = sim_json(&fixture, "/movie/latest", 200);
    g_assert_cmpint(json_integer_value(json_object_get(later, "id")), >,
                    json_integer_value(json_object_get(latest, "id")));
    sim_close(&fixture);
}

static void test_people(void)
{
    struct tmdb_sim_options options = TMDB_SIM_OPTIONS_DEFAULT;
    struct sim_fixture fixture;
    sim_open(&fixture, &options, NOON_MS);
    g_autoptr(json_t) person = sim_json(&fixture, "/person/2", 200);
    assert_keys(person,
                "adult also_known_as biography birthday deathday gender homepage id imdb_id "
                "known_for_department name place_of_birth popularity profile_path");
    g_assert_cmpstr(json_string_value(json_object_get(person, "name")), ==, "Mark Hamill");
    g_autoptr(json_t) credits = sim_json(&fixture, "/person/2/movie_credits", 200);
    assert_keys(json_array_get(json_object_get(credits, "cast"), 0),
                ITEM_KEYS " character credit_id order");
    g_autoptr(json_t) images = sim_json(&fixture, "/configuration", 200);
    assert_keys(images, "images change_keys");
    sim_close(&fixture);
}

/* ---- our own parser ---- */

static void parse_page(struct sim_fixture *fixture, struct arena *arena, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *body = sim_body(fixture, path);
    struct tmdb_page page;
    g_assert_true(tmdb_page_parse(body, strlen(body), arena, &page, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(page.items_count, >, 0);
}

/* Every movie of the catalogue, with its blocks and reviews. */
static void parse_movies(struct sim_fixture *fixture, struct arena *arena, int pages)
{
    g_autoptr(GError) error = NULL;
    size_t reviews_seen = 0;
    for (int page = 1; page <= pages; page++) {
        g_autofree char *path = g_strdup_printf("/movie/popular?page=%d", page);
        g_autoptr(json_t) list = sim_json(fixture, path, 200);
        size_t index;
        json_t *item;
        json_array_foreach(json_object_get(list, "results"), index, item)
        {
            int id = (int)json_integer_value(json_object_get(item, "id"));
            g_autofree char *movie_path =
                g_strdup_printf("/movie/%d?append_to_response=credits,keywords", id);
            g_autofree char *body = sim_body(fixture, movie_path);
            struct tmdb_movie movie;
            g_assert_true(tmdb_movie_parse(body, strlen(body), arena, &movie, &error));
            g_assert_true(movie.has_credits && movie.has_keywords);
            g_assert_cmpint(movie.rating.movie_id, ==, id);
            g_autofree char *reviews_path = g_strdup_printf("/movie/%d/reviews", id);
            g_autofree char *text = sim_body(fixture, reviews_path);
            struct tmdb_reviews reviews;
            g_assert_true(tmdb_reviews_parse(text, strlen(text), arena, &reviews, &error));
            reviews_seen += reviews.reviews_count;
            arena_reset(arena);
        }
    }
    g_assert_cmpuint(reviews_seen, >, 100);
}

static void check_parser(const char *capture_dir, int pages)
{
    struct tmdb_sim_options options = TMDB_SIM_OPTIONS_DEFAULT;
    options.capture_dir = capture_dir;
    struct sim_fixture fixture;
    sim_open(&fixture, &options, NOON_MS);
    struct arena *arena = arena_new();
    parse_page(&fixture, arena, "/movie/popular?page=49");
    parse_page(&fixture, arena, "/movie/top_rated");
    parse_page(&fixture, arena, "/movie/now_playing");
    parse_page(&fixture, arena, "/trending/movie/day?page=3");
    g_autoptr(GError) error = NULL;
    g_autofree char *changes = sim_body(&fixture, "/movie/changes");
    struct tmdb_changes changed;
    g_assert_true(tmdb_changes_parse(changes, strlen(changes), arena, &changed, &error));
    g_assert_cmpuint(changed.ids_count, >, 10);
    g_autofree char *latest = sim_body(&fixture, "/movie/latest");
    struct tmdb_movie movie;
    g_assert_true(tmdb_movie_parse(latest, strlen(latest), arena, &movie, &error));
    parse_movies(&fixture, arena, pages);
    arena_free(arena);
    sim_close(&fixture);
}

static void test_parser_builtin(void)
{
    check_parser(NULL, 49);
}

static void test_parser_capture(void)
{
    g_autofree char *folder = sim_capture_dir();
    if (folder)
        check_parser(folder, 49);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tmdb_sim/shape/builtin", test_builtin_movies);
    g_test_add_func("/tmdb_sim/shape/capture", test_capture_movies);
    g_test_add_func("/tmdb_sim/shape/genres", test_genres);
    g_test_add_func("/tmdb_sim/shape/lists", test_lists);
    g_test_add_func("/tmdb_sim/shape/latest", test_latest);
    g_test_add_func("/tmdb_sim/shape/people", test_people);
    g_test_add_func("/tmdb_sim/shape/parser-builtin", test_parser_builtin);
    g_test_add_func("/tmdb_sim/shape/parser-capture", test_parser_capture);
    return g_test_run();
}
