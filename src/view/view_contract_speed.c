/* The speed documents' part of the contract suite. */
#include "view/view_contract_internal.h"

int64_t view_contract_sweep_all(struct view *view, size_t rows_max)
{
    int64_t all = 0;
    for (int64_t rows = 1; rows > 0; all += rows) {
        OK(view_sweep(view, rows_max, &rows, &failure));
        g_assert_cmpint(rows, <=, (int64_t)rows_max);
    }
    return all;
}

size_t view_contract_count_speed(
    struct fixture *fixture, const char *type, int64_t movie_id, int64_t from, int64_t to)
{
    struct speed_doc *docs;
    size_t count;
    OK(view_query_speed(fixture->other, type, movie_id, from, to, fixture->arena, &docs, &count,
                        &failure));
    for (size_t i = 1; i < count; i++)
        g_assert_cmpint(docs[i].hour_ms, >=, docs[i - 1].hour_ms);
    return count;
}

/* Speed documents: replaced by key, removed by NULL, by hour, with sync's position in the same
 * step. */
void view_contract_test_speed(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    struct speed_doc docs[] = {
        {.view_type = "stats",
         .movie_id = 1,
         .hour_ms = T0,
         .data = "{\"a\":1}",
         .synced_at_ms = T0},
        {.view_type = "stats",
         .movie_id = 1,
         .hour_ms = T0 - HOUR,
         .data = "{\"a\":2}",
         .synced_at_ms = T0},
        {.view_type = "stats",
         .movie_id = 2,
         .hour_ms = T0,
         .data = "{\"a\":3}",
         .synced_at_ms = T0},
        {.view_type = "trending",
         .movie_id = 0,
         .hour_ms = T0,
         .data = "{\"a\":4}",
         .synced_at_ms = T0},
    };
    OK(view_put_speed(fixture->view, docs, 4, 17, T0 + 5, &failure));
    int64_t position, synced, earliest;
    OK(view_sync_position(fixture->other, &position, &synced, &failure));
    g_assert_cmpint(position, ==, 17);
    g_assert_cmpint(synced, ==, T0 + 5);
    OK(view_earliest_hour(fixture->other, &earliest, &failure));
    g_assert_cmpint(earliest, ==, T0 - HOUR);
    struct speed_doc *found;
    size_t count;
    OK(view_query_speed(fixture->other, "stats", 1, T0 - HOUR, T0 + HOUR, fixture->arena, &found,
                        &count, &failure));
    g_assert_cmpuint(count, ==, 2);
    g_assert_cmpint(found[0].hour_ms, ==, T0 - HOUR);
    g_assert_cmpstr(found[0].data, ==, "{\"a\":2}");
    g_assert_cmpstr(found[1].data, ==, "{\"a\":1}");
    g_assert_cmpint(found[1].movie_id, ==, 1);
    g_assert_cmpint(found[1].synced_at_ms, ==, T0);
    g_assert_cmpuint(view_contract_count_speed(fixture, "stats", 1, T0 - HOUR, T0), ==,
                     1); /* half-open */
    g_assert_cmpuint(view_contract_count_speed(fixture, "stats", VIEW_ANY_MOVIE, T0, T0 + HOUR), ==,
                     2);
    g_assert_cmpuint(view_contract_count_speed(fixture, "trending", 0, T0, T0 + HOUR), ==, 1);

    docs[0].data = "{\"a\":9}";
    docs[1].data = NULL;
    OK(view_put_speed(fixture->view, docs, 2, 18, T0 + 6, &failure));
    OK(view_query_speed(fixture->other, "stats", 1, T0 - HOUR, T0 + HOUR, fixture->arena, &found,
                        &count, &failure));
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpstr(found[0].data, ==, "{\"a\":9}");
    /* Who is behind writes nothing: neither documents nor position. */
    docs[0].data = "{\"a\":0}";
    FAILS(view_put_speed(fixture->view, docs, 1, 17, T0 + 7, &failure), MARQUEE_ERROR_CONFLICT);
    OK(view_query_speed(fixture->other, "stats", 1, T0, T0 + HOUR, fixture->arena, &found, &count,
                        &failure));
    g_assert_cmpstr(found[0].data, ==, "{\"a\":9}");
    /* Nothing new: only the time moves. */
    OK(view_put_speed(fixture->view, NULL, 0, 18, T0 + 8, &failure));
    OK(view_sync_position(fixture->other, &position, &synced, &failure));
    g_assert_cmpint(position, ==, 18);
    g_assert_cmpint(synced, ==, T0 + 8);
    OK(view_earliest_hour(fixture->other, &earliest, &failure));
    g_assert_cmpint(earliest, ==, T0 - HOUR);
}

/* A speed document is read until its hour's end and retention by clock, swept or not; the broom
 * comes later. */
void view_contract_test_speed_expiry(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    int64_t life = HOUR + fixture->config->speed_retention_ms; /* 53 h */
    g_assert_cmpint(life, ==, 53 * HOUR);
    struct speed_doc docs[8];
    for (int i = 0; i < 8; i++)
        docs[i] = (struct speed_doc){.view_type = "stats",
                                     .movie_id = i + 1,
                                     .hour_ms = T0 + (i / 4) * HOUR,
                                     .data = "{}",
                                     .synced_at_ms = T0};
    OK(view_put_speed(fixture->view, docs, 8, 1, T0, &failure));
    clock_set_now(fixture->context.clock, T0 + life - 1);
    g_assert_cmpuint(view_contract_count_speed(fixture, "stats", VIEW_ANY_MOVIE, T0, T0 + 9 * HOUR),
                     ==, 8);
    g_assert_cmpint(view_contract_sweep_all(fixture->view, 3), ==, 0);
    clock_set_now(fixture->context.clock, T0 + life);
    g_assert_cmpuint(view_contract_count_speed(fixture, "stats", VIEW_ANY_MOVIE, T0, T0 + 9 * HOUR),
                     ==, 4);
    g_assert_cmpuint(view_contract_count_speed(fixture, "stats", 1, T0, T0 + 9 * HOUR), ==, 0);
    g_assert_cmpint(view_contract_sweep_all(fixture->view, 3), ==, 4);
    g_assert_cmpuint(view_contract_count_speed(fixture, "stats", VIEW_ANY_MOVIE, T0, T0 + 9 * HOUR),
                     ==, 4);
    int64_t earliest;
    OK(view_earliest_hour(fixture->view, &earliest, &failure));
    g_assert_cmpint(earliest, ==, T0);
}
