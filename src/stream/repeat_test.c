/* Proves: repeats of reviews and user events are told as docs/semantics.md says, in memory and
 * after what was seen has gone through the disk. */
#include "stream/repeat.h"

#include <string.h>

#include "model/db.h"
#include "stream/window.h"

#define NOON_MS INT64_C(1767268800000)

struct world {
    sqlite3 *db;
    struct sql_file *sql;
    struct seen *seen;
};

static void open_seen(struct world *world)
{
    GError *error = NULL;
    world->seen = seen_new(world->db, world->sql, 0, &error);
    g_assert_no_error(error);
}

static void world_open(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    world->db = db_open(":memory:", NULL, &error);
    world->sql = sql_file_load("contracts/stream.sql");
    g_assert_true(db_exec(world->db, sql_file_get(world->sql, "schema"), &error));
    open_seen(world);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    seen_free(world->seen);
    sql_file_free(world->sql);
    db_close(world->db);
}

/* What is known goes to disk and is forgotten in memory. */
static void through_disk(struct world *world)
{
    GError *error = NULL;
    g_assert_true(seen_write(world->seen, &error));
    seen_committed(world->seen);
    seen_free(world->seen);
    open_seen(world);
}

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static bool event(struct world *world, const char *id, int64_t append_ms)
{
    GError *error = NULL;
    bool repeat;
    g_assert_true(repeat_event(world->seen, span_of(id), append_ms, &repeat, &error));
    return repeat;
}

static void test_parse(void)
{
    static const struct {
        const char *id;
        bool ours;
    } cases[] = {
        {"a.1:7", true},
        {"a-b0.01:007", true},
        {"-.0:0", true},
        {"a.1:9223372036854775807", true},
        {"a.1:9223372036854775808", false},
        {"a.99999999999999999999:1", false},
        {"A.1:7", false},
        {"a.1:", false},
        {"a.:7", false},
        {".1:7", false},
        {"a.b.1:7", false},
        {"a.1:7 ", false},
        {"a.1:-7", false},
        {"", false},
        {"a.1:7\n", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct producer_id id;
        g_assert_cmpint(producer_id_parse(span_of(cases[i].id), &id), ==, cases[i].ours);
    }
}

/* Not above the highest: a repeat. Numbers, not texts; epochs and producers apart. */
static void test_sequence(struct world *world, const void *data)
{
    (void)data;
    g_assert_false(event(world, "a.1:9", 0));
    g_assert_true(event(world, "a.1:9", 0));
    g_assert_true(event(world, "a.1:8", 0));
    through_disk(world);
    g_assert_false(event(world, "a.1:10", 0));
    g_assert_true(event(world, "a.01:010", 0));
    g_assert_false(event(world, "a.2:1", 0));
    g_assert_false(event(world, "b.1:1", 0));
}

/* Forgotten when one comes 52 h or more of append time after the last, which a repeat is too. */
static void test_sequence_forgotten(struct world *world, const void *data)
{
    (void)data;
    g_assert_false(event(world, "a.1:9", NOON_MS));
    g_assert_true(event(world, "a.1:5", NOON_MS + REPEAT_PRODUCER_MS - 1));
    through_disk(world);
    int64_t last_ms = NOON_MS + REPEAT_PRODUCER_MS - 1;
    g_assert_true(event(world, "a.1:5", last_ms + REPEAT_PRODUCER_MS - 1));
    last_ms += REPEAT_PRODUCER_MS - 1;
    repeat_pass(world->seen, last_ms + REPEAT_PRODUCER_MS);
    through_disk(world);
    g_assert_false(event(world, "a.1:5", last_ms + REPEAT_PRODUCER_MS));
    g_assert_true(event(world, "a.1:5", last_ms + REPEAT_PRODUCER_MS));
}

/* Any other id: within ten minutes of append time of where it last stood; a chain of repeats goes
 * on. */
static void test_other_ids(struct world *world, const void *data)
{
    (void)data;
    g_assert_false(event(world, "X", NOON_MS));
    g_assert_true(event(world, "X", NOON_MS + REPEAT_ID_MS));
    through_disk(world);
    g_assert_true(event(world, "X", NOON_MS + 2 * REPEAT_ID_MS));
    g_assert_false(event(world, "X", NOON_MS + 3 * REPEAT_ID_MS + 1));
    g_assert_false(event(world, "Y", NOON_MS + 3 * REPEAT_ID_MS + 1));
    /* Buckets that no record can reach go, and only those. */
    repeat_pass(world->seen, NOON_MS + 4 * REPEAT_ID_MS);
    through_disk(world);
    g_assert_true(event(world, "X", NOON_MS + 4 * REPEAT_ID_MS));
}

/* Ids of any length are apart, also long ones that only differ at the end. */
static void test_long_ids(struct world *world, const void *data)
{
    (void)data;
    g_autofree char *a = g_strnfill(3000, 'X'), *b = g_strconcat(a, "Y", NULL);
    g_assert_false(event(world, a, 0));
    g_assert_false(event(world, b, 0));
    through_disk(world);
    g_assert_true(event(world, a, 0));
    g_assert_true(event(world, b, 0));
    g_assert_false(event(world, "", 0));
    g_assert_true(event(world, "", 0));
}

struct outcome {
    bool repeat, replaces;
    int64_t old_compound_e4;
};

static struct outcome review(struct world *world,
                             const char *id,
                             int32_t movie_id,
                             int64_t created_ms,
                             int64_t updated_ms,
                             int64_t compound_e4)
{
    GError *error = NULL;
    struct outcome outcome;
    const struct review record = {
        .review_id = span_of(id),
        .movie_id = movie_id,
        .created_at_ms = created_ms,
        .has_updated_at = updated_ms != 0,
        .updated_at_ms = updated_ms,
    };
    g_assert_true(repeat_review(world->seen, &record, &outcome.repeat, &outcome.replaces,
                                &outcome.old_compound_e4, &error));
    if (!outcome.repeat)
        repeat_note_review(world->seen, &record, compound_e4);
    return outcome;
}

/* The higher version wins whatever its order; equals are repeats; another created_at or movie is
 * another review. */
static void test_reviews(struct world *world, const void *data)
{
    (void)data;
    struct outcome outcome = review(world, "r", 1, NOON_MS, 0, 5000);
    g_assert_false(outcome.repeat || outcome.replaces);
    g_assert_true(review(world, "r", 1, NOON_MS, 0, 1).repeat);
    through_disk(world);
    outcome = review(world, "r", 1, NOON_MS, NOON_MS + 20, -300);
    g_assert_false(outcome.repeat);
    g_assert_true(outcome.replaces);
    g_assert_cmpint(outcome.old_compound_e4, ==, 5000);
    g_assert_true(review(world, "r", 1, NOON_MS, NOON_MS + 10, 1).repeat);
    through_disk(world);
    outcome = review(world, "r", 1, NOON_MS, NOON_MS + 21, 7);
    g_assert_cmpint(outcome.old_compound_e4, ==, -300);
    g_assert_false(review(world, "r", 1, NOON_MS + 1, 0, 1).repeat);
    g_assert_false(review(world, "r", 2, NOON_MS, 0, 1).repeat);
    /* Its hour expired: forgotten. */
    repeat_forget_reviews(world->seen, hour_of(NOON_MS) + 1);
    through_disk(world);
    outcome = review(world, "r", 1, NOON_MS, 0, 1);
    g_assert_false(outcome.repeat || outcome.replaces);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/repeat/parse", test_parse);
    g_test_add("/stream/repeat/sequence", struct world, NULL, world_open, test_sequence,
               world_close);
    g_test_add("/stream/repeat/sequence_forgotten", struct world, NULL, world_open,
               test_sequence_forgotten, world_close);
    g_test_add("/stream/repeat/other_ids", struct world, NULL, world_open, test_other_ids,
               world_close);
    g_test_add("/stream/repeat/long_ids", struct world, NULL, world_open, test_long_ids,
               world_close);
    g_test_add("/stream/repeat/reviews", struct world, NULL, world_open, test_reviews, world_close);
    return g_test_run();
}
