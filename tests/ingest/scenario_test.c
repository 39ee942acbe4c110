/* Proves, against the real simulator on a scaled clock: with 30 % errors, cut bodies, pages instead
 * of JSON, lost blocks, slow answers and storms of 429, every movie of the lists gets its facts and
 * observations, every review that the simulator shows is on the bus, each version once; the budget
 * is never exceeded, as the simulator's own request log shows; a stage that is stopped in the
 * middle and started again goes on where it was. The expected values are asked from a second
 * simulator without faults: the state is a function of seed, movie and time. */
#include <pthread.h>
#include <string.h>

#include <jansson.h>

#include "ingest/ingest.h"
#include "ingest/ingest_fixture.h"
#include "net/http_client.h"
#include "tmdb_sim/sim.h"

#define START_MS INT64_C(1773057600000) /* 2026-03-09T12:00:00Z, the catalogue's own time */
#define SPEED    60.0
#define MOVIES   60
#define PAGES    3 /* of 20: the popular list is the whole catalogue */
/* A hang, not a matter of speed: a storm may refuse the same movie often. */
#define WAIT_MS     300000
#define LOOK_MS     100
#define STORM_LEAST 11 /* refused requests that make a storm */
#define ALL_FAULTS                                                                                 \
    "error=0.3,truncate=0.1,html=0.05,missing_block=0.1,latency=200ms@0.1,storm=60s/600s"

struct world {
    struct ingest_fixture base;
    struct context sim_context;
    struct tmdb_sim *sim, *truth; /* with faults, without */
    char *log_path;
    pthread_t thread;
    bool done;
    GError *error;
};

static struct tmdb_sim *start_sim(struct world *world, const char *fault, const char *log_path)
{
    struct tmdb_sim_options options = TMDB_SIM_OPTIONS_DEFAULT;
    g_autoptr(GError) error = NULL;
    options.movies = MOVIES;
    options.premieres = false;
    options.fault = fault;
    options.request_log = log_path;
    struct tmdb_sim *sim = tmdb_sim_start(&world->sim_context, &options, &error);
    g_assert_no_error(error);
    return sim;
}

static void world_open(struct world *world, struct clock *clock, const char *fault)
{
    *world = (struct world){0};
    ingest_fixture_open(&world->base, clock);
    struct config *config = world->base.config;
    world->sim_context = (struct context){.clock = world->base.context.clock, .stop = stop_new()};
    world->log_path = g_build_filename(world->base.folder, "requests", NULL);
    world->sim = start_sim(world, fault, world->log_path);
    world->truth = start_sim(world, NULL, NULL);
    g_free(config->tmdb_base_url);
    config->tmdb_base_url = g_strdup(tmdb_sim_url(world->sim));
    config->ingest_list_pages = PAGES;
    config->ingest_retry_max = 6;
    config->ingest_retry_base_ms = 20;
    config->ingest_retry_cap_ms = 1000;
}

static void world_close(struct world *world)
{
    tmdb_sim_stop(world->sim);
    tmdb_sim_stop(world->truth);
    stop_free(world->sim_context.stop);
    g_clear_error(&world->error);
    g_free(world->log_path);
    ingest_fixture_close(&world->base);
}

/* ---- the stage ---- */

static void *run(void *user)
{
    struct world *world = user;
    world->done = ingest_run(&world->base.context, &world->error);
    return NULL;
}

static void start(struct world *world)
{
    stop_free(world->base.context.stop);
    world->base.context.stop = stop_new();
    g_assert_cmpint(pthread_create(&world->thread, NULL, run, world), ==, 0);
}

static void stop(struct world *world)
{
    stop_request(world->base.context.stop);
    g_assert_cmpint(pthread_join(world->thread, NULL), ==, 0);
    g_assert_no_error(world->error);
    g_assert_true(world->done);
}

/* ---- the truth ---- */

static void parse(const struct http_answer *answer, void *user)
{
    g_assert_cmpint(answer->status, ==, 200);
    *(json_t **)user = json_loadb(answer->body, answer->body_len, 0, NULL);
}

static json_t *ask_truth(struct world *world, const char *path)
{
    struct context context = {.clock = clock_new_real()};
    g_autoptr(GError) error = NULL;
    json_t *answer = NULL;
    struct http_client_options options = {.concurrency = 1, .timeout_ms = 10000};
    struct http_client *client = http_client_new(&context, &options, &error);
    g_autofree char *url = g_strconcat(tmdb_sim_url(world->truth), path, NULL);
    g_assert_true(http_client_get(client, url, parse, &answer, &error));
    while (http_client_pending(client))
        http_client_run(client, 1000);
    http_client_free(client);
    clock_free(context.clock);
    g_assert_nonnull(answer);
    return answer;
}

/* The English movies of the catalogue: a set of ids. */
static GHashTable *true_movies(struct world *world)
{
    GHashTable *movies = g_hash_table_new(NULL, NULL);
    for (int page = 1; page <= PAGES; page++) {
        g_autofree char *path = g_strdup_printf("/movie/popular?page=%d", page);
        json_t *list = ask_truth(world, path);
        size_t index;
        json_t *item;
        json_array_foreach(json_object_get(list, "results"), index, item)
        {
            if (!g_strcmp0(json_string_value(json_object_get(item, "original_language")), "en"))
                g_hash_table_add(
                    movies, GINT_TO_POINTER((int)json_integer_value(json_object_get(item, "id"))));
        }
        json_decref(list);
    }
    g_assert_cmpuint(g_hash_table_size(movies), >, MOVIES / 3);
    return movies;
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* Every review of these movies at that time: id -> version. */
static GHashTable *true_reviews(struct world *world, GHashTable *movies, int64_t as_of_ms)
{
    GHashTable *reviews = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GHashTableIter iter;
    void *movie_id;
    g_hash_table_iter_init(&iter, movies);
    while (g_hash_table_iter_next(&iter, &movie_id, NULL)) {
        int64_t pages = 1;
        for (int64_t page = 1; page <= pages; page++) {
            g_autofree char *path =
                g_strdup_printf("/movie/%d/reviews?page=%d&as_of=%" G_GINT64_FORMAT,
                                GPOINTER_TO_INT(movie_id), (int)page, as_of_ms);
            json_t *answer = ask_truth(world, path);
            size_t index;
            json_t *review;
            pages = json_integer_value(json_object_get(answer, "total_pages"));
            json_array_foreach(json_object_get(answer, "results"), index, review)
            {
                int64_t version_ms = clock_parse_iso8601(text_of(review, "updated_at"));
                g_hash_table_insert(reviews, g_strdup(text_of(review, "id")),
                                    g_memdup2(&version_ms, sizeof version_ms));
            }
            json_decref(answer);
        }
    }
    return reviews;
}

/* ---- what is on the bus ---- */

/* Movies that have facts; each of them "new" once. */
static GHashTable *seen_facts(struct world *world)
{
    GHashTable *movies = g_hash_table_new(NULL, NULL);
    size_t count;
    const struct metadata *facts = ingest_fixture_records(&world->base, TOPIC_METADATA, &count);
    for (size_t i = 0; i < count; i++) {
        bool is_new = facts[i].event_type.len == strlen("new");
        bool added = g_hash_table_add(movies, GINT_TO_POINTER(facts[i].movie_id));
        g_assert_true(added == is_new);
    }
    return movies;
}

/* Reviews: id -> highest version; no version twice. */
static GHashTable *seen_reviews(struct world *world)
{
    GHashTable *reviews = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    size_t count;
    const struct review *review = ingest_fixture_records(&world->base, TOPIC_REVIEWS, &count);
    for (size_t i = 0; i < count; i++, review++) {
        g_autofree char *id = g_strndup(review->review_id.data, review->review_id.len);
        int64_t version_ms = review->has_updated_at ? review->updated_at_ms : review->created_at_ms;
        const int64_t *known = g_hash_table_lookup(reviews, id);
        g_assert_true(!known || *known < version_ms);
        g_hash_table_insert(reviews, g_steal_pointer(&id),
                            g_memdup2(&version_ms, sizeof version_ms));
    }
    return reviews;
}

/* How many of the expected reviews the bus lacks, or has in an older version only. */
static size_t missing_reviews(GHashTable *seen, GHashTable *expected)
{
    GHashTableIter iter;
    void *id, *version_ms;
    size_t missing = 0;
    g_hash_table_iter_init(&iter, expected);
    while (g_hash_table_iter_next(&iter, &id, &version_ms)) {
        const int64_t *known = g_hash_table_lookup(seen, id);
        missing += !known || *known < *(int64_t *)version_ms;
    }
    return missing;
}

static size_t missing_movies(GHashTable *seen, GHashTable *expected)
{
    GHashTableIter iter;
    void *movie_id;
    size_t missing = 0;
    g_hash_table_iter_init(&iter, expected);
    while (g_hash_table_iter_next(&iter, &movie_id, NULL))
        missing += !g_hash_table_contains(seen, movie_id);
    return missing;
}

/* Waits until the bus has these movies (all but allowed ones) and reviews. */
static void
wait_for(struct world *world, GHashTable *movies, GHashTable *reviews, size_t movies_allowed)
{
    int64_t started_us = clock_monotonic_us(world->sim_context.clock);
    size_t lacks_movies, lacks_reviews;
    do {
        g_assert_false(stop_wait_ms(world->sim_context.stop, LOOK_MS));
        GHashTable *facts = seen_facts(world), *seen = seen_reviews(world);
        lacks_movies = missing_movies(facts, movies);
        lacks_reviews = reviews ? missing_reviews(seen, reviews) : 0;
        g_hash_table_unref(facts);
        g_hash_table_unref(seen);
        arena_reset(world->base.arena);
        if (clock_monotonic_us(world->sim_context.clock) - started_us > WAIT_MS * 1000)
            g_error("still %zu movies and %zu reviews are missing", lacks_movies, lacks_reviews);
    } while (lacks_movies > movies_allowed || lacks_reviews);
}

/* ---- the budget ---- */

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* A token bucket of the settings, run over the world times at which the simulator was asked. What
 * was sent on time may arrive late, just before what is sent then, however slow the machine: but of
 * those there are never more than may be under way at once (lives: of so many stages). Times are
 * cut to a real millisecond. */
static void check_budget(struct world *world, int lives, size_t *ret_requests, size_t *ret_refused)
{
    const struct config *config = world->base.config;
    double rate_per_ms = config->ingest_rate_per_s / 1000, burst = (double)config->ingest_burst;
    uint64_t expected = tmdb_sim_requests(world->sim);
    g_clear_pointer(&world->sim, tmdb_sim_stop); /* its log is whole now */
    double slack = lives * (double)config->ingest_concurrency + SPEED * rate_per_ms;
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(world->log_path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(g_strstrip(text), "\n", -1);
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(int64_t));
    size_t refused = 0;
    for (char **line = lines; *line; line++) {
        json_t *entry = json_loads(*line, 0, NULL);
        int64_t world_ms = json_integer_value(json_object_get(entry, "world_ms"));
        refused += json_integer_value(json_object_get(entry, "status")) == 429;
        g_array_append_val(times, world_ms);
        json_decref(entry);
    }
    qsort(times->data, times->len, sizeof(int64_t), by_time);
    double tokens = burst, least = burst;
    for (unsigned i = 0; i < times->len; i++) {
        int64_t passed_ms =
            i ? g_array_index(times, int64_t, i) - g_array_index(times, int64_t, i - 1) : 0;
        tokens = MIN(burst, tokens + (double)passed_ms * rate_per_ms) - 1;
        least = MIN(least, tokens);
    }
    g_test_message("%u requests; the bucket's least: %.1f (allowed: %.1f)", times->len, least,
                   -slack);
    g_assert_cmpfloat(least, >=, -slack);
    /* The count was taken while a request that the stage had given up could still be under way. */
    g_assert_cmpuint(times->len, >=, expected);
    g_assert_cmpuint(times->len, <=, expected + (uint64_t)config->ingest_concurrency);
    *ret_requests = times->len;
    *ret_refused = refused;
}

/* ---- tests ---- */

/* The stage goes on until this fault has met it so often: how fast a machine asks doesn't decide
 * whether a storm was among it. */
static void wait_for_faults(struct world *world, enum fault_kind kind, uint64_t least)
{
    int64_t started_us = clock_monotonic_us(world->sim_context.clock);
    while (tmdb_sim_faults(world->sim, kind) < least) {
        g_assert_false(stop_wait_ms(world->sim_context.stop, LOOK_MS));
        if (clock_monotonic_us(world->sim_context.clock) - started_us > WAIT_MS * 1000)
            g_error("the fault %s came %d times only", fault_name(kind),
                    (int)tmdb_sim_faults(world->sim, kind));
    }
    g_test_message("%s: %d", fault_name(kind), (int)tmdb_sim_faults(world->sim, kind));
}

static void wait_for_all_faults(struct world *world)
{
    for (enum fault_kind kind = 0; kind < FAULT_KIND_COUNT; kind++)
        if (kind != FAULT_RATE)
            wait_for_faults(world, kind, 1);
}

/* Half of the time TMDB refuses everything and doesn't say for how long. */
static void test_a_storm_without_a_word(void)
{
    struct world world;
    size_t requests, refused;
    world_open(&world, clock_new_scaled(START_MS, SPEED),
               "error=0.1,storm=120s/240s,retry_after=none");
    GHashTable *movies = true_movies(&world);
    GHashTable *reviews = true_reviews(&world, movies, START_MS);
    start(&world);
    wait_for(&world, movies, reviews, 0);
    wait_for_faults(&world, FAULT_STORM, STORM_LEAST);
    stop(&world);
    check_budget(&world, 1, &requests, &refused);
    g_test_message("%zu of %zu requests were refused", refused, requests);
    g_assert_cmpuint(refused, >=, STORM_LEAST);
    g_hash_table_unref(reviews);
    g_hash_table_unref(movies);
    world_close(&world);
}

/* Who isn't on the lists came by /movie/latest, and is English too. */
static void check_scope(struct world *world, GHashTable *observed, GHashTable *movies)
{
    GHashTableIter iter;
    void *movie_id;
    g_hash_table_iter_init(&iter, observed);
    while (g_hash_table_iter_next(&iter, &movie_id, NULL)) {
        if (g_hash_table_contains(movies, movie_id))
            continue;
        g_autofree char *path = g_strdup_printf("/movie/%d", GPOINTER_TO_INT(movie_id));
        json_t *movie = ask_truth(world, path);
        g_assert_cmpstr(text_of(movie, "original_language"), ==, "en");
        json_decref(movie);
    }
}

static void test_nothing_is_lost(void)
{
    struct world world;
    size_t requests, refused, ratings;
    world_open(&world, clock_new_scaled(START_MS, SPEED), ALL_FAULTS);
    GHashTable *movies = true_movies(&world);
    GHashTable *reviews = true_reviews(&world, movies, START_MS);
    g_assert_cmpuint(g_hash_table_size(reviews), >, MOVIES);
    start(&world);
    wait_for(&world, movies, reviews, 0);
    wait_for_all_faults(&world);
    stop(&world);
    check_budget(&world, 1, &requests, &refused);
    g_assert_cmpuint(refused, >, 0);
    /* Each movie of the lists has an observation. */
    const struct rating *rating = ingest_fixture_records(&world.base, TOPIC_RATINGS, &ratings);
    GHashTable *observed = g_hash_table_new(NULL, NULL);
    for (size_t i = 0; i < ratings; i++, rating++)
        g_hash_table_add(observed, GINT_TO_POINTER(rating->movie_id));
    g_assert_cmpuint(missing_movies(observed, movies), ==, 0);
    check_scope(&world, observed, movies);
    g_test_message("%u movies, %u reviews, %zu ratings", g_hash_table_size(movies),
                   g_hash_table_size(reviews), ratings);
    g_hash_table_unref(observed);
    g_hash_table_unref(reviews);
    g_hash_table_unref(movies);
    world_close(&world);
}

/* Stopped in the middle, twice: nothing is published twice (seen_facts and seen_reviews look) and
 * nothing is lost. */
static void test_goes_on_after_a_stop(void)
{
    struct world world;
    size_t requests, refused;
    world_open(&world, clock_new_scaled(START_MS, SPEED), ALL_FAULTS);
    GHashTable *movies = true_movies(&world);
    GHashTable *reviews = true_reviews(&world, movies, START_MS);
    size_t all = g_hash_table_size(movies);
    for (size_t left = 2; left; left--) {
        start(&world);
        wait_for(&world, movies, NULL, all * left / 3);
        stop(&world);
    }
    start(&world);
    wait_for(&world, movies, reviews, 0);
    stop(&world);
    /* All is known: one more start asks for what is due, and publishes no facts and reviews again
       (a movie may change meanwhile, so this too is looked at by version). */
    start(&world);
    g_assert_false(stop_wait_ms(world.sim_context.stop, 2000));
    stop(&world);
    GHashTable *facts = seen_facts(&world), *seen = seen_reviews(&world);
    g_assert_cmpuint(missing_reviews(seen, reviews), ==, 0);
    /* Over all four starts: what one gave up may still be on its way when the next one asks. */
    check_budget(&world, 2, &requests, &refused);
    g_hash_table_unref(facts);
    g_hash_table_unref(seen);
    g_hash_table_unref(reviews);
    g_hash_table_unref(movies);
    world_close(&world);
}

/* The same past from the simulator by a backfill with faults: each movie observed at each instant.
 */
static void test_backfill(void)
{
    enum { INSTANTS = 24 };
    struct world world;
    g_autoptr(GError) error = NULL;
    size_t ratings;
    world_open(&world, clock_new_manual(START_MS), "error=0.3,truncate=0.05");
    world.base.config->ingest_retry_base_ms = 1;
    world.base.config->ingest_retry_cap_ms = 8;
    GHashTable *movies = true_movies(&world);
    int64_t step_ms = world.base.config->ingest_observe_interval_ms;
    bool done =
        ingest_backfill(&world.base.context, START_MS - INSTANTS * step_ms, NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    const struct rating *rating = ingest_fixture_records(&world.base, TOPIC_RATINGS, &ratings);
    GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < ratings; i++, rating++) {
        g_assert_cmpint(rating->timestamp_ms % step_ms, ==, 0);
        if (g_hash_table_contains(movies, GINT_TO_POINTER(rating->movie_id)))
            g_hash_table_add(seen, g_strdup_printf("%d %" G_GINT64_FORMAT, rating->movie_id,
                                                   rating->timestamp_ms));
    }
    size_t expected = g_hash_table_size(movies) * INSTANTS, got = g_hash_table_size(seen);
    g_test_message("%zu of %zu observations, %d requests", got, expected,
                   (int)tmdb_sim_requests(world.sim));
    g_assert_cmpuint(got, <=, expected);
    g_assert_cmpuint(got, >=, expected - expected / 50);
    g_hash_table_unref(seen);
    g_hash_table_unref(movies);
    world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ingest_scenario/nothing_is_lost", test_nothing_is_lost);
    g_test_add_func("/ingest_scenario/a_storm_without_a_word", test_a_storm_without_a_word);
    g_test_add_func("/ingest_scenario/goes_on_after_a_stop", test_goes_on_after_a_stop);
    g_test_add_func("/ingest_scenario/backfill", test_backfill);
    return g_test_run();
}
