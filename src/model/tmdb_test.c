/* Proves that answers in TMDB's shapes (made up here, after the API's documentation) become the
 * right records, and that each kind of broken answer is refused with the field's name. */
#include "model/tmdb.h"

#include <string.h>

static const char movie_json[] =
    "{\"id\":603,\"title\":\"The "
    "Matrix\",\"original_language\":\"en\",\"release_date\":\"1999-03-31\",\"runtime\":136,"
    "\"budget\":63000000,\"revenue\":463517383,\"popularity\":79.6612,\"vote_average\":8.226,"
    "\"vote_count\":25850,"
    "\"genres\":[{\"id\":28,\"name\":\"Action\"},{\"id\":878,\"name\":\"Science Fiction\"}],"
    "\"credits\":{\"cast\":[],\"crew\":[]}}";

static void test_movie(void)
{
    struct arena *arena = arena_new();
    struct tmdb_movie movie;
    g_autoptr(GError) error = NULL;
    g_assert_true(tmdb_movie_parse(movie_json, strlen(movie_json), arena, &movie, &error));
    g_assert_no_error(error);
    g_assert_cmpint(movie.rating.movie_id, ==, 603);
    g_assert_cmpint(e4_from_double(movie.rating.popularity), ==, 796612);
    g_assert_cmpint(e4_from_double(movie.rating.vote_average), ==, 82260);
    g_assert_cmpint(movie.rating.vote_count, ==, 25850);
    g_assert_cmpstr(movie.metadata.title.data, ==, "The Matrix");
    g_assert_cmpuint(movie.metadata.genres_count, ==, 2);
    g_assert_cmpstr(movie.metadata.genres[1].data, ==, "Science Fiction");
    g_assert_true(movie.metadata.has_release_date && movie.metadata.has_budget);
    g_assert_cmpint(movie.metadata.revenue, ==, 463517383);
    g_assert_true(movie.has_credits);
    g_assert_false(movie.has_keywords);
    arena_free(arena);
}

/* Replaces from by to in the good movie and expects the named field in the error, or none where
 * field is NULL. */
static void try_movie(const char *from, const char *to, const char *field)
{
    g_auto(GStrv) parts = g_strsplit(movie_json, from, 2);
    g_assert_cmpuint(g_strv_length(parts), ==, 2);
    g_autofree char *json = g_strjoinv(to, parts);
    struct arena *arena = arena_new();
    struct tmdb_movie movie;
    g_autoptr(GError) error = NULL;
    bool parsed = tmdb_movie_parse(json, strlen(json), arena, &movie, &error);
    if (field) {
        g_assert_false(parsed);
        g_assert_true(error_is(error, BADDATA));
        g_assert_nonnull(strstr(error->message, field));
    } else {
        g_assert_no_error(error);
    }
    arena_free(arena);
}

static void test_broken_movies(void)
{
    try_movie("\"id\":603,", "", "id");
    try_movie("\"id\":603", "\"id\":0", "id");
    try_movie("\"id\":603", "\"id\":3000000000", "id");
    try_movie("\"The Matrix\"", "null", "title");
    try_movie("79.6612", "\"79\"", "popularity");
    try_movie("79.6612", "-1", "popularity");
    try_movie("8.226", "11", "vote_average");
    try_movie("25850", "-5", "vote_count");
    try_movie("\"genres\":[", "\"genre\":[", "genres");
    try_movie(",\"credits\":{\"cast\":[],\"crew\":[]}}", ",\"credits\":{\"cast\":[", "not JSON");
    try_movie("1999-03-31", "", NULL);
    try_movie("1999-03-31", "1999-02-30", NULL);
    try_movie("63000000", "0", NULL);
    try_movie("136", "null", NULL);
}

static void test_unknown_values_are_absent(void)
{
    static const char json[] =
        "{\"id\":1,\"title\":\"A\",\"release_date\":\"1999-02-30\",\"runtime\":0,\"budget\":0,"
        "\"revenue\":null,\"popularity\":0,\"vote_average\":0.0,\"vote_count\":0,\"genres\":[]}";
    struct arena *arena = arena_new();
    struct tmdb_movie movie;
    g_autoptr(GError) error = NULL;
    g_assert_true(tmdb_movie_parse(json, strlen(json), arena, &movie, &error));
    g_assert_false(movie.metadata.has_release_date || movie.metadata.has_runtime ||
                   movie.metadata.has_budget || movie.metadata.has_revenue);
    arena_free(arena);
}

static void test_page_and_changes(void)
{
    static const char page_json[] = "{\"page\":2,\"total_pages\":9,\"results\":[{\"id\":5,\"vote_"
                                    "count\":3,\"vote_average\":7.5,"
                                    "\"popularity\":1.25,\"original_language\":\"fr\"}]}";
    static const char changes_json[] =
        "{\"page\":1,\"total_pages\":1,\"results\":[{\"id\":7,\"adult\":false},{\"id\":null},"
        "{\"id\":9,\"adult\":null}]}";
    struct arena *arena = arena_new();
    g_autoptr(GError) error = NULL;
    struct tmdb_page page;
    g_assert_true(tmdb_page_parse(page_json, strlen(page_json), arena, &page, &error));
    g_assert_cmpint(page.page, ==, 2);
    g_assert_cmpint(page.total_pages, ==, 9);
    g_assert_cmpuint(page.items_count, ==, 1);
    g_assert_cmpint(page.items[0].rating.movie_id, ==, 5);
    g_assert_cmpstr(page.items[0].original_language, ==, "fr");
    struct tmdb_changes changes;
    g_assert_true(tmdb_changes_parse(changes_json, strlen(changes_json), arena, &changes, &error));
    g_assert_cmpuint(changes.ids_count, ==, 2);
    g_assert_cmpint(changes.ids[1], ==, 9);
    g_assert_false(tmdb_page_parse("[]", 2, arena, &page, &error));
    g_assert_true(error_is(error, BADDATA));
    arena_free(arena);
}

static void test_reviews(void)
{
    static const char json[] =
        "{\"id\":603,\"page\":1,\"total_pages\":1,\"results\":[{\"id\":\"5f0\",\"author\":\"a\","
        "\"content\":\"Fine.\","
        "\"author_details\":{\"rating\":8.0},\"created_at\":\"2021-06-23T15:57:43.149Z\","
        "\"updated_at\":\"2021-06-24T15:57:43.149Z\",\"url\":\"u\"},"
        "{\"id\":\"5f1\",\"author\":\"b\",\"content\":\"\",\"author_details\":{\"rating\":null},"
        "\"created_at\":\"2021-06-23T00:00:00Z\",\"url\":\"u\"}]}";
    struct arena *arena = arena_new();
    g_autoptr(GError) error = NULL;
    struct tmdb_reviews reviews;
    g_assert_true(tmdb_reviews_parse(json, strlen(json), arena, &reviews, &error));
    g_assert_cmpuint(reviews.reviews_count, ==, 2);
    /* date -u -d 2021-06-23T15:57:43Z +%s gives 1624463863 */
    g_assert_cmpint(reviews.reviews[0].created_at_ms, ==, INT64_C(1624463863149));
    g_assert_true(reviews.reviews[0].has_updated_at && reviews.reviews[0].has_rating);
    g_assert_false(reviews.reviews[1].has_updated_at || reviews.reviews[1].has_rating);
    g_assert_cmpint(reviews.reviews[1].movie_id, ==, 603);
    arena_free(arena);
}

/* One broken entry doesn't hide the others, and is named. */
static void test_broken_entries_are_skipped(void)
{
    static const char page_json[] =
        "{\"page\":1,\"total_pages\":1,\"results\":[{\"id\":5},7,{\"id\":6,\"vote_count\":3,"
        "\"vote_average\":7.5,\"popularity\":1.25}]}";
    static const char reviews_json[] = "{\"id\":603,\"page\":1,\"total_pages\":1,\"results\":[{"
                                       "\"id\":\"5f0\",\"created_at\":\"?\"},"
                                       "{\"id\":\"5f1\",\"created_at\":\"2021-06-23T00:00:00Z\"}]}";
    struct arena *arena = arena_new();
    g_autoptr(GError) error = NULL;
    struct tmdb_page page;
    g_assert_true(tmdb_page_parse(page_json, strlen(page_json), arena, &page, &error));
    g_assert_cmpuint(page.items_count, ==, 1);
    g_assert_cmpint(page.items[0].rating.movie_id, ==, 6);
    g_assert_cmpuint(page.skipped.count, ==, 2);
    g_assert_nonnull(strstr(page.skipped.why, "results[0]: vote_count"));
    struct tmdb_reviews reviews;
    g_assert_true(tmdb_reviews_parse(reviews_json, strlen(reviews_json), arena, &reviews, &error));
    g_assert_cmpuint(reviews.reviews_count, ==, 1);
    g_assert_cmpint((int)reviews.reviews[0].review_id.data[2], ==, '1');
    g_assert_cmpuint(reviews.skipped.count, ==, 1);
    g_assert_nonnull(strstr(reviews.skipped.why, "created_at"));
    arena_free(arena);
}

static void test_item_and_object(void)
{
    static const char json[] = "{\"id\":9,\"title\":\"\",\"vote_count\":0,\"vote_average\":0,"
                               "\"popularity\":0.0071,\"original_language\":\"en\",\"genres\":[]}";
    struct arena *arena = arena_new();
    g_autoptr(GError) error = NULL;
    struct tmdb_item item;
    g_assert_true(tmdb_item_parse(json, strlen(json), arena, &item, &error));
    g_assert_cmpint(item.rating.movie_id, ==, 9);
    g_assert_cmpfloat(item.rating.popularity, ==, 0.0071);
    g_assert_cmpstr(item.original_language, ==, "en");
    g_assert_true(tmdb_is_object("{\"a\":[1]}", 9));
    g_assert_false(tmdb_is_object("{\"a\":[{}", 9)); /* cut behind a brace */
    g_assert_false(tmdb_is_object("[]", 2));
    arena_free(arena);
}

/* What the JSON parser quotes of a body that isn't UTF-8 can still be logged. */
static void test_error_text_is_utf8(void)
{
    static const char json[] = "{\"i\\ud\xdf\x84\xdeid\":-4}";
    struct arena *arena = arena_new();
    struct tmdb_movie movie;
    g_autoptr(GError) error = NULL;
    g_assert_false(tmdb_movie_parse(json, strlen(json), arena, &movie, &error));
    g_assert_true(error_is(error, BADDATA));
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    arena_free(arena);
}

static void test_error_codes(void)
{
    static const char json[] = "{\"success\":false,\"status_code\":25,\"status_message\":\"over\"}";
    g_assert_cmpint(tmdb_error_code(json, strlen(json)), ==, 25);
    g_assert_cmpint(tmdb_error_code("<html>", 6), ==, 0);
    /* 2^32 + 9 isn't 9, a code that time mends. */
    static const char wide[] = "{\"status_code\":4294967305}";
    g_assert_cmpint(tmdb_error_code(wide, strlen(wide)), ==, 0);
    g_assert_true(tmdb_error_is_temporary(25));
    g_assert_false(tmdb_error_is_temporary(34));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tmdb/movie", test_movie);
    g_test_add_func("/tmdb/broken_movies", test_broken_movies);
    g_test_add_func("/tmdb/unknown_values_are_absent", test_unknown_values_are_absent);
    g_test_add_func("/tmdb/page_and_changes", test_page_and_changes);
    g_test_add_func("/tmdb/reviews", test_reviews);
    g_test_add_func("/tmdb/broken_entries_are_skipped", test_broken_entries_are_skipped);
    g_test_add_func("/tmdb/item_and_object", test_item_and_object);
    g_test_add_func("/tmdb/error_text_is_utf8", test_error_text_is_utf8);
    g_test_add_func("/tmdb/error_codes", test_error_codes);
    return g_test_run();
}
