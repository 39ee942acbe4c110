/* Movie table: movies by id, open addressing with linear probing (the hot path of every record).
 * Owns its movies; one owner thread. A movie's address is stable until it is removed. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "stream/movie.h"

struct movie_table {
    struct movie **slots; /* capacity is a power of two, at most 3/4 full */
    size_t capacity, count;
};

void movie_table_clear(
    struct movie_table *table); /* frees; an all-zero struct is the empty table */
struct movie *movie_table_find(const struct movie_table *table,
                               int32_t movie_id); /* NULL: not there */
/* Asks the processor for what finding a movie will touch, one part a call, each found through the
 * one before: a record of it comes soon. Changes nothing. */
enum movie_part { MOVIE_PART_SLOT, MOVIE_PART_MOVIE, MOVIE_PART_BIN, MOVIE_PART_COUNT };
void movie_table_prefetch(const struct movie_table *table, int32_t movie_id, enum movie_part part);
/* No movie with that id may be there. */
void movie_table_add(struct movie_table *table, struct movie *movie);
/* Frees each movie for which keep says false. */
void movie_table_filter(struct movie_table *table,
                        bool (*keep)(struct movie *movie, void *user),
                        void *user);
