#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

struct chunk {
    struct chunk *next; /* older chunks */
    size_t size, used;
    _Alignas(max_align_t) char bytes[];
};

struct arena {
    struct chunk *head; /* the newest: the only one that is still filled */
    size_t used_bytes;
};

static struct chunk *chunk_new(size_t size, struct chunk *next)
{
    struct chunk *chunk = g_malloc(sizeof *chunk + size);
    chunk->next = next;
    chunk->size = size;
    chunk->used = 0;
    return chunk;
}

struct arena *arena_new(void)
{
    struct arena *arena = g_new0(struct arena, 1);
    arena->head = chunk_new(ARENA_CHUNK_BYTES_MIN, NULL);
    return arena;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    for (struct chunk *chunk = arena->head, *next; chunk; chunk = next) {
        next = chunk->next;
        g_free(chunk);
    }
    g_free(arena);
}

void arena_reset(struct arena *arena)
{
    /* Keep the largest ordinary chunk: the next batch is likely to need as much as this one. */
    struct chunk *keep = NULL;
    for (struct chunk *chunk = arena->head, *next; chunk; chunk = next) {
        next = chunk->next;
        if (!keep && chunk->size <= ARENA_CHUNK_BYTES_MAX)
            keep = chunk;
        else
            g_free(chunk);
    }
    if (!keep)
        keep = chunk_new(ARENA_CHUNK_BYTES_MIN, NULL);
    keep->next = NULL;
    keep->used = 0;
    arena->head = keep;
    arena->used_bytes = 0;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    g_assert(bytes <= SIZE_MAX / 2);
    bytes = (bytes + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    struct chunk *chunk = arena->head;
    if (chunk->size - chunk->used < bytes) {
        size_t size = MAX(bytes, MIN(chunk->size * 2, ARENA_CHUNK_BYTES_MAX));
        chunk = arena->head = chunk_new(size, chunk);
    }
    void *memory = chunk->bytes + chunk->used;
    chunk->used += bytes;
    arena->used_bytes += bytes;
    return memory;
}

void *arena_zalloc(struct arena *arena, size_t bytes)
{
    return memset(arena_alloc(arena, bytes), 0, bytes);
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);
    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    return arena_strdup(arena, text);
}

size_t arena_used_bytes(const struct arena *arena)
{
    return arena->used_bytes;
}
