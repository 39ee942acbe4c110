/* For backends of engine.h: the ops table, and what they share. */
#pragma once

#include "batch/engine.h"

struct engine_ops;

/* First member of every backend's struct. */
struct engine {
    const struct engine_ops *ops;
    const struct context *context;
};

/* Each as its namesake in engine.h; sql is the text of the file with its parameters put in, what
 * its path. */
struct engine_ops {
    const char *name; /* as in batch.engine */
    struct engine *(*open)(const struct context *context, const char *lake_root, GError **error);
    void (*close)(struct engine *engine);
    bool (*view)(struct engine *engine,
                 const char *name,
                 const char *columns_sql,
                 const char *const *urls,
                 size_t urls_count,
                 GError **error);
    bool (*table)(struct engine *engine,
                  const char *name,
                  const char *sql,
                  int64_t *ret_rows,
                  GError **error);
    bool (*drop)(struct engine *engine, const char *name, GError **error);
    bool (*write)(
        struct engine *engine, const char *sql, const char *url, int64_t *ret_rows, GError **error);
    bool (*select)(
        struct engine *engine, const char *sql, engine_row_fn row, void *user, GError **error);
    void (*interrupt)(struct engine *engine);
};

extern const struct engine_ops engine_duckdb_ops;
