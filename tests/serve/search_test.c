/* Search over real HTTP: what words find, in which order, with which filters, page by page and
 * run by run; and that no text is syntax or an error. */
#include <string.h>

#include <curl/curl.h>

#include "api_client.h"
#include "api_views.h"
#include "base/clock.h"
#include "serve/worker.h"

static struct api_views views;

static const struct {
    int movie_id;
    const char *data;
} movies[] = {
    {1, "{\"title\":\"The Dark Knight\",\"original_title\":\"The Dark Knight\",\"release_date\":"
        "\"2008-07-16\",\"genres\":[\"Drama\",\"Action\"],\"popularity\":90.5,\"vote_average\":8.5,"
        "\"vote_count\":30000,\"cast\":[{\"id\":1,\"name\":\"Christian Bale\"}],\"directors\":["
        "\"Christopher Nolan\"],\"keywords\":[\"joker\"]}"},
    {2, "{\"title\":\"Inception\",\"release_date\":\"2010-07-15\",\"genres\":[\"Action\",\"Science "
        "Fiction\"],\"popularity\":80,\"vote_average\":8.4,\"cast\":[{\"name\":\"Leonardo "
        "DiCaprio\"}],\"directors\":[\"Christopher Nolan\"],\"keywords\":[\"dream\",\"dark\"]}"},
    {3, "{\"title\":\"Dark City\",\"release_date\":\"1998-02-27\",\"genres\":[\"Science "
        "Fiction\"],\"popularity\":20,\"vote_average\":7.3,\"cast\":[],\"keywords\":[]}"},
    {4, "{\"title\":\"Le Fabuleux Destin d'Am\xc3\xa9lie "
        "Poulain\",\"original_title\":\"Am\xc3\xa9lie\","
        "\"release_date\":\"2001-04-25\",\"genres\":[\"Drama\"],\"popularity\":30,\"vote_average\":"
        "7.9,"
        "\"cast\":[{\"name\":\"Audrey Tautou\"}]}"},
    {5, "{\"title\":\"\xe5\x8d\x83\xe3\x81\xa8\xe5\x8d\x83\xe5\xb0\x8b\",\"release_date\":null,"
        "\"genres\":[],"
        "\"popularity\":10,\"vote_average\":null}"},
    {6, "{\"title\":\"Untitled\"}"},
};

static void put_movies(int64_t generation)
{
    for (size_t i = 0; i < G_N_ELEMENTS(movies); i++)
        api_views_put(&views, generation,
                      (struct view_key){.view_type = "movie", .movie_id = movies[i].movie_id},
                      movies[i].data);
    api_views_put(&views, generation, (struct view_key){.view_type = "genres"},
                  "{\"genres\":[{\"genre\":\"Action\"},{\"genre\":\"Drama\"},{\"genre\":\"Science "
                  "Fiction\"}]}");
}

static void open_movies(void)
{
    api_views_open(&views, NULL, false);
    put_movies(7);
    /* A document that is put again is found once. */
    put_movies(7);
    api_views_publish(&views, 7, "run-7", "2026-03-10T12:00:00Z");
    clock_advance_monotonic(views.context.clock, 10000);
}

static struct api_answer *ask(const char *arguments)
{
    g_autofree char *path = g_strdup_printf("/api/v1/search/movies?%s", arguments);
    struct api_answer *answer = api_ask(views.port, NULL, path, NULL);
    if (answer->status != 200)
        g_error("%s: %d: %s", path, answer->status, answer->body->str);
    return answer;
}

static char *ids_of(const struct api_answer *answer)
{
    GString *ids = g_string_new(NULL);
    size_t index;
    json_t *movie;
    json_array_foreach(api_get(answer, "data"), index, movie) g_string_append_printf(
        ids, "%s%d", index ? " " : "", (int)json_integer_value(json_object_get(movie, "movie_id")));
    return g_string_free(ids, FALSE);
}

static void finds(const char *arguments, const char *expected)
{
    struct api_answer *answer = ask(arguments);
    g_autofree char *ids = ids_of(answer);
    if (strcmp(ids, expected) != 0)
        g_error("%s finds %s, expected %s", arguments, ids, expected);
    api_answer_free(answer);
}

static void refused(const char *arguments, int status, const char *says)
{
    g_autofree char *path = g_strdup_printf("/api/v1/search/movies?%s", arguments);
    struct api_answer *answer = api_ask(views.port, NULL, path, NULL);
    const char *detail = json_string_value(api_get(answer, "detail"));
    if (answer->status != status || !detail || !strstr(detail, says))
        g_error("%s: %d: %s", path, answer->status, answer->body->str);
    api_answer_free(answer);
}

/* Words of titles, people and keywords; a shorter title is the better one, a title better than a
 * keyword. */
static void test_words(void)
{
    open_movies();
    finds("q=inception", "2");
    finds("q=dark", "3 1 2");
    finds("q=dark%20KNIGHT", "1");
    finds("q=knight+dark", "1");
    finds("q=nolan", "2 1"); /* directors: the document with fewer words first */
    finds("q=caprio", "");   /* not within a word */
    finds("q=dicap", "2");   /* the last word may be unfinished */
    finds("q=dark%20kn", "1");
    finds("q=kn%20dark", ""); /* the others not */
    finds("q=d", "4");        /* one letter is a word: d'Amelie */
    finds("q=joker", "1");
    finds("q=amelie", "4");
    finds("q=AM%C3%89LIE%20poulain", "4");
    finds("q=%E5%8D%83%E3%81%A8", "5");
    finds("q=untitled", "6");
    finds("q=nothing", "");
    struct api_answer *answer = ask("q=knight");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.0.title")), ==, "The Dark Knight");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.0.genres.1")), ==, "Action");
    g_assert_cmpfloat(json_number_value(api_get(answer, "data.0.popularity")), ==, 90.5);
    g_assert_cmpfloat(json_number_value(api_get(answer, "data.0.score")), >, 0);
    g_assert_cmpstr(json_string_value(api_get(answer, "meta.batch_run_id")), ==, "run-7");
    api_answer_free(answer);
    answer = ask("q=untitled");
    g_assert_true(json_is_null(api_get(answer, "data.0.vote_average")));
    api_answer_free(answer);
    api_views_close(&views);
}

/* Nothing that is typed is syntax. */
static void test_hostile(void)
{
    open_movies();
    static const char *const texts[] = {"\"",
                                        "'",
                                        "\"dark",
                                        "dark\"",
                                        "NEAR(dark city)",
                                        "dark*",
                                        "*",
                                        "dark AND",
                                        "OR",
                                        "NOT dark",
                                        "title:dark",
                                        "{title people}: dark",
                                        "^dark",
                                        "dark + city",
                                        "-dark",
                                        "(",
                                        ")",
                                        "\\",
                                        "%",
                                        "_",
                                        "; DROP TABLE search_text",
                                        "dark\x01",
                                        "\xf0\x9f\x8e\xac",
                                        "|",
                                        "a|b",
                                        "0000000007|search|0"};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        char *escaped = curl_easy_escape(NULL, texts[i], 0);
        g_autofree char *arguments = g_strdup_printf("q=%s", escaped);
        curl_free(escaped);
        api_answer_free(ask(arguments));
    }
    finds("q=%22NEAR%22", "");
    finds("q=dark*", "3 1 2");
    finds("q=%22", "");
    finds("q=dark%20-city", "3"); /* the sign is none: both words */
    refused("q=%ff", 400, "aren't UTF-8");
    refused("q=1+2+3+4+5+6+7+8+9+10+11+12+13+14+15+16+17", 400, "more than 16 words");
    g_autofree char *lengthy = g_strnfill(201, 'x');
    g_autofree char *arguments = g_strdup_printf("q=%s", lengthy);
    refused(arguments, 400, "at most 200 bytes");
    api_views_close(&views);
}

static void test_filters(void)
{
    open_movies();
    finds("", "1 2 4 3 5 6");
    finds("sort=title", "3 2 4 1 6 5");
    finds("sort=rating", "1 2 4 3 5 6");
    finds("sort=year", "2 1 4 3 5 6");
    finds("q=dark&sort=popularity", "1 2 3");
    finds("q=dark&sort=year", "2 1 3");
    finds("genre=science%20FICTION", "2 3");
    finds("genre=Drama&q=dark", "1");
    finds("year_from=2001&year_to=2008", "1 4");
    finds("year_from=2010", "2");
    finds("min_rating=8.4", "1 2");
    finds("min_rating=0", "1 2 4 3 5 6");
    refused("genre=Opera", 400, "known are: Action, Drama");
    refused("sort=best", 400, "expected relevance");
    refused("min_rating=11", 400, "from 0 to 10");
    refused("min_rating=nan", 400, "from 0 to 10");
    refused("min_rating=", 400, "from 0 to 10");
    refused("year_from=0", 400, "from 1 to 9999");
    refused("limit=101", 400, "from 1 to 100");
    refused("query=x", 400, "this address takes: q, genre");
    api_views_close(&views);
}

/* Pages fit together, and go on in their run while another one is published; then 410. */
static void test_pages(void)
{
    open_movies();
    struct api_answer *answer = ask("limit=2&sort=title");
    g_autofree char *first = ids_of(answer);
    g_assert_cmpstr(first, ==, "3 2");
    g_autofree char *cursor = g_strdup(json_string_value(api_get(answer, "next_cursor")));
    g_assert_cmpstr(cursor, ==, "0000000007|search|2");
    api_answer_free(answer);
    api_views_put(&views, 8, (struct view_key){.view_type = "movie", .movie_id = 9},
                  "{\"title\":\"A new one\"}");
    api_views_put(&views, 8, (struct view_key){.view_type = "movie", .movie_id = 1},
                  "{\"title\":\"Dark\"}");
    api_views_publish(&views, 8, "run-8", "2026-03-10T12:00:00Z");
    clock_advance_monotonic(views.context.clock, 10000);
    finds("sort=title&limit=1", "9");
    finds("q=dark", "1"); /* nothing of the old run */
    g_autofree char *next = g_strdup_printf("limit=3&sort=title&cursor=%s", cursor);
    answer = ask(next);
    g_autofree char *second = ids_of(answer);
    g_assert_cmpstr(second, ==, "4 1 6");
    g_assert_cmpstr(json_string_value(api_get(answer, "next_cursor")), ==, "0000000007|search|5");
    api_answer_free(answer);
    finds("limit=3&sort=title&cursor=0000000007|search|5", "5");
    refused("cursor=x", 400, "isn't a cursor");
    refused("cursor=0000000007|movie|2", 400, "next_cursor of the answer before");
    refused("cursor=0000000007|search|1000", 400, "next_cursor of the answer before");
    refused("cursor=0000000007|search|99999", 400, "next_cursor of the answer before");
    refused("cursor=0000000007|search|2x", 400, "next_cursor of the answer before");
    clock_advance(views.context.clock, views.config->views_generation_grace_ms + 1);
    GError *error = NULL;
    int64_t rows;
    g_assert_true(view_sweep(views.view, 100000, &rows, &error));
    g_assert_cmpint(rows, ==, G_N_ELEMENTS(movies) + 1); /* its documents, the index not counted */
    clock_advance_monotonic(views.context.clock, 10000);
    refused("cursor=0000000007|search|4", 410, "no longer kept");
    finds("q=dark", "1");
    api_views_close(&views);
}

static void test_empty(void)
{
    api_views_open(&views, NULL, false);
    finds("q=dark", "");
    finds("", "");
    api_views_close(&views);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    g_test_add_func("/search/words", test_words);
    g_test_add_func("/search/hostile", test_hostile);
    g_test_add_func("/search/filters", test_filters);
    g_test_add_func("/search/pages", test_pages);
    g_test_add_func("/search/empty", test_empty);
    int status = g_test_run();
    curl_global_cleanup();
    return status;
}
