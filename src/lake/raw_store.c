#include "lake/raw_store.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <jansson.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/clock.h"

#define ZSTD_LEVEL      3
#define LINES_BYTES_MAX ((unsigned long long)256 * 1024 * 1024)

struct raw_store {
    const struct context *context;
    struct lake *lake;
    GString *lines;
    int64_t oldest_monotonic_ms; /* of what is in lines */
};

struct raw_store *raw_store_open(const struct context *context, struct lake *lake)
{
    struct raw_store *store = g_new0(struct raw_store, 1);
    store->context = context;
    store->lake = lake;
    store->lines = g_string_new(NULL);
    return store;
}

void raw_store_close(struct raw_store *store)
{
    if (!store)
        return;
    (void)!raw_store_flush(store, NULL);
    g_string_free(store->lines, TRUE);
    g_free(store);
}

bool raw_store_put(struct raw_store *store,
                   int32_t movie_id,
                   const char *endpoint,
                   int64_t extraction_timestamp_ms,
                   const char *body,
                   size_t len,
                   GError **error)
{
    if (len > RAW_STORE_BODY_BYTES_MAX) {
        error_set(error, BADDATA, "raw answer %s: %zu bytes, more than the %zu that are kept",
                  endpoint, len, RAW_STORE_BODY_BYTES_MAX);
        return false;
    }
    json_t *text = json_stringn(body, len);
    if (!text) {
        error_set(error, BADDATA, "raw answer %s: not UTF-8", endpoint);
        return false;
    }
    json_t *object = json_object();
    json_object_set_new(object, "movie_id", json_integer(movie_id));
    json_object_set_new(object, "api_endpoint", json_string(endpoint));
    json_object_set_new(object, "extraction_timestamp", json_integer(extraction_timestamp_ms));
    json_object_set_new(object, "raw_json", text);
    char *line = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    if (!line) {
        error_set(error, BADDATA, "raw answer of movie %" PRId32 ": can't be written as JSON",
                  movie_id);
        return false;
    }
    if (store->lines->len == 0)
        store->oldest_monotonic_ms = clock_monotonic_ms(store->context->clock);
    g_string_append(store->lines, line);
    g_string_append_c(store->lines, '\n');
    free(line);
    return store->lines->len < RAW_STORE_FLUSH_BYTES || raw_store_flush(store, error);
}

/* With a checksum of the content, so that damage is noticed when the lines are read. */
static size_t pack(char *packed, size_t bound, const GString *lines)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    if (!context)
        return (size_t)-ZSTD_error_memory_allocation;
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t len = ZSTD_compress2(context, packed, bound, lines->str, lines->len);
    ZSTD_freeCCtx(context);
    return len;
}

bool raw_store_flush(struct raw_store *store, GError **error)
{
    static atomic_uint counter; /* only makes names differ */
    if (store->lines->len == 0)
        return true;
    size_t bound = ZSTD_compressBound(store->lines->len);
    g_autofree char *packed = g_malloc(bound);
    size_t len = pack(packed, bound, store->lines);
    if (ZSTD_isError(len)) {
        error_set(error, FAILED, "raw answers: zstd: %s", ZSTD_getErrorName(len));
        return false;
    }
    g_autofree char *name = g_strdup_printf(RAW_STORE_PREFIX "%" PRId64 "-%d-%u.jsonl.zst",
                                            clock_now_ms(store->context->clock), (int)getpid(),
                                            atomic_fetch_add(&counter, 1));
    if (!lake_put(store->lake, name, packed, len, error))
        return false;
    g_string_truncate(store->lines, 0);
    return true;
}

bool raw_store_tick(struct raw_store *store, GError **error)
{
    int64_t now = clock_monotonic_ms(store->context->clock);
    if (store->lines->len == 0 || now - store->oldest_monotonic_ms < RAW_STORE_FLUSH_MS)
        return true;
    return raw_store_flush(store, error);
}

static bool bad_line(const char *name, size_t line, const char *what, GError **error)
{
    error_set(error, BADDATA, "%s: line %zu: %s", name, line, what);
    return false;
}

static bool read_line(const char *name,
                      size_t number,
                      const char *text,
                      size_t len,
                      raw_answer_fn row,
                      void *user,
                      GError **error)
{
    json_t *object = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
    json_t *body = json_object_get(object, "raw_json");
    json_t *movie_id = json_object_get(object, "movie_id");
    json_t *timestamp = json_object_get(object, "extraction_timestamp");
    struct raw_answer answer = {
        .movie_id = (int32_t)json_integer_value(movie_id),
        .endpoint = json_string_value(json_object_get(object, "api_endpoint")),
        .extraction_timestamp_ms = json_integer_value(timestamp),
        .body = json_string_value(body),
        .body_len = json_string_length(body),
    };
    bool done;
    if (!answer.body || !answer.endpoint || !json_is_integer(movie_id) ||
        !json_is_integer(timestamp))
        done = bad_line(name, number, "not an answer as the raw store writes it", error);
    else
        done = row(user, &answer, error);
    json_decref(object);
    return done;
}

bool raw_store_read(
    struct lake *lake, const char *name, raw_answer_fn row, void *user, GError **error)
{
    struct arena *arena = arena_new();
    char *packed;
    size_t packed_len;
    if (!lake_get(lake, name, arena, &packed, &packed_len, error)) {
        arena_free(arena);
        return false;
    }
    unsigned long long size = ZSTD_getFrameContentSize(packed, packed_len);
    bool done = false;
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
        size > LINES_BYTES_MAX) {
        error_set(error, BADDATA, "%s: no zstd frame of a sound size", name);
    } else {
        g_autofree char *lines = g_malloc((size_t)size + 1);
        size_t len = ZSTD_decompress(lines, (size_t)size, packed, packed_len);
        if (ZSTD_isError(len)) {
            error_set(error, BADDATA, "%s: zstd: %s", name, ZSTD_getErrorName(len));
        } else {
            done = true;
            size_t number = 1;
            for (const char *at = lines, *end = lines + len; done && at < end; number++) {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                if (!newline)
                    done = bad_line(name, number, "cut short", error);
                else
                    done = read_line(name, number, at, (size_t)(newline - at), row, user, error);
                at = newline ? newline + 1 : end;
            }
        }
    }
    arena_free(arena);
    return done;
}
