/* The merge keeps its rule: the examples of docs/merge.md, calculated by hand, and both sides read
 * from a real view store. In each of them there is data on both sides of the boundary. */
#include "serve/merge.h"

#include <string.h>

#include <glib/gstdio.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/config.h"

#define HOUR MS_PER_HOUR

#define OK(call)                                                                                   \
    do {                                                                                           \
        GError *failure = NULL;                                                                    \
        bool succeeded = (call);                                                                   \
        g_assert_no_error(failure);                                                                \
        g_assert_true(succeeded);                                                                  \
    } while (0)

static int64_t at(const char *text)
{
    int64_t time_ms = clock_parse_iso8601(text);
    g_assert_cmpint(time_ms, >, 0);
    return time_ms;
}

static struct merge_input input_at(const char *now, const char *through, const char *earliest)
{
    return (struct merge_input){
        .now_ms = at(now),
        .boundary_age_ms = 48 * HOUR,
        .retention_ms = 52 * HOUR,
        .generation = {.generation = through ? 7 : 0,
                       .batch_run_id = "r",
                       .through_ms = through ? at(through) : 0},
        .speed_synced_at_ms = at(now) - 1000,
        .earliest_hour_ms = at(earliest),
    };
}

static const char now[] = "2026-03-10T12:30:00Z";

static void check_gap(const struct merge *plan, const char *from, const char *to)
{
    g_assert_cmpint(plan->gap_from_ms, ==, from ? at(from) : 0);
    g_assert_cmpint(plan->gap_to_ms, ==, to ? at(to) : 0);
}

static void test_on_time(void)
{
    struct merge_input input = input_at(now, "2026-03-10T12:00:00Z", "2026-03-01T00:00:00Z");
    struct merge plan = merge_plan(&input);
    g_assert_cmpint(plan.boundary_ms, ==, at("2026-03-08T13:00:00Z"));
    g_assert_cmpint(plan.held_from_ms, ==, at("2026-03-08T08:00:00Z"));
    check_gap(&plan, NULL, NULL);
    g_assert_true(plan.complete);
    /* On the hour, 48 h back is a full hour itself; and 08:00's last instant is over at 13:00
     * sharp. */
    input.now_ms = at("2026-03-10T13:00:00Z");
    plan = merge_plan(&input);
    g_assert_cmpint(plan.boundary_ms, ==, at("2026-03-08T13:00:00Z"));
    g_assert_cmpint(plan.held_from_ms, ==, at("2026-03-08T09:00:00Z"));
    input.now_ms = at("2026-03-10T13:00:00.001Z");
    plan = merge_plan(&input);
    g_assert_cmpint(plan.boundary_ms, ==, at("2026-03-08T14:00:00Z"));
    /* Never synced: the newest hours are nowhere. */
    input.speed_synced_at_ms = 0;
    g_assert_false(merge_plan(&input).complete);
}

static void test_late_batch(void)
{
    struct merge_input input = input_at(now, "2026-03-08T09:00:00Z", "2026-03-01T00:00:00Z");
    struct merge plan = merge_plan(&input);
    g_assert_cmpint(plan.boundary_ms, ==, at("2026-03-08T09:00:00Z"));
    check_gap(&plan, NULL, NULL);
    g_assert_true(plan.complete);
    /* Just held: the boundary is the first held hour. */
    input.generation.through_ms = at("2026-03-08T08:00:00Z");
    plan = merge_plan(&input);
    check_gap(&plan, NULL, NULL);
    /* One hour later it isn't. */
    input.generation.through_ms = at("2026-03-08T07:00:00Z");
    plan = merge_plan(&input);
    check_gap(&plan, "2026-03-08T07:00:00Z", "2026-03-08T08:00:00Z");
    g_assert_false(plan.complete);
    input.generation.through_ms = at("2026-03-07T12:00:00Z");
    plan = merge_plan(&input);
    g_assert_cmpint(plan.boundary_ms, ==, at("2026-03-07T12:00:00Z"));
    check_gap(&plan, "2026-03-07T12:00:00Z", "2026-03-08T08:00:00Z");
    g_assert_false(plan.complete);
    /* The system itself is younger than the hours that are gone. */
    input.earliest_hour_ms = at("2026-03-08T06:00:00Z");
    plan = merge_plan(&input);
    check_gap(&plan, "2026-03-08T06:00:00Z", "2026-03-08T08:00:00Z");
}

static void test_no_batch(void)
{
    struct merge_input input = input_at(now, NULL, "2026-03-09T10:00:00Z");
    struct merge plan = merge_plan(&input);
    g_assert_cmpint(plan.boundary_ms, ==, 0);
    check_gap(&plan, NULL, NULL);
    g_assert_false(plan.complete);
    input.earliest_hour_ms = at("2026-03-03T10:00:00Z");
    plan = merge_plan(&input);
    check_gap(&plan, "2026-03-03T10:00:00Z", "2026-03-08T08:00:00Z");
    input.earliest_hour_ms = INT64_MAX; /* nothing at all yet */
    plan = merge_plan(&input);
    check_gap(&plan, NULL, NULL);
}

/* By hand: 09:00 p0 12 − 10 = 2; 09:00 p1 5 − 5 = 0; 10:00 p0 the batch is ahead: 0, not −4; 12:00
 * metadata 3 − none = 3; 13:00 is above the boundary; 07:00 is no longer held. Together 5. */
static void test_pending_late(void)
{
    struct merge_input input = input_at(now, "2026-03-10T12:00:00Z", "2026-03-01T00:00:00Z");
    const struct merge_count speed[] = {
        {at("2026-03-08T07:00:00Z"), "movie.ratings", 0, 99},
        {at("2026-03-08T09:00:00Z"), "movie.ratings", 0, 12},
        {at("2026-03-08T09:00:00Z"), "movie.ratings", 1, 5},
        {at("2026-03-08T10:00:00Z"), "movie.ratings", 0, 6},
        {at("2026-03-08T12:00:00Z"), "movie.metadata", 0, 3},
        {at("2026-03-08T13:00:00Z"), "movie.ratings", 0, 50},
    };
    const struct merge_count batch[] = {
        {at("2026-03-08T09:00:00Z"), "movie.ratings", 0, 10},
        {at("2026-03-08T09:00:00Z"), "movie.ratings", 1, 5},
        {at("2026-03-08T10:00:00Z"), "movie.ratings", 0, 10},
        {at("2026-03-08T12:00:00Z"), "movie.ratings", 0, 8},
    };
    input.speed_counts = speed;
    input.speed_counts_count = G_N_ELEMENTS(speed);
    input.batch_counts = batch;
    input.batch_counts_count = G_N_ELEMENTS(batch);
    struct merge plan = merge_plan(&input);
    g_assert_cmpint(plan.pending_late_records, ==, 5);
    g_assert_false(plan.complete);
    check_gap(&plan, NULL, NULL);
}

/* ---- with a view store ---- */

struct fixture {
    struct context context;
    struct config *config;
    struct arena *arena;
    struct view *view;
    char *folder;
};

static void setup(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    GError *error = NULL;
    fixture->folder = g_dir_make_tmp("marquee-merge-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->config = config_new_default();
    OK(config_set(fixture->config, "data.dir", fixture->folder, &failure));
    fixture->context =
        (struct context){.config = fixture->config, .clock = clock_new_manual(at(now))};
    fixture->arena = arena_new();
    fixture->view = view_open(&fixture->context, &error);
    g_assert_no_error(error);
}

static void teardown(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    view_close(fixture->view);
    arena_free(fixture->arena);
    clock_free(fixture->context.clock);
    config_free(fixture->config);
    static const char *const files[] = {"views.db", "views.db-wal", "views.db-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(fixture->folder, files[i], NULL);
        g_unlink(path);
    }
    g_rmdir(fixture->folder);
    g_free(fixture->folder);
}

static char *point(int64_t hour_ms, int popularity)
{
    char hour[CLOCK_ISO_BYTES];
    return g_strdup_printf("{\"hour\":\"%s\",\"popularity\":%d}", clock_iso8601(hour_ms, hour),
                           popularity);
}

/* Both sides hold every hour from 03-07 00:00 to 03-10 12:00 that they may; the batch says 1, the
 * speed views say 2. */
static void fill(struct fixture *fixture, int64_t through_ms)
{
    for (int64_t day_ms = at("2026-03-07T00:00:00Z"); day_ms < through_ms; day_ms += MS_PER_DAY) {
        g_autoptr(GString) hours = g_string_new("{\"hours\":[");
        g_autoptr(GString) counts = g_string_new("{\"hours\":[");
        for (int64_t hour_ms = day_ms; hour_ms < MIN(through_ms, day_ms + MS_PER_DAY);
             hour_ms += HOUR) {
            g_autofree char *text = point(hour_ms, 1);
            char hour[CLOCK_ISO_BYTES];
            g_string_append_printf(hours, "%s%s", hour_ms > day_ms ? "," : "", text);
            g_string_append_printf(counts, "%s{\"hour\":\"%s\",\"movie.ratings\":[1,4]}",
                                   hour_ms > day_ms ? "," : "", clock_iso8601(hour_ms, hour));
        }
        g_string_append(hours, "]}");
        g_string_append(counts, "]}");
        struct view_doc docs[] = {
            {.key = {.view_type = "movie_stats", .movie_id = 603, .day_ms = day_ms},
             .data = hours->str},
            {.key = {.view_type = "hour_counts", .day_ms = day_ms}, .data = counts->str},
        };
        OK(view_put(fixture->view, 7, docs, 2, &failure));
    }
    struct view_lease lease;
    OK(view_lease_acquire(fixture->view, "batch", "t", HOUR, &lease, &failure));
    struct view_generation generation = {.generation = 7,
                                         .batch_run_id = "run-7",
                                         .through_ms = through_ms,
                                         .computed_at_ms = through_ms,
                                         .cut = "{}"};
    OK(view_publish(fixture->view, &generation, lease.epoch, &failure));
}

static void fill_speed(struct fixture *fixture)
{
    for (int64_t hour_ms = at("2026-03-07T00:00:00Z"); hour_ms <= at("2026-03-10T12:00:00Z");
         hour_ms += HOUR) {
        g_autofree char *text = point(hour_ms, 2);
        struct speed_doc docs[] = {
            {.view_type = "stats", .movie_id = 603, .hour_ms = hour_ms, .data = text},
            {.view_type = "hour_counts",
             .hour_ms = hour_ms,
             .data = "{\"hour\":\"x\",\"movie.ratings\":[1,4]}"},
        };
        OK(view_put_speed(fixture->view, docs, 2, 1, at(now), &failure));
    }
}

static struct merge load(struct fixture *fixture)
{
    struct merge merge;
    OK(merge_load(fixture->view, &fixture->context, fixture->arena, &merge, &failure));
    return merge;
}

/* The series: ascending, each hour once, popularity 1 exactly below the boundary and 2 exactly from
 * it on. */
static size_t check_series(struct fixture *fixture,
                           const struct merge *merge,
                           int64_t from_ms,
                           int64_t to_ms,
                           size_t batch_expected)
{
    struct merge_point *points;
    size_t count, batch = 0;
    OK(merge_stats(fixture->view, merge, 603, from_ms, to_ms, fixture->arena, &points, &count,
                   &failure));
    for (size_t i = 0; i < count; i++) {
        g_assert_cmpint(points[i].hour_ms, >=, from_ms);
        g_assert_cmpint(points[i].hour_ms, <, to_ms);
        if (i > 0)
            g_assert_cmpint(points[i].hour_ms, >, points[i - 1].hour_ms);
        bool below = points[i].hour_ms < merge->boundary_ms;
        g_assert_true(points[i].from_speed == !below);
        g_autofree char *expected = point(points[i].hour_ms, below ? 1 : 2);
        g_autofree char *found = g_strndup(points[i].json.data, points[i].json.len);
        g_assert_cmpstr(found, ==, expected);
        batch += below;
    }
    g_assert_cmpuint(batch, ==, batch_expected);
    g_assert_cmpuint(count - batch, >, 0);
    return count;
}

static void test_series(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    fill(fixture, at("2026-03-10T12:00:00Z"));
    fill_speed(fixture);
    struct merge merge = load(fixture);
    g_assert_cmpint(merge.boundary_ms, ==, at("2026-03-08T13:00:00Z"));
    g_assert_true(merge.complete);
    /* All: 37 hours below the boundary from 03-07 00:00, 48 from it to 03-10 12:00 inclusive. */
    g_assert_cmpuint(
        check_series(fixture, &merge, at("2026-03-06T00:00:00Z"), at("2026-03-11T00:00:00Z"), 37),
        ==, 85);
    /* A part: 03-08 11:00 and 12:00 from the batch, 13:00 from the speed views. */
    g_assert_cmpuint(
        check_series(fixture, &merge, at("2026-03-08T11:00:00Z"), at("2026-03-08T14:00:00Z"), 2),
        ==, 3);
    struct merge_point last;
    bool found;
    OK(merge_last_stats(fixture->view, &merge, 603, fixture->arena, &last, &found, &failure));
    g_assert_true(found && last.from_speed);
    g_assert_cmpint(last.hour_ms, ==, at("2026-03-10T12:00:00Z"));
    OK(merge_last_stats(fixture->view, &merge, 604, fixture->arena, &last, &found, &failure));
    g_assert_false(found);
    /* 03-08 09:00 gets a late record after the cut: 2 + 4 against 1 + 4. */
    struct speed_doc late = {.view_type = "hour_counts",
                             .hour_ms = at("2026-03-08T09:00:00Z"),
                             .data = "{\"hour\":\"x\",\"movie.ratings\":[2,4]}"};
    OK(view_put_speed(fixture->view, &late, 1, 2, at(now), &failure));
    merge = load(fixture);
    g_assert_cmpint(merge.pending_late_records, ==, 1);
    g_assert_false(merge.complete);
}

/* The batch is three days late: what the speed views no longer hold is a gap, said and not filled
 * with anything. */
static void test_gap(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    fill(fixture, at("2026-03-07T12:00:00Z"));
    fill_speed(fixture);
    struct merge merge = load(fixture);
    check_gap(&merge, "2026-03-07T12:00:00Z", "2026-03-08T08:00:00Z");
    /* 12 from the batch; 03-08 08:00 to 03-10 12:00 inclusive, 53, from the speed views. */
    g_assert_cmpuint(
        check_series(fixture, &merge, at("2026-03-07T00:00:00Z"), at("2026-03-11T00:00:00Z"), 12),
        ==, 65);
    g_autoptr(GString) meta = g_string_new(NULL);
    merge_write_meta(&merge, meta);
    json_t *json = json_loads(meta->str, 0, NULL);
    g_assert_nonnull(json);
    json_t *gap = json_array_get(json_object_get(json, "gaps"), 0);
    g_assert_cmpstr(json_string_value(json_object_get(gap, "from")), ==, "2026-03-07T12:00:00Z");
    g_assert_cmpstr(json_string_value(json_object_get(gap, "to")), ==, "2026-03-08T08:00:00Z");
    g_assert_cmpstr(json_string_value(json_object_get(json, "boundary")), ==,
                    "2026-03-07T12:00:00Z");
    g_assert_cmpstr(json_string_value(json_object_get(json, "batch_run_id")), ==, "run-7");
    g_assert_true(json_is_false(json_object_get(json, "complete")));
    g_assert_cmpint(json_integer_value(json_object_get(json, "pending_late")), ==, 0);
    json_decref(json);
}

/* Without a batch all comes from the speed views, and without either there is an answer too. */
static void test_alone(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    struct merge merge = load(fixture);
    g_assert_false(merge.complete);
    struct merge_point last;
    bool found;
    OK(merge_last_stats(fixture->view, &merge, 603, fixture->arena, &last, &found, &failure));
    g_assert_false(found);
    g_autoptr(GString) meta = g_string_new(NULL);
    merge_write_meta(&merge, meta);
    g_assert_nonnull(strstr(meta->str, "\"boundary\":null,\"batch_run_id\":null"));
    fill_speed(fixture);
    merge = load(fixture);
    check_gap(&merge, "2026-03-07T00:00:00Z", "2026-03-08T08:00:00Z");
    g_assert_cmpuint(
        check_series(fixture, &merge, at("2026-03-07T00:00:00Z"), at("2026-03-11T00:00:00Z"), 0),
        ==, 53);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/merge/on-time", test_on_time);
    g_test_add_func("/merge/late-batch", test_late_batch);
    g_test_add_func("/merge/no-batch", test_no_batch);
    g_test_add_func("/merge/pending-late", test_pending_late);
    g_test_add("/merge/series", struct fixture, NULL, setup, test_series, teardown);
    g_test_add("/merge/gap", struct fixture, NULL, setup, test_gap, teardown);
    g_test_add("/merge/alone", struct fixture, NULL, setup, test_alone, teardown);
    return g_test_run();
}
