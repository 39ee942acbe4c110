/* Raw answers come out of the spool byte for byte, in order, whole files only; damage is told, not
 * skipped. */
#include "lake/raw_store.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"

#define START_MS INT64_C(1772510400000)

struct world {
    struct context context;
    struct config *config;
    struct lake *lake;
    struct arena *arena;
};

static void world_open(struct world *world)
{
    world->config = config_new_default();
    g_free(world->config->data_dir);
    world->config->data_dir = g_dir_make_tmp("marquee-raw-XXXXXX", NULL);
    world->context = (struct context){.config = world->config, .clock = clock_new_manual(START_MS)};
    world->arena = arena_new();
    GError *error = NULL;
    world->lake = lake_open(&world->context, &error);
    g_assert_no_error(error);
}

static void world_close(struct world *world)
{
    struct lake_object *objects;
    size_t count;
    g_assert_true(lake_list(world->lake, "", world->arena, &objects, &count, NULL));
    for (size_t i = 0; i < count; i++)
        g_assert_true(lake_delete(world->lake, objects[i].name, NULL));
    lake_close(world->lake);
    clock_free(world->context.clock);
    config_free(world->config);
    arena_free(world->arena);
}

struct seen {
    int count;
    GString *bodies;
};

static bool see(void *user, const struct raw_answer *answer, GError **error)
{
    (void)error;
    struct seen *seen = user;
    g_assert_cmpint(answer->movie_id, ==, 550 + seen->count);
    g_assert_cmpint(answer->extraction_timestamp_ms, ==, START_MS + seen->count);
    g_assert_cmpstr(answer->endpoint, ==, "/movie/550");
    g_string_append_len(seen->bodies, answer->body, (gssize)answer->body_len);
    seen->count++;
    return true;
}

static void test_round_trip(void)
{
    struct world world;
    world_open(&world);
    struct raw_store *store = raw_store_open(&world.context, world.lake);
    static const char *const bodies[] = {"{\"id\": 550,\n \"title\":\"\\u00e9 \xc3\xa9\"}", "",
                                         "not json"};
    GError *error = NULL;
    for (int i = 0; i < 3; i++)
        g_assert_true(raw_store_put(store, 550 + i, "/movie/550", START_MS + i, bodies[i],
                                    strlen(bodies[i]), &error));
    g_assert_false(raw_store_put(store, 1, "/movie/1", START_MS, "\xff", 1, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
    g_clear_error(&error);

    struct lake_object *objects;
    size_t count;
    g_assert_true(raw_store_tick(store, &error)); /* too young: stays in memory */
    g_assert_true(lake_list(world.lake, RAW_STORE_PREFIX, world.arena, &objects, &count, &error));
    g_assert_cmpuint(count, ==, 0);
    clock_advance(world.context.clock, RAW_STORE_FLUSH_MS);
    g_assert_true(raw_store_tick(store, &error));
    g_assert_true(lake_list(world.lake, RAW_STORE_PREFIX, world.arena, &objects, &count, &error));
    g_assert_cmpuint(count, ==, 1);

    struct seen seen = {.bodies = g_string_new(NULL)};
    g_assert_true(raw_store_read(world.lake, objects[0].name, see, &seen, &error));
    g_assert_cmpint(seen.count, ==, 3);
    g_autofree char *expected = g_strconcat(bodies[0], bodies[1], bodies[2], NULL);
    g_assert_cmpstr(seen.bodies->str, ==, expected);

    char *data;
    size_t len;
    g_assert_true(lake_get(world.lake, objects[0].name, world.arena, &data, &len, &error));
    g_assert_true(lake_put(world.lake, RAW_STORE_PREFIX "short", data, len - 3, &error));
    g_assert_false(raw_store_read(world.lake, RAW_STORE_PREFIX "short", see, &seen, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
    g_clear_error(&error);

    /* One bit of any byte is another: it is noticed, or makes no difference. */
    for (size_t i = 0; i < len; i++) {
        struct seen again = {.bodies = g_string_new(NULL)};
        data[i] ^= 0x04;
        g_assert_true(lake_put(world.lake, RAW_STORE_PREFIX "flipped", data, len, &error));
        data[i] ^= 0x04;
        if (raw_store_read(world.lake, RAW_STORE_PREFIX "flipped", see, &again, &error))
            g_assert_cmpstr(again.bodies->str, ==, expected);
        else
            g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
        g_clear_error(&error);
        g_string_free(again.bodies, TRUE);
    }

    g_string_free(seen.bodies, TRUE);
    raw_store_close(store);
    world_close(&world);
}

/* A put that reaches RAW_STORE_FLUSH_BYTES flushes by itself, so memory is bounded. */
static void test_bounded(void)
{
    struct world world;
    world_open(&world);
    struct raw_store *store = raw_store_open(&world.context, world.lake);
    GError *error = NULL;
    size_t len = RAW_STORE_FLUSH_BYTES / 4;
    g_autofree char *body = g_strnfill(len, 'x');
    for (int i = 0; i < 8; i++)
        g_assert_true(raw_store_put(store, i, "/movie/1", START_MS, body, len, &error));
    struct lake_object *objects;
    size_t count;
    g_assert_true(lake_list(world.lake, RAW_STORE_PREFIX, world.arena, &objects, &count, &error));
    g_assert_cmpuint(count, ==, 2);
    raw_store_close(store);
    world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/raw_store/round_trip", test_round_trip);
    g_test_add_func("/raw_store/bounded", test_bounded);
    return g_test_run();
}
