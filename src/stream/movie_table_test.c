/* Proves: the table finds what a GHashTable finds, over random ids, after growing and after
 * filtering; and hour counts stand in order whatever the order of coming. */
#include "stream/movie_table.h"

#include "stream/hour_count.h"

static bool keep_even(struct movie *movie, void *user)
{
    (void)user;
    return movie->movie_id % 2 == 0;
}

static void test_against_hash(void)
{
    struct movie_table table = {0};
    g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);
    GRand *random = g_rand_new_with_seed(3);
    g_assert_null(movie_table_find(&table, 1));
    for (int i = 0; i < 20000; i++) {
        int32_t id = (int32_t)g_rand_int_range(random, -3000, 3000) * (i % 2 ? 1 : 65536);
        for (enum movie_part part = 0; part < MOVIE_PART_COUNT; part++)
            movie_table_prefetch(&table, id, part); /* whether it is there or not */
        struct movie *movie = movie_table_find(&table, id);
        g_assert_true(movie == g_hash_table_lookup(known, GINT_TO_POINTER(id)));
        if (movie)
            continue;
        movie = movie_new(id);
        movie_table_add(&table, movie);
        g_hash_table_insert(known, GINT_TO_POINTER(id), movie);
    }
    g_assert_cmpuint(table.count, ==, g_hash_table_size(known));
    movie_table_filter(&table, keep_even, NULL);
    GHashTableIter iter;
    gpointer id, movie;
    g_hash_table_iter_init(&iter, known);
    while (g_hash_table_iter_next(&iter, &id, &movie)) {
        bool even = GPOINTER_TO_INT(id) % 2 == 0;
        g_assert_true(movie_table_find(&table, GPOINTER_TO_INT(id)) == (even ? movie : NULL));
    }
    g_rand_free(random);
    movie_table_clear(&table);
    g_assert_null(movie_table_find(&table, 2));
}

static void test_hour_counts(void)
{
    g_autoptr(GArray) counts = g_array_new(FALSE, FALSE, sizeof(struct hour_count));
    static const int64_t hours[] = {5, 3, 9, 5, 3, 3, -2};
    for (size_t i = 0; i < G_N_ELEMENTS(hours); i++)
        hour_count_add(counts, hours[i], 1);
    static const struct hour_count expected[] = {
        {-2, 1, true}, {3, 3, true}, {5, 2, true}, {9, 1, true}};
    g_assert_cmpuint(counts->len, ==, G_N_ELEMENTS(expected));
    for (guint i = 0; i < counts->len; i++) {
        g_assert_cmpint(g_array_index(counts, struct hour_count, i).hour, ==, expected[i].hour);
        g_assert_cmpint(g_array_index(counts, struct hour_count, i).used_records, ==,
                        expected[i].used_records);
    }
    hour_count_drop_below(counts, 5);
    g_assert_cmpuint(counts->len, ==, 2);
    g_assert_cmpint(g_array_index(counts, struct hour_count, 0).hour, ==, 5);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/movie_table/against_hash", test_against_hash);
    g_test_add_func("/stream/hour_count/order", test_hour_counts);
    return g_test_run();
}
