#include "serve/gzip.h"

#include <pthread.h>
#include <string.h>

#include <glib.h>
#include <zlib.h>

#define GZIP_WINDOW_BITS  (15 + 16) /* the largest window, in gzip's frame */
#define GZIP_MEMORY_LEVEL 8
#define GZIP_LEVEL_ANSWER 1 /* fresh answers: speed */
#define GZIP_LEVEL_STATIC 9 /* once */

/* One element of the list: "gzip", "gzip;q=0.5", "*". */
static bool element_accepts(const char *element)
{
    g_auto(GStrv) parts = g_strsplit(element, ";", -1);
    const char *name = g_strstrip(parts[0]);
    if (g_ascii_strcasecmp(name, "gzip") != 0 && g_ascii_strcasecmp(name, "x-gzip") != 0)
        return false;
    for (size_t i = 1; parts[i]; i++) {
        const char *weight = g_strstrip(parts[i]);
        if (g_ascii_strncasecmp(weight, "q=", 2) == 0 && g_ascii_strtod(weight + 2, NULL) <= 0)
            return false;
    }
    return true;
}

bool gzip_accepted(const char *accept_encoding)
{
    if (!accept_encoding)
        return false;
    g_auto(GStrv) elements = g_strsplit(accept_encoding, ",", -1);
    for (size_t i = 0; elements[i]; i++) {
        if (*elements[i] && element_accepts(elements[i]))
            return true;
    }
    return false;
}

/* Into out, which has room for len bytes; 0 where that isn't enough. */
static size_t deflate_into(char *out, const char *body, size_t len, int level)
{
    z_stream stream = {0};
    if (len > UINT_MAX || deflateInit2(&stream, level, Z_DEFLATED, GZIP_WINDOW_BITS,
                                       GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    stream.next_in = (Bytef *)body;
    stream.avail_in = (uInt)len;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)len;
    bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    size_t packed = whole ? stream.total_out : 0;
    deflateEnd(&stream);
    return packed;
}

const char *gzip_pack(struct arena *arena, const char *body, size_t len, size_t *ret_len)
{
    char *out = arena_alloc(arena, len);
    size_t packed = deflate_into(out, body, len, GZIP_LEVEL_ANSWER);
    if (packed == 0)
        return NULL;
    *ret_len = packed;
    return out;
}

struct gzip_statics {
    pthread_mutex_t lock;
    GHashTable *packed; /* body -> struct packed */
};

struct packed {
    size_t len; /* 0: not smaller */
    char bytes[];
};

struct gzip_statics *gzip_statics_new(void)
{
    struct gzip_statics *statics = g_new0(struct gzip_statics, 1);
    pthread_mutex_init(&statics->lock, NULL);
    statics->packed = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return statics;
}

void gzip_statics_free(struct gzip_statics *statics)
{
    if (!statics)
        return;
    g_hash_table_unref(statics->packed);
    pthread_mutex_destroy(&statics->lock);
    g_free(statics);
}

static struct packed *pack_static(const char *body, size_t len)
{
    struct packed *packed = g_malloc(sizeof *packed + len);
    packed->len = deflate_into(packed->bytes, body, len, GZIP_LEVEL_STATIC);
    return g_realloc(packed, sizeof *packed + packed->len);
}

const char *gzip_static(struct gzip_statics *statics, const char *body, size_t len, size_t *ret_len)
{
    pthread_mutex_lock(&statics->lock);
    struct packed *packed = g_hash_table_lookup(statics->packed, body);
    if (!packed) {
        packed = pack_static(body, len);
        g_hash_table_insert(statics->packed, (gpointer)body, packed);
    }
    pthread_mutex_unlock(&statics->lock);
    *ret_len = packed->len;
    return packed->len ? packed->bytes : NULL;
}
