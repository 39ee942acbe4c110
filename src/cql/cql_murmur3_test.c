/* Proves: tokens are those that a real Cassandra (5.0.5) says of the same keys, signed tail bytes
 * and composite keys included; a token's owner and those after it are found around the ring. */
#include "cql/cql_murmur3.h"

#include <glib.h>

#include "cql/cql_ring.h"

/* SELECT token(k) FROM t WHERE k = ... for a blob key. */
static const struct {
    const char *hex;
    int64_t token;
} tokens[] = {
    {"61", INT64_C(-8839064797231613815)},
    {"68656c6c6f", INT64_C(-3758069500696749310)},
    {"80", INT64_C(-5284281814142962636)},
    {"c8c9cacbcccdcecfd0d1d2d3d4d5d6", INT64_C(7705981495572405323)},
    {"c8c9cacbcccdcecfd0d1d2d3d4d5d6d7", INT64_C(718616588775281580)},
    {"c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8", INT64_C(2736879660807782764)},
    {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     INT64_C(-6464197807167602253)},
    /* ((movie_id int, hour timestamp)) = (603, 2026-01-01 12:00) and (-7, the same) */
    {"00040000025b0000080000019b796dd60000", INT64_C(-197953278886575213)},
    {"0004fffffff90000080000019b796dd60000", INT64_C(-5049997556665580743)},
};

static void test_tokens(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(tokens); i++) {
        uint8_t key[64];
        size_t len = 0;
        for (const char *at = tokens[i].hex; *at; at += 2)
            key[len++] = (uint8_t)(g_ascii_xdigit_value(at[0]) << 4 | g_ascii_xdigit_value(at[1]));
        g_assert_cmpint(cql_murmur3(key, len), ==, tokens[i].token);
    }
    g_assert_cmpint(cql_murmur3(NULL, 0), ==, 0);
}

/* Tokens -10 (node 2), 0 (node 0), 5 (node 2), 20 (node 1). */
static void test_ring(void)
{
    struct cql_ring ring = {0};
    uint32_t order[4];
    g_assert_cmpuint(cql_ring_order(&ring, 3, order, 4), ==, 0);
    cql_ring_add(&ring, 20, 1);
    cql_ring_add(&ring, -10, 2);
    cql_ring_add(&ring, 5, 2);
    cql_ring_add(&ring, 0, 0);
    cql_ring_sort(&ring);
    static const struct {
        int64_t token;
        uint32_t first, second, third;
    } cases[] = {{-10, 2, 0, 1}, {-9, 0, 2, 1}, {0, 0, 2, 1},         {1, 2, 1, 0},
                 {20, 1, 2, 0},  {21, 2, 0, 1}, {INT64_MIN, 2, 0, 1}, {INT64_MAX, 2, 0, 1}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpuint(cql_ring_order(&ring, cases[i].token, order, 4), ==, 3);
        g_assert_cmpuint(order[0], ==, cases[i].first);
        g_assert_cmpuint(order[1], ==, cases[i].second);
        g_assert_cmpuint(order[2], ==, cases[i].third);
        g_assert_cmpuint(cql_ring_order(&ring, cases[i].token, order, 1), ==, 1);
    }
    cql_ring_clear(&ring);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cql/murmur3/tokens", test_tokens);
    g_test_add_func("/cql/ring/order", test_ring);
    return g_test_run();
}
