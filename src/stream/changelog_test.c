/* Proves: entries of any size come back whole from their parts, with the chain that the writer
 * computed; a part too few, too many or of another entry and any changed byte are refused. The
 * chain's checksum is CRC-32 as Python computes it. */
#include "stream/changelog.h"

#include <string.h>

struct world {
    struct changelog_writer *writer;
    struct changelog_reader *reader;
    struct arena *arena;
    GRand *random;
};

static void world_open(struct world *world, const void *data)
{
    (void)data;
    world->writer = changelog_writer_new();
    world->reader = changelog_reader_new();
    world->arena = arena_new();
    world->random = g_rand_new_with_seed(7);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    changelog_writer_free(world->writer);
    changelog_reader_free(world->reader);
    arena_free(world->arena);
    g_rand_free(world->random);
}

/* Bytes that zstd can't make smaller. */
static struct span noise(struct world *world, size_t len)
{
    char *bytes = arena_alloc(world->arena, len + 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)g_rand_int_range(world->random, 0, 256);
    return (struct span){bytes, len};
}

static size_t encode(struct world *world,
                     const struct changelog_entry *entry,
                     size_t bytes_max,
                     struct span **ret_values,
                     struct chain *ret_after)
{
    GError *error = NULL;
    size_t count;
    bool encoded = changelog_encode(world->writer, entry, bytes_max, world->arena, ret_values,
                                    &count, ret_after, &error);
    g_assert_no_error(error);
    g_assert_true(encoded);
    for (size_t i = 0; i < count; i++)
        g_assert_cmpuint((*ret_values)[i].len, <=, bytes_max);
    return count;
}

static void check_span(struct span found, struct span expected)
{
    g_assert_cmpuint(found.len, ==, expected.len);
    g_assert_true(found.len == 0 || memcmp(found.data, expected.data, found.len) == 0);
}

static void test_round_trip(struct world *world, const void *data)
{
    (void)data;
    static const size_t sizes[][2] = {{0, 0}, {0, 9}, {100, 0}, {5000, 3000}, {100000, 1}};
    struct chain chain = {0};
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        const struct changelog_entry entry = {.task = 5,
                                              .before = chain,
                                              .delta = noise(world, sizes[i][0]),
                                              .rows = noise(world, sizes[i][1])};
        struct span *values;
        struct chain after, found_after;
        struct changelog_entry found;
        size_t count = encode(world, &entry, 1000, &values, &after);
        g_assert_cmpuint(count > 1, ==, sizes[i][0] + sizes[i][1] > 1000);
        for (size_t part = 0; part < count; part++) {
            GError *error = NULL;
            bool whole;
            g_assert_true(
                changelog_take(world->reader, values[part], &whole, &found, &found_after, &error));
            g_assert_cmpint(whole, ==, part + 1 == count);
        }
        g_assert_cmpint(found.task, ==, 5);
        g_assert_cmpint(found.before.commits, ==, chain.commits);
        g_assert_cmpuint(found.before.digest, ==, chain.digest);
        check_span(found.delta, entry.delta);
        check_span(found.rows, entry.rows);
        g_assert_cmpint(found_after.commits, ==, chain.commits + 1);
        g_assert_cmpuint(found_after.digest, ==, after.digest);
        chain = after;
    }
}

/* The entry's bytes are the delta's length (0), no delta, the rows. */
static void test_digest(struct world *world, const void *data)
{
    (void)data;
    const struct changelog_entry entry = {.delta = {"", 0}, .rows = {"123456789", 9}};
    struct span *values;
    struct chain after;
    encode(world, &entry, 1000, &values, &after);
    /* binascii.crc32(b"\x00123456789") in Python. */
    g_assert_cmpuint(after.digest, ==, 0xce7745feu);
}

static bool refuses(struct world *world, struct span value)
{
    g_autoptr(GError) error = NULL;
    struct changelog_entry entry;
    struct chain after;
    bool whole;
    bool taken = changelog_take(world->reader, value, &whole, &entry, &after, &error);
    g_assert_true(taken || error_is(error, BADDATA));
    return !taken;
}

static void test_parts(struct world *world, const void *data)
{
    (void)data;
    struct span *first, *second;
    struct chain after;
    struct changelog_entry entry = {.task = 1, .delta = noise(world, 3000)};
    g_assert_cmpuint(encode(world, &entry, 1000, &first, &after), ==, 4);
    entry.before = after;
    encode(world, &entry, 1000, &second, &after);
    g_assert_true(refuses(world, first[1])); /* nothing before it */
    g_assert_false(refuses(world, first[0]));
    g_assert_true(refuses(world, first[2])); /* one is missing */
    g_assert_true(refuses(world, second[1]));
    g_assert_false(refuses(world, first[1]));
    g_assert_true(refuses(world, first[1])); /* twice */
    g_assert_false(refuses(world, second[0]));
}

static void test_damage(struct world *world, const void *data)
{
    (void)data;
    struct span *values;
    struct chain after;
    const struct changelog_entry entry = {.delta = noise(world, 200)};
    encode(world, &entry, 1000, &values, &after);
    for (size_t i = 0; i < values[0].len; i++) {
        g_autofree char *changed = g_memdup2(values[0].data, values[0].len);
        changed[i] ^= 0x10;
        g_assert_true(refuses(world, (struct span){changed, values[0].len}));
        g_assert_true(refuses(world, (struct span){values[0].data, i}));
    }
    g_assert_false(refuses(world, values[0]));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/changelog/round_trip", struct world, NULL, world_open, test_round_trip,
               world_close);
    g_test_add("/changelog/digest", struct world, NULL, world_open, test_digest, world_close);
    g_test_add("/changelog/parts", struct world, NULL, world_open, test_parts, world_close);
    g_test_add("/changelog/damage", struct world, NULL, world_open, test_damage, world_close);
    return g_test_run();
}
