#include "view/view_contract.h"

#include <string.h>

#include <glib/gstdio.h>

#include "view/view_contract_internal.h"

static void remove_folder(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_assert_cmpint(g_unlink(path), ==, 0);
    }
    g_dir_close(dir);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static void setup(struct fixture *fixture, gconstpointer data)
{
    const struct view_contract *contract = data;
    GError *error = NULL;
    fixture->folder = g_dir_make_tmp("marquee-view-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->config = config_new_default();
    bool ok = config_set(fixture->config, "data.dir", fixture->folder, &error) &&
              config_set(fixture->config, "views.backend", contract->backend, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    fixture->config->batch_runs_kept = 3;
    if (contract->prepare)
        contract->prepare(fixture->config);
    fixture->context = (struct context){.config = fixture->config, .clock = clock_new_manual(T0)};
    fixture->arena = arena_new();
    fixture->view = view_open(&fixture->context, &error);
    g_assert_no_error(error);
    fixture->other = view_open(&fixture->context, &error);
    g_assert_no_error(error);
}

static void teardown(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    view_close(fixture->view);
    view_close(fixture->other);
    arena_free(fixture->arena);
    clock_free(fixture->context.clock);
    config_free(fixture->config);
    remove_folder(fixture->folder);
    g_free(fixture->folder);
}

static void put(struct view *view, int64_t generation, struct view_key key, const char *data)
{
    struct view_doc doc = {.key = key, .data = data};
    OK(view_put(view, generation, &doc, 1, &failure));
}

static int64_t take_lease(struct view *view)
{
    struct view_lease lease;
    OK(view_lease_acquire(view, "batch", "test", HOUR, &lease, &failure));
    return lease.epoch;
}

static void publish(struct view *view, int64_t generation)
{
    struct view_generation pointer = {.generation = generation,
                                      .batch_run_id = "run",
                                      .through_ms = T0,
                                      .cut_at_ms = T0 + 1,
                                      .computed_at_ms = T0 + 2,
                                      .cut = "{\"movie.ratings\":[1,2]}"};
    OK(view_publish(view, &pointer, take_lease(view), &failure));
}

struct page {
    struct view_doc *docs;
    size_t count;
    const char *cursor;
};

static struct page query(struct fixture *fixture,
                         int64_t generation,
                         struct view_filter filter,
                         const char *cursor,
                         size_t limit)
{
    struct page page;
    OK(view_query(fixture->view, generation, &filter, cursor, limit, fixture->arena, &page.docs,
                  &page.count, &page.cursor, &failure));
    return page;
}

static struct view_filter of_type(const char *view_type)
{
    return (struct view_filter){.key = {.view_type = view_type}};
}

/* Nothing published: no generation, no documents, no error. */
static void test_empty(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    struct view_generation current;
    OK(view_current(fixture->view, fixture->arena, &current, &failure));
    g_assert_cmpint(current.generation, ==, 0);
    g_assert_cmpint(current.through_ms, ==, 0);
    g_assert_cmpstr(current.batch_run_id, ==, "");
    int64_t last = -1, position = 0, synced = -1, earliest = 0, rows = -1;
    OK(view_last_generation(fixture->view, &last, &failure));
    g_assert_cmpint(last, ==, 0);
    g_assert_cmpuint(query(fixture, 0, of_type("movie"), NULL, 10).count, ==, 0);
    OK(view_sync_position(fixture->view, &position, &synced, &failure));
    g_assert_cmpint(position, ==, -1);
    g_assert_cmpint(synced, ==, 0);
    OK(view_earliest_hour(fixture->view, &earliest, &failure));
    g_assert_cmpint(earliest, ==, INT64_MAX);
    OK(view_sweep(fixture->view, 10, &rows, &failure));
    g_assert_cmpint(rows, ==, 0);
}

/* A document put twice is there once, with its last data; the key comes back field by field, odd
 * characters too. */
static void test_upsert(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    struct view_key key = {.view_type = "genre_analytics",
                           .movie_id = 7,
                           .genre = "Sci|Fi 100% é",
                           .year = 2024,
                           .month = 2,
                           .window = "7d",
                           .day_ms = T0};
    put(fixture->view, 1, key, "{\"n\":1}");
    put(fixture->view, 1, key, "{\"n\":2}");
    struct page page = query(fixture, 1, of_type("genre_analytics"), NULL, 10);
    g_assert_cmpuint(page.count, ==, 1);
    g_assert_cmpstr(page.docs[0].data, ==, "{\"n\":2}");
    const struct view_key *found = &page.docs[0].key;
    g_assert_cmpstr(found->view_type, ==, key.view_type);
    g_assert_cmpint(found->movie_id, ==, 7);
    g_assert_cmpstr(found->genre, ==, key.genre);
    g_assert_cmpint(found->year, ==, 2024);
    g_assert_cmpint(found->month, ==, 2);
    g_assert_cmpstr(found->window, ==, "7d");
    g_assert_cmpint(found->day_ms, ==, T0);
    g_assert_null(page.cursor);
    /* Names can't be made to look like other fields. */
    struct view_key tricky[] = {
        {.view_type = "t", .genre = "x", .year = 2024, .month = 2, .window = "w|0000|00|"},
        {.view_type = "t", .genre = "x|2024|02|w"},
        {.view_type = "t", .genre = "x%7C2024|02|w"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tricky); i++)
        put(fixture->view, 1, tricky[i], "{}");
    g_assert_cmpuint(query(fixture, 1, of_type("t"), NULL, 10).count, ==, 3);
    /* Another field is another document. */
    key.month = 3;
    put(fixture->view, 1, key, "{\"n\":3}");
    g_assert_cmpuint(query(fixture, 1, of_type("genre_analytics"), NULL, 10).count, ==, 2);
}

/* Documents with a bad key or bad data are refused, and none of their call is stored. */
static void test_refused(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    struct view_doc docs[] = {
        {.key = {.view_type = "movie", .movie_id = 1}, .data = "{}"},
        {.key = {.view_type = "movie", .movie_id = 2}, .data = "[1]"},
    };
    FAILS(view_put(fixture->view, 1, docs, 2, &failure), MARQUEE_ERROR_BADDATA);
    docs[1].data = NULL;
    FAILS(view_put(fixture->view, 1, docs, 2, &failure), MARQUEE_ERROR_BADDATA);
    docs[1] = (struct view_doc){.key = {.view_type = ""}, .data = "{}"};
    FAILS(view_put(fixture->view, 1, docs, 2, &failure), MARQUEE_ERROR_BADDATA);
    docs[1] = (struct view_doc){.key = {.view_type = "movie", .movie_id = -3}, .data = "{}"};
    FAILS(view_put(fixture->view, 1, docs, 2, &failure), MARQUEE_ERROR_BADDATA);
    docs[1] = (struct view_doc){.key = {.view_type = "movie", .month = 13}, .data = "{}"};
    FAILS(view_put(fixture->view, 1, docs, 2, &failure), MARQUEE_ERROR_BADDATA);
    g_autofree char *huge = g_malloc(VIEW_DATA_BYTES_MAX + 2);
    memset(huge, ' ', VIEW_DATA_BYTES_MAX + 1);
    huge[0] = '{';
    huge[VIEW_DATA_BYTES_MAX] = '}';
    huge[VIEW_DATA_BYTES_MAX + 1] = '\0';
    docs[1] = (struct view_doc){.key = {.view_type = "movie"}, .data = huge};
    FAILS(view_put(fixture->view, 1, docs, 2, &failure), MARQUEE_ERROR_BADDATA);
    put(fixture->view, 1, (struct view_key){.view_type = "other"}, "{}");
    g_assert_cmpuint(query(fixture, 1, of_type("movie"), NULL, 10).count, ==, 0);
}

/* Readers see a generation only when the pointer says so, all of it, on every handle. */
static void test_publish(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    put(fixture->view, 4, (struct view_key){.view_type = "movie", .movie_id = 1}, "{\"g\":4}");
    struct view_generation current;
    OK(view_current(fixture->other, fixture->arena, &current, &failure));
    g_assert_cmpint(current.generation, ==, 0);
    int64_t last;
    OK(view_last_generation(fixture->other, &last, &failure));
    g_assert_cmpint(last, ==, 4);
    publish(fixture->view, 4);
    OK(view_current(fixture->other, fixture->arena, &current, &failure));
    g_assert_cmpint(current.generation, ==, 4);
    g_assert_cmpstr(current.batch_run_id, ==, "run");
    g_assert_cmpint(current.through_ms, ==, T0);
    g_assert_cmpint(current.cut_at_ms, ==, T0 + 1);
    g_assert_cmpint(current.computed_at_ms, ==, T0 + 2);
    g_assert_cmpstr(current.cut, ==, "{\"movie.ratings\":[1,2]}");
    /* What is served doesn't change any more; publishing it again does no harm. */
    struct view_doc doc = {.key = {.view_type = "movie", .movie_id = 2}, .data = "{}"};
    FAILS(view_put(fixture->view, 4, &doc, 1, &failure), MARQUEE_ERROR_CONFLICT);
    FAILS(view_put(fixture->view, 3, &doc, 1, &failure), MARQUEE_ERROR_CONFLICT);
    publish(fixture->view, 4);
    /* Back never. */
    struct view_generation older = {.generation = 3, .batch_run_id = "old", .cut = "{}"};
    FAILS(view_publish(fixture->view, &older, take_lease(fixture->view), &failure),
          MARQUEE_ERROR_CONFLICT);
    /* The highest number stays the highest, whichever is written to. */
    put(fixture->view, 9, (struct view_key){.view_type = "movie"}, "{}");
    put(fixture->view, 6, (struct view_key){.view_type = "movie"}, "{}");
    OK(view_last_generation(fixture->view, &last, &failure));
    g_assert_cmpint(last, ==, 9);
    /* Two generations side by side: each its own documents. */
    put(fixture->view, 5, (struct view_key){.view_type = "movie", .movie_id = 1}, "{\"g\":5}");
    publish(fixture->view, 5);
    g_assert_cmpstr(query(fixture, 4, of_type("movie"), NULL, 9).docs[0].data, ==, "{\"g\":4}");
    g_assert_cmpstr(query(fixture, 5, of_type("movie"), NULL, 9).docs[0].data, ==, "{\"g\":5}");
}

/* A run that lost its lease to another owner publishes nothing. */
static void test_fenced(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    struct view_lease mine, theirs;
    OK(view_lease_acquire(fixture->view, "batch", "a", HOUR, &mine, &failure));
    clock_advance(fixture->context.clock, HOUR);
    OK(view_lease_acquire(fixture->other, "batch", "b", HOUR, &theirs, &failure));
    g_assert_cmpint(theirs.epoch, >, mine.epoch);
    put(fixture->view, 1, (struct view_key){.view_type = "movie"}, "{}");
    struct view_generation pointer = {.generation = 1, .batch_run_id = "a", .cut = "{}"};
    FAILS(view_publish(fixture->view, &pointer, mine.epoch, &failure), MARQUEE_ERROR_FENCED);
    struct view_generation current;
    OK(view_current(fixture->view, fixture->arena, &current, &failure));
    g_assert_cmpint(current.generation, ==, 0);
    OK(view_publish(fixture->other, &pointer, theirs.epoch, &failure));
    /* Given back is lost too. */
    OK(view_lease_release(fixture->other, "batch", theirs.epoch, &failure));
    pointer.generation = 2;
    FAILS(view_publish(fixture->other, &pointer, theirs.epoch, &failure), MARQUEE_ERROR_FENCED);
}

/* Leases: one owner, epochs grow with each new owner, time by the clock. */
static void test_leases(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    struct view_lease a, b;
    OK(view_lease_acquire(fixture->view, "sync", "a", 1000, &a, &failure));
    g_assert_cmpint(a.until_ms, ==, T0 + 1000);
    FAILS(view_lease_acquire(fixture->other, "sync", "b", 1000, &b, &failure),
          MARQUEE_ERROR_CONFLICT);
    /* Other names are other leases. */
    OK(view_lease_acquire(fixture->other, "batch", "b", 1000, &b, &failure));
    /* Again by the same owner: the same epoch, a later end. */
    clock_advance(fixture->context.clock, 500);
    int64_t epoch = a.epoch;
    OK(view_lease_acquire(fixture->view, "sync", "a", 1000, &a, &failure));
    g_assert_cmpint(a.epoch, ==, epoch);
    g_assert_cmpint(a.until_ms, ==, T0 + 1500);
    /* Renewed, it outlives its first end. */
    clock_advance(fixture->context.clock, 900);
    OK(view_lease_renew(fixture->view, "sync", epoch, 1000, &failure));
    clock_advance(fixture->context.clock, 900);
    FAILS(view_lease_acquire(fixture->other, "sync", "b", 1000, &b, &failure),
          MARQUEE_ERROR_CONFLICT);
    /* Expired, it can be taken; the old owner is fenced. */
    clock_advance(fixture->context.clock, 100);
    OK(view_lease_acquire(fixture->other, "sync", "b", 1000, &b, &failure));
    g_assert_cmpint(b.epoch, ==, epoch + 1);
    FAILS(view_lease_renew(fixture->view, "sync", epoch, 1000, &failure), MARQUEE_ERROR_FENCED);
    FAILS(view_lease_release(fixture->view, "sync", epoch, &failure), MARQUEE_ERROR_FENCED);
    /* Released, it is free at once, and the next epoch is new again. */
    OK(view_lease_release(fixture->other, "sync", b.epoch, &failure));
    FAILS(view_lease_renew(fixture->other, "sync", b.epoch, 1000, &failure), MARQUEE_ERROR_FENCED);
    OK(view_lease_acquire(fixture->view, "sync", "a", 1000, &a, &failure));
    g_assert_cmpint(a.epoch, ==, b.epoch + 1);
}

/* Each field of a filter narrows; the order is that of the _id; ranges of days are half-open. */
static void test_filters(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    for (int day = 0; day < 5; day++) {
        for (int movie = 1; movie <= 3; movie++) {
            g_autofree char *text = g_strdup_printf("{\"m\":%d,\"d\":%d}", movie, day);
            put(fixture->view, 1,
                (struct view_key){
                    .view_type = "movie_stats", .movie_id = movie, .day_ms = T0 + day * MS_PER_DAY},
                text);
        }
    }
    put(fixture->view, 1, (struct view_key){.view_type = "genre", .genre = "Drama", .year = 2023},
        "{}");
    put(fixture->view, 1, (struct view_key){.view_type = "genre", .genre = "Drama", .year = 2024},
        "{}");
    put(fixture->view, 1,
        (struct view_key){.view_type = "genre", .genre = "War", .year = 2024, .window = "7d"},
        "{}");
    put(fixture->view, 1, (struct view_key){.view_type = "genres"}, "{}");

    struct view_filter filter = of_type("movie_stats");
    filter.key.movie_id = 2;
    struct page page = query(fixture, 1, filter, NULL, 100);
    g_assert_cmpuint(page.count, ==, 5);
    g_assert_cmpstr(page.docs[0].data, ==, "{\"m\":2,\"d\":0}");
    g_assert_cmpstr(page.docs[4].data, ==, "{\"m\":2,\"d\":4}");
    filter.from_day_ms = T0 + MS_PER_DAY;
    filter.to_day_ms = T0 + 3 * MS_PER_DAY;
    page = query(fixture, 1, filter, NULL, 100);
    g_assert_cmpuint(page.count, ==, 2);
    g_assert_cmpstr(page.docs[0].data, ==, "{\"m\":2,\"d\":1}");
    g_assert_cmpstr(page.docs[1].data, ==, "{\"m\":2,\"d\":2}");
    filter.from_day_ms = 0; /* open below */
    g_assert_cmpuint(query(fixture, 1, filter, NULL, 100).count, ==, 3);
    filter.key.movie_id = 0;
    g_assert_cmpuint(query(fixture, 1, filter, NULL, 100).count, ==, 9);
    filter = of_type("movie_stats");
    filter.key.day_ms = T0;
    g_assert_cmpuint(query(fixture, 1, filter, NULL, 100).count, ==, 3);
    filter.key.movie_id = 3;
    g_assert_cmpuint(query(fixture, 1, filter, NULL, 100).count, ==, 1);

    filter = of_type("genre");
    g_assert_cmpuint(query(fixture, 1, filter, NULL, 100).count, ==, 3);
    filter.key.genre = "Drama";
    page = query(fixture, 1, filter, NULL, 100);
    g_assert_cmpuint(page.count, ==, 2);
    g_assert_cmpint(page.docs[0].key.year, ==, 2023);
    filter.key.year = 2024;
    g_assert_cmpuint(query(fixture, 1, filter, NULL, 100).count, ==, 1);
    filter = of_type("genre");
    filter.key.window = "7d";
    page = query(fixture, 1, filter, NULL, 100);
    g_assert_cmpuint(page.count, ==, 1);
    g_assert_cmpstr(page.docs[0].key.genre, ==, "War");
}

/* Pages follow one another without a hole or a repeat, and a cursor names its generation. */
static void test_pages(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    enum { DOCS = 25 };
    struct view_doc docs[DOCS];
    for (int i = 0; i < DOCS; i++)
        docs[i] = (struct view_doc){
            .key = {.view_type = "movie", .movie_id = 1000 - i, .genre = i % 2 ? "a" : "b"},
            .data = "{}"};
    OK(view_put(fixture->view, 1, docs, DOCS, &failure));
    publish(fixture->view, 1);
    int64_t before = 0;
    size_t seen = 0, pages = 0;
    for (const char *cursor = NULL;; pages++) {
        struct page page = query(fixture, 1, of_type("movie"), cursor, 10);
        for (size_t i = 0; i < page.count; i++, seen++) {
            g_assert_cmpint(page.docs[i].key.movie_id, >, before);
            before = page.docs[i].key.movie_id;
        }
        cursor = page.cursor;
        if (!cursor)
            break;
        int64_t generation;
        OK(view_cursor_generation(cursor, &generation, &failure));
        g_assert_cmpint(generation, ==, 1);
    }
    g_assert_cmpuint(seen, ==, DOCS);
    g_assert_cmpuint(pages, ==, 2);
    /* A page that ends exactly at the end has no cursor. */
    g_assert_null(query(fixture, 1, of_type("movie"), NULL, DOCS).cursor);
    g_assert_nonnull(query(fixture, 1, of_type("movie"), NULL, DOCS - 1).cursor);
    /* By genre too. */
    struct view_filter filter = of_type("movie");
    filter.key.genre = "a";
    struct page first = query(fixture, 1, filter, NULL, 7);
    g_assert_cmpuint(first.count, ==, 7);
    g_assert_cmpuint(query(fixture, 1, filter, first.cursor, 7).count, ==, 5);

    put(fixture->view, 2, (struct view_key){.view_type = "movie", .movie_id = 1}, "{}");
    struct page page;
    filter = of_type("movie");
    FAILS(view_query(fixture->view, 2, &filter, first.cursor, 7, fixture->arena, &page.docs,
                     &page.count, &page.cursor, &failure),
          MARQUEE_ERROR_BADDATA);
    filter = of_type("genre");
    FAILS(view_query(fixture->view, 1, &filter, first.cursor, 7, fixture->arena, &page.docs,
                     &page.count, &page.cursor, &failure),
          MARQUEE_ERROR_BADDATA);
    static const char *const wrong[] = {"x", "12", "0000000001", "-000000001|movie|",
                                        "' OR 1=1 --"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        FAILS(view_query(fixture->view, 1, &filter, wrong[i], 7, fixture->arena, &page.docs,
                         &page.count, &page.cursor, &failure),
              MARQUEE_ERROR_BADDATA);
}

/* The generation before the served one stays for its grace; older and abandoned ones go at once, in
 * steps; nobody reads a generation that is half gone. */
static void test_sweep_generations(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->config->views_generation_grace_ms = HOUR;
    for (int64_t generation = 1; generation <= 4; generation++) {
        struct view_doc docs[10];
        for (int i = 0; i < 10; i++)
            docs[i] =
                (struct view_doc){.key = {.view_type = "movie", .movie_id = i + 1}, .data = "{}"};
        OK(view_put(fixture->view, generation, docs, 10, &failure));
        if (generation != 2) /* 2 is abandoned */
            publish(fixture->view, generation);
    }
    /* 1 and 2 are older than the previous one, 3; they go in steps of 4. */
    int64_t rows;
    OK(view_sweep(fixture->view, 4, &rows, &failure));
    g_assert_cmpint(rows, ==, 4);
    struct view_filter filter = of_type("movie");
    struct page page;
    FAILS(view_query(fixture->other, 1, &filter, NULL, 10, fixture->arena, &page.docs, &page.count,
                     &page.cursor, &failure),
          MARQUEE_ERROR_NOTFOUND);
    g_assert_cmpint(view_contract_sweep_all(fixture->view, 4), ==, 16);
    g_assert_cmpuint(query(fixture, 3, filter, NULL, 100).count, ==, 10);
    clock_advance(fixture->context.clock, HOUR - 1);
    g_assert_cmpint(view_contract_sweep_all(fixture->view, 4), ==, 0);
    clock_advance(fixture->context.clock, 1);
    g_assert_cmpint(view_contract_sweep_all(fixture->view, 100), ==, 10);
    FAILS(view_query(fixture->view, 3, &filter, NULL, 10, fixture->arena, &page.docs, &page.count,
                     &page.cursor, &failure),
          MARQUEE_ERROR_NOTFOUND);
    g_assert_cmpuint(query(fixture, 4, filter, NULL, 100).count, ==, 10);
    /* Numbers are never used again. */
    int64_t last;
    OK(view_last_generation(fixture->view, &last, &failure));
    g_assert_cmpint(last, ==, 4);
}

/* Runs: upserted by id, newest first, the oldest forgotten beyond batch.runs_kept (3 here). */
static void test_runs(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    struct view_run run = {.run_id = "r1", .started_ms = T0, .state = "running", .detail = "{}"};
    OK(view_put_run(fixture->view, &run, &failure));
    run.ended_ms = T0 + 5;
    run.state = "failed";
    run.detail = "the disk is full";
    OK(view_put_run(fixture->view, &run, &failure));
    struct view_run *runs;
    size_t count;
    OK(view_runs(fixture->other, 10, fixture->arena, &runs, &count, &failure));
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpstr(runs[0].state, ==, "failed");
    g_assert_cmpint(runs[0].ended_ms, ==, T0 + 5);
    g_assert_cmpstr(runs[0].detail, ==, "the disk is full");
    for (int i = 2; i <= 5; i++) {
        g_autofree char *id = g_strdup_printf("r%d", i);
        struct view_run next = {
            .run_id = id, .started_ms = T0 + i, .state = "done", .detail = "{}"};
        OK(view_put_run(fixture->view, &next, &failure));
    }
    OK(view_runs(fixture->other, 10, fixture->arena, &runs, &count, &failure));
    g_assert_cmpuint(count, ==, 3);
    g_assert_cmpstr(runs[0].run_id, ==, "r5");
    g_assert_cmpstr(runs[2].run_id, ==, "r3");
    OK(view_runs(fixture->other, 1, fixture->arena, &runs, &count, &failure));
    g_assert_cmpuint(count, ==, 1);
}

/* What was stored is there after all handles were closed. */
static void test_reopen(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    put(fixture->view, 1, (struct view_key){.view_type = "movie", .movie_id = 1}, "{}");
    publish(fixture->view, 1);
    struct speed_doc doc = {.view_type = "stats", .movie_id = 1, .hour_ms = T0, .data = "{}"};
    OK(view_put_speed(fixture->view, &doc, 1, 3, T0, &failure));
    view_close(fixture->view);
    view_close(fixture->other);
    GError *error = NULL;
    fixture->view = view_open(&fixture->context, &error);
    g_assert_no_error(error);
    fixture->other = view_open(&fixture->context, &error);
    g_assert_no_error(error);
    struct view_generation current;
    OK(view_current(fixture->view, fixture->arena, &current, &failure));
    g_assert_cmpint(current.generation, ==, 1);
    g_assert_cmpuint(query(fixture, 1, of_type("movie"), NULL, 5).count, ==, 1);
    g_assert_cmpuint(view_contract_count_speed(fixture, "stats", 1, T0, T0 + 1), ==, 1);
}

void view_contract_add(const struct view_contract *contract)
{
    static const struct {
        const char *name;
        void (*run)(struct fixture *fixture, gconstpointer data);
    } tests[] = {
        {"empty", test_empty},
        {"upsert", test_upsert},
        {"refused", test_refused},
        {"publish", test_publish},
        {"fenced", test_fenced},
        {"leases", test_leases},
        {"filters", test_filters},
        {"pages", test_pages},
        {"sweep-generations", test_sweep_generations},
        {"search", view_contract_test_search},
        {"speed", view_contract_test_speed},
        {"speed-expiry", view_contract_test_speed_expiry},
        {"runs", test_runs},
        {"reopen", test_reopen},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/view/%s/%s", contract->backend, tests[i].name);
        g_test_add(path, struct fixture, contract, setup, tests[i].run, teardown);
    }
}
