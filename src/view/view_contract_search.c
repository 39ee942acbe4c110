/* The search's part of the contract suite: which movies are found in which generation. Ranks and
 * sorts are tests/serve/search_test.c's. */
#include <string.h>

#include "view/view_contract_internal.h"

static void put_movies(struct fixture *fixture, int64_t generation, const char *const *titles)
{
    for (int i = 0; titles[i]; i++) {
        g_autofree char *data = g_strdup_printf(
            "{\"title\":\"%s\",\"release_date\":\"%d-05-01\",\"genres\":[\"Drama\",\"War\"],"
            "\"popularity\":%d,\"vote_average\":7.5}",
            titles[i], 2000 + i, 10 + i);
        struct view_doc doc = {.key = {.view_type = "movie", .movie_id = i + 1}, .data = data};
        OK(view_put(fixture->view, generation, &doc, 1, &failure));
    }
    struct view_doc other = {.key = {.view_type = "people", .movie_id = 1}, .data = "{}"};
    OK(view_put(fixture->view, generation, &other, 1, &failure));
}

static void publish(struct fixture *fixture, int64_t generation, const char *run_id)
{
    struct view_lease lease;
    OK(view_lease_acquire(fixture->view, "batch", "test", HOUR, &lease, &failure));
    struct view_generation pointer = {
        .generation = generation, .batch_run_id = run_id, .cut = "{}"};
    OK(view_publish(fixture->view, &pointer, lease.epoch, &failure));
}

/* The ids that are found, most popular first: "3 1". */
static void
finds(struct fixture *fixture, int64_t generation, struct view_search search, const char *expected)
{
    struct view_found *found;
    size_t count;
    bool more;
    search.sort = VIEW_SORT_POPULARITY;
    OK(view_search(fixture->other, generation, &search, 0, 10, fixture->arena, &found, &count,
                   &more, &failure));
    g_autoptr(GString) ids = g_string_new(NULL);
    for (size_t i = 0; i < count; i++) {
        g_string_append_printf(ids, "%s%" G_GINT64_FORMAT, i ? " " : "", found[i].movie_id);
        g_assert_nonnull(strstr(found[i].data, "\"title\""));
    }
    g_assert_false(more);
    g_assert_cmpstr(ids->str, ==, expected);
}

/* Each generation is searched by its own documents, for as long as it is kept. */
void view_contract_test_search(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    static const char *const first[] = {"The Matrix", "Heat", "Matrix Reloaded", NULL};
    static const char *const second[] = {"Alien", "The Matrix", NULL};
    fixture->config->views_generation_grace_ms = HOUR;
    put_movies(fixture, 1, first);
    publish(fixture, 1, "run-1");
    OK(view_prepare(fixture->view, 1, &failure));
    finds(fixture, 1, (struct view_search){.words = "matrix"}, "3 1");
    finds(fixture, 1, (struct view_search){.words = "relo"}, "3");
    finds(fixture, 1, (struct view_search){.words = "people"}, "");
    finds(fixture, 1, (struct view_search){.year_from = 2001, .genre = "War"}, "3 2");
    finds(fixture, 1, (struct view_search){.rating_min = 8}, "");
    finds(fixture, 0, (struct view_search){.words = "matrix"}, "");
    put_movies(fixture, 2, second);
    publish(fixture, 2, "run-2");
    finds(fixture, 2, (struct view_search){.words = "matrix"}, "2");
    finds(fixture, 1, (struct view_search){.words = "matrix"}, "3 1");
    finds(fixture, 2, (struct view_search){0}, "2 1");
    put_movies(fixture, 3, first);
    publish(fixture, 3, "run-3");
    view_contract_sweep_all(fixture->view, 100);
    finds(fixture, 3, (struct view_search){.words = "heat"}, "2");
    finds(fixture, 2, (struct view_search){.words = "alien"}, "1");
    struct view_found *found;
    size_t count;
    bool more;
    struct view_search search = {.words = "heat"};
    FAILS(view_search(fixture->other, 1, &search, 0, 10, fixture->arena, &found, &count, &more,
                      &failure),
          MARQUEE_ERROR_NOTFOUND);
}
