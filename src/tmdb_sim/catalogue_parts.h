/* What the catalogue's files share. Nobody else includes this. */
#pragma once

#include "tmdb_sim/catalogue.h"

/* Append to movies, a GArray of struct catalogue_movie. */
void catalogue_read_builtin(struct catalogue *catalogue, GArray *movies);
bool catalogue_read_capture(struct catalogue *catalogue,
                            const char *folder,
                            GArray *movies,
                            GError **error) MUST_CHECK;
void catalogue_make_up(struct catalogue *catalogue, uint64_t seed, size_t count, GArray *movies);
void catalogue_add_premieres(struct catalogue *catalogue, uint64_t seed, GArray *movies);

/* A copy of the array in the catalogue's arena; frees it. */
void *catalogue_keep(struct catalogue *catalogue, GArray *array, size_t *ret_count);
/* "2026-02-12" as ms; INT64_MIN where it is no date. */
int64_t catalogue_date_ms(const char *date);
