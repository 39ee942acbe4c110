/* contrast.c: see contrast.h.
 *
 * The reference's loop [_but_check] is
 *
 *     for sentiment in sentiments:
 *         si = sentiments.index(sentiment)        # the FIRST position that holds this value
 *         sentiments[si] = sentiment * (0.5 if si < bi else 1.5)      # untouched where si == bi
 *
 * and so, wherever a word's valence equals what an earlier one has become by then (2.0 halved meets
 * 1.0), it changes the earlier one again and leaves this one alone. That is part of the scores.
 * (Zeros only ever find zeros, and `bi` holds one, so the caller leaves them out.)
 *
 * Written down like that it takes quadratic time. Here a hash table leads from a value to the
 * set of positions up to the current one that hold it, and each set is a skew heap over the
 * positions, whose root is the first: O(log n) amortised a step, in all memory of the order of n.
 * Nearly always the set is empty, and the step is a probe and a store.
 */
#include "sentiment/contrast.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BEFORE 0.5
#define AFTER  1.5

#define INLINE_COUNT 256                /* valences that need no memory */
#define INLINE_SETS  (4 * INLINE_COUNT) /* each leads to two values at most; half full at most */
#define NONE         UINT32_MAX         /* no position */

struct set {
    double value; /* 0: this place of the table is free */
    uint32_t first;
};

struct node {
    uint32_t left, right;
};

struct table {
    struct set *sets;
    size_t capacity, used; /* capacity: a power of two */
    struct node *nodes;    /* one a position */
    struct set inline_sets[INLINE_SETS];
    struct node inline_nodes[INLINE_COUNT];
};

static uint32_t heap_merge(struct node *nodes, uint32_t a, uint32_t b)
{
    uint32_t root = NONE, *hook = &root;

    while (a != NONE && b != NONE) {
        if (b < a) {
            uint32_t swap = a;
            a = b;
            b = swap;
        }
        *hook = a;
        /* The children change places on the way: that keeps the paths short on average. */
        uint32_t rest = nodes[a].right;
        nodes[a].right = nodes[a].left;
        hook = &nodes[a].left;
        a = rest;
    }
    *hook = a != NONE ? a : b;
    return root;
}

static struct set *table_place(struct set *sets, size_t capacity, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    bits = (bits ^ bits >> 32) * 0x9E3779B97F4A7C15u;
    size_t at = (size_t)(bits >> 32) & (capacity - 1);
    while (sets[at].value != 0 && sets[at].value != value)
        at = (at + 1) & (capacity - 1);
    return &sets[at];
}

static void table_grow(struct table *table)
{
    size_t capacity = 2 * table->capacity;
    struct set *sets = calloc(capacity, sizeof *sets);

    if (!sets)
        abort(); /* as GLib does */
    for (size_t i = 0; i < table->capacity; i++)
        if (table->sets[i].value != 0)
            *table_place(sets, capacity, table->sets[i].value) = table->sets[i];
    if (table->sets != table->inline_sets)
        free(table->sets);
    table->sets = sets;
    table->capacity = capacity;
}

/* The set of a value, made when there is none yet. */
static struct set *table_set(struct table *table, double value)
{
    struct set *set = table_place(table->sets, table->capacity, value);

    if (set->value != 0)
        return set;
    if (2 * (table->used + 1) > table->capacity) {
        table_grow(table);
        set = table_place(table->sets, table->capacity, value);
    }
    table->used++;
    *set = (struct set){value, NONE};
    return set;
}

static void table_open(struct table *table, size_t count)
{
    table->sets = table->inline_sets;
    table->used = 0;
    table->nodes = table->inline_nodes;
    for (table->capacity = 16; table->capacity < INLINE_SETS && table->capacity < 4 * count;)
        table->capacity *= 2;
    memset(table->inline_sets, 0, table->capacity * sizeof *table->inline_sets);
    if (count > INLINE_COUNT) {
        table->nodes = malloc(count * sizeof *table->nodes);
        if (!table->nodes)
            abort();
    }
}

static void table_close(struct table *table)
{
    if (table->sets != table->inline_sets)
        free(table->sets);
    if (table->nodes != table->inline_nodes)
        free(table->nodes);
}

void contrast_apply(double *valences, const uint32_t *words, size_t count, uint32_t but)
{
    struct table table;

    table_open(&table, count);
    for (uint32_t i = 0; i < count; i++) {
        struct set *set = table_set(&table, valences[i]);
        uint32_t first = i;
        table.nodes[i] = (struct node){NONE, NONE};
        if (set->first != NONE) { /* an earlier one holds the value, so it is taken instead */
            uint32_t root = heap_merge(table.nodes, set->first, i);
            first = root;
            set->first = heap_merge(table.nodes, table.nodes[root].left, table.nodes[root].right);
            table.nodes[root] = (struct node){NONE, NONE};
        }
        valences[first] *= words[first] < but ? BEFORE : AFTER;
        if (valences[first] == 0) /* underflow: a zero keeps being one */
            continue;
        set = table_set(&table, valences[first]);
        set->first = heap_merge(table.nodes, set->first, first);
    }
    table_close(&table);
}
