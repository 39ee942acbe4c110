/* Lake: named objects below one root (Parquet files, manifests). Object storage's terms: a name is
 * a path with "/", there are no folders to make, an object appears whole or not at all. Immutable
 * by habit: only pointers such as
 * "_current" are replaced, and that by lake_swap. One owner thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"

#define LAKE_NAME_BYTES_MAX 1024
#define LAKE_GET_BYTES_MAX  ((size_t)64 * 1024 * 1024)

struct lake;

struct lake_object {
    const char *name;
    int64_t size_bytes;
    int64_t
        modified_ms; /* of the storage, real time: only for cleaning up what no manifest names */
};

struct lake *lake_open(const struct context *context, GError **error) MUST_CHECK;
void lake_close(struct lake *lake); /* accepts NULL */

/* What the engine calls this name: an absolute path, or "s3://bucket/name". In the arena. For a
 * local lake the folder above it exists afterwards, so that an engine may write there. */
const char *
lake_url(struct lake *lake, const char *name, struct arena *arena, GError **error) MUST_CHECK;

/* Objects whose name starts with prefix, sorted by name. */
bool lake_list(struct lake *lake,
               const char *prefix,
               struct arena *arena,
               struct lake_object **ret_objects,
               size_t *ret_count,
               GError **error) MUST_CHECK;

/* The whole object, NUL-terminated, in the arena. NOTFOUND where absent, BADDATA above
 * LAKE_GET_BYTES_MAX. */
bool lake_get(struct lake *lake,
              const char *name,
              struct arena *arena,
              char **ret_data,
              size_t *ret_len,
              GError **error) MUST_CHECK;

/* Durable on true (fsync of file and folder); readers see the old object or the new one, never
 * half. */
bool lake_put(struct lake *lake, const char *name, const void *data, size_t len, GError **error)
    MUST_CHECK;

/* Replaces a pointer if its content is still expected (NULL: must be absent); else CONFLICT. */
bool lake_swap(struct lake *lake,
               const char *name,
               const char *expected,
               const char *data,
               GError **error) MUST_CHECK;

/* Makes a file that an engine wrote under a temporary name durable and gives it its name. */
bool lake_rename(struct lake *lake, const char *from, const char *to, GError **error) MUST_CHECK;

/* True also where it was absent. */
bool lake_delete(struct lake *lake, const char *name, GError **error) MUST_CHECK;
