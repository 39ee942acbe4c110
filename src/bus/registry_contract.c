#include "bus/registry_contract.h"

#include <string.h>

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define A              "{\"name\":\"a\",\"type\":\"int\"}"
#define A_LONG         "{\"name\":\"a\",\"type\":\"long\"}"
#define B              ",{\"name\":\"b\",\"type\":\"int\"}"
#define B_DEFAULT      ",{\"name\":\"b\",\"type\":\"int\",\"default\":0}"
#define UNKNOWN_ID     2000000000

struct world {
    const struct registry_contract *contract;
    struct registry *registry;
};

static void setup(struct world *world, const void *data)
{
    world->contract = data;
    world->registry = world->contract->open(world->contract->user);
    g_assert_nonnull(world->registry);
}

static void teardown(struct world *world, const void *data)
{
    (void)data;
    registry_close(world->registry);
}

static int32_t add(struct world *world, const char *name, const char *json)
{
    int32_t id = -1;
    g_autoptr(GError) error = NULL;
    g_autofree char *subject = world->contract->subject(world->contract->user, name);
    bool done = registry_register(world->registry, subject, json, &id, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    return id;
}

static void assert_conflict(struct world *world, const char *json, const char *part)
{
    int32_t id = -1;
    g_autoptr(GError) error = NULL;
    g_autofree char *subject = world->contract->subject(world->contract->user, "s");
    g_assert_false(registry_register(world->registry, subject, json, &id, &error));
    g_assert_true(error_is(error, CONFLICT));
    g_assert_nonnull(strstr(error->message, part));
    g_assert_cmpint(id, ==, -1);
}

/* One schema has one id, however it is written, also under another subject and when it is no longer
 * the latest. */
static void test_ids(struct world *world, const void *data)
{
    (void)data;
    int32_t first = add(world, "s", RECORD(A));
    g_assert_cmpint(first, >, 0);
    g_assert_cmpint(add(world, "s",
                        "{ \"fields\": [" A
                        "], \"doc\": \"same\", \"type\": \"record\", \"name\": \"R\"}"),
                    ==, first);
    g_assert_cmpint(add(world, "other", RECORD(A)), ==, first);
    int32_t second = add(world, "s", RECORD(A B_DEFAULT));
    g_assert_cmpint(second, !=, first);
    g_assert_cmpint(add(world, "s", RECORD(A)), ==, first); /* an older version keeps its id */
}

/* What was registered is found by its id and looked up once; an id that nobody has is NOTFOUND. */
static void test_lookup(struct world *world, const void *data)
{
    (void)data;
    int32_t id = add(world, "s", RECORD(A B_DEFAULT));
    g_autoptr(GError) error = NULL;
    const struct schema *schema = registry_schema(world->registry, id, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(schema_canonical(schema), "\"b\""));
    g_assert_true(registry_schema(world->registry, id, &error) == schema);
    g_assert_null(registry_schema(world->registry, UNKNOWN_ID, &error));
    g_assert_true(error_is(error, NOTFOUND));
    g_clear_error(&error);
    g_assert_null(registry_schema(world->registry, -1, &error));
    g_assert_true(error_is(error, NOTFOUND));
}

/* A schema that couldn't read what the latest version wrote is refused, with the field and why. */
static void test_backward(struct world *world, const void *data)
{
    (void)data;
    add(world, "s", RECORD(A));
    assert_conflict(world, RECORD(A B), "b: the reader needs it");
    assert_conflict(
        world,
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"}]}",
        "a: the reader's string can't read the writer's int");
    assert_conflict(world, "{\"type\":\"record\",\"name\":\"S\",\"fields\":[]}", "version 1");
    add(world, "s", RECORD(A B_DEFAULT)); /* added with a default */
    add(world, "s", RECORD(A_LONG));      /* removed, and widened */
    assert_conflict(world,
                    RECORD(A B_DEFAULT ",{\"name\":\"c\",\"type\":\"null\",\"default\":null}"),
                    "a: the reader's int can't read the writer's long");
    assert_conflict(world, RECORD(A_LONG B), "version 3");
    add(world, "t", RECORD(A B)); /* another subject */
    g_autoptr(GError) error = NULL;
    int32_t id;
    g_assert_false(registry_register(world->registry, "s", "{", &id, &error));
    g_assert_true(error_is(error, BADDATA));
}

void registry_contract_add(const struct registry_contract *contract)
{
    static const struct {
        const char *name;
        void (*run)(struct world *world, const void *data);
    } cases[] = {{"ids", test_ids}, {"lookup", test_lookup}, {"backward", test_backward}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/registry/%s/%s", contract->name, cases[i].name);
        g_test_add(path, struct world, contract, setup, cases[i].run, teardown);
    }
}
