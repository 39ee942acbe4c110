/* Proves that what an arena gives out is aligned, separate, of the asked size and alive until the
 * reset, over many chunks and for pieces larger than a chunk; and that a reset starts again at
 * nothing. */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

static void test_pieces_are_aligned_and_separate(void)
{
    struct arena *arena = arena_new();
    enum { COUNT = 3000 };
    unsigned char *pieces[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        pieces[i] = arena_alloc(arena, 1 + i % 97);
        g_assert_cmpuint((uintptr_t)pieces[i] % _Alignof(max_align_t), ==, 0);
        memset(pieces[i], (int)(i % 251), 1 + i % 97);
    }
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < 1 + i % 97; j++)
            g_assert_cmpuint(pieces[i][j], ==, i % 251);
    arena_free(arena);
}

static void test_large_piece(void)
{
    struct arena *arena = arena_new();
    char *before = arena_strdup(arena, "before");
    char *large = arena_zalloc(arena, 3 * ARENA_CHUNK_BYTES_MAX);
    char *after = arena_strdup(arena, "after");
    for (size_t i = 0; i < 3 * ARENA_CHUNK_BYTES_MAX; i++)
        g_assert_cmpint(large[i], ==, 0);
    memset(large, 'x', 3 * ARENA_CHUNK_BYTES_MAX);
    g_assert_cmpstr(before, ==, "before");
    g_assert_cmpstr(after, ==, "after");
    arena_free(arena);
}

static void test_reset(void)
{
    struct arena *arena = arena_new();
    for (int round = 0; round < 3; round++) {
        g_assert_cmpuint(arena_used_bytes(arena), ==, 0);
        for (int i = 0; i < 100; i++)
            memset(arena_alloc(arena, 10000), 0xff, 10000);
        g_assert_cmpuint(arena_used_bytes(arena), >=, 1000000);
        arena_reset(arena);
    }
    /* Old bytes of 0xff lie below: a zeroed piece must not show them. */
    const char *zeroed = arena_zalloc(arena, 5000);
    for (int i = 0; i < 5000; i++)
        g_assert_cmpint(zeroed[i], ==, 0);
    arena_reset(arena);
    arena_alloc(arena, 2 * ARENA_CHUNK_BYTES_MAX);
    arena_reset(arena); /* with only an oversized chunk at the head */
    g_assert_cmpstr(arena_strdup(arena, "still works"), ==, "still works");
    arena_free(arena);
}

static void test_strings(void)
{
    struct arena *arena = arena_new();
    g_assert_cmpstr(arena_strndup(arena, "marquee", 4), ==, "marq");
    g_assert_cmpstr(arena_strndup(arena, NULL, 0), ==, "");
    g_assert_cmpstr(arena_printf(arena, "%s-%03d", "id", 7), ==, "id-007");
    g_autofree char *long_text = g_strnfill(100000, 'a');
    g_assert_cmpstr(arena_printf(arena, "%s", long_text), ==, long_text);
    int64_t *array = arena_array(arena, int64_t, 10);
    for (int i = 0; i < 10; i++)
        g_assert_cmpint(array[i], ==, 0);
    arena_free(arena);
    arena_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arena/aligned-and-separate", test_pieces_are_aligned_and_separate);
    g_test_add_func("/arena/large-piece", test_large_piece);
    g_test_add_func("/arena/reset", test_reset);
    g_test_add_func("/arena/strings", test_strings);
    return g_test_run();
}
