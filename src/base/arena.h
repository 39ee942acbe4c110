/* Arena: memory that lives as long as one batch or one request, and goes back at once.
 *
 *   chunk 0        chunk 1 (twice as large, up to ARENA_CHUNK_BYTES_MAX)
 *   [used|free] -> [used      |free]
 *
 * One owner thread. Out of memory aborts, so any size that comes from outside is checked first. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#define ARENA_CHUNK_BYTES_MIN ((size_t)16 * 1024)
#define ARENA_CHUNK_BYTES_MAX ((size_t)1024 * 1024)

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena); /* accepts NULL */

/* Everything given out before becomes invalid. The first chunk is kept, so that a steady loop
 * doesn't call malloc. */
void arena_reset(struct arena *arena);

/* Aligned for any type, not zeroed; never NULL. */
void *arena_alloc(struct arena *arena, size_t bytes);
void *arena_zalloc(struct arena *arena, size_t bytes);

/* NUL-terminated copies. */
char *arena_strndup(struct arena *arena, const char *text, size_t len);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Bytes given out since the last reset. */
size_t arena_used_bytes(const struct arena *arena);

#define arena_new0(arena, type)         ((type *)arena_zalloc((arena), sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_zalloc((arena), sizeof(type) * (count)))
