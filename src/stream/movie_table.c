#include "stream/movie_table.h"

#include <assert.h>

#include <glib.h>

#define CAPACITY_FIRST 64
#define HASH_FACTOR    UINT32_C(2654435769) /* 2^32 / golden ratio: Knuth's multiplicative hash */

static size_t slot_of(const struct movie_table *table, int32_t movie_id)
{
    uint32_t hash = (uint32_t)movie_id * HASH_FACTOR;
    return (hash ^ hash >> 16) & (table->capacity - 1);
}

void movie_table_clear(struct movie_table *table)
{
    for (size_t i = 0; i < table->capacity; i++)
        movie_free(table->slots[i]);
    g_free(table->slots);
    *table = (struct movie_table){0};
}

struct movie *movie_table_find(const struct movie_table *table, int32_t movie_id)
{
    if (!table->capacity)
        return NULL;
    size_t slot = slot_of(table, movie_id);
    while (table->slots[slot] && table->slots[slot]->movie_id != movie_id)
        slot = (slot + 1) & (table->capacity - 1);
    return table->slots[slot];
}

/* Only of the slot where the id's search begins: most are there. */
void movie_table_prefetch(const struct movie_table *table, int32_t movie_id, enum movie_part part)
{
    if (!table->capacity)
        return;
    struct movie *const *slot = &table->slots[slot_of(table, movie_id)];
    if (part == MOVIE_PART_SLOT)
        __builtin_prefetch(slot);
    else if (part == MOVIE_PART_MOVIE)
        __builtin_prefetch(*slot);
    else if (*slot)
        __builtin_prefetch((*slot)->recent);
}

static void put(struct movie_table *table, struct movie *movie)
{
    size_t slot = slot_of(table, movie->movie_id);
    while (table->slots[slot])
        slot = (slot + 1) & (table->capacity - 1);
    table->slots[slot] = movie;
}

/* Puts all movies into fresh slots. */
static void rebuild(struct movie_table *table, size_t capacity)
{
    struct movie **old = table->slots;
    size_t old_capacity = table->capacity;
    table->slots = g_new0(struct movie *, capacity);
    table->capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i])
            put(table, old[i]);
    }
    g_free(old);
}

void movie_table_add(struct movie_table *table, struct movie *movie)
{
    assert(!movie_table_find(table, movie->movie_id));
    if (4 * (table->count + 1) > 3 * table->capacity)
        rebuild(table, table->capacity ? 2 * table->capacity : CAPACITY_FIRST);
    put(table, movie);
    table->count++;
}

void movie_table_filter(struct movie_table *table,
                        bool (*keep)(struct movie *movie, void *user),
                        void *user)
{
    for (size_t i = 0; i < table->capacity; i++) {
        struct movie *movie = table->slots[i];
        if (movie && !keep(movie, user)) {
            movie_free(movie);
            table->slots[i] = NULL;
            table->count--;
        }
    }
    size_t capacity = CAPACITY_FIRST;
    while (4 * table->count > 3 * capacity / 2)
        capacity *= 2;
    rebuild(table, capacity);
}
