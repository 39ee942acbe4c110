/* For backends of lake.h: the ops table. lake_local.c is the one to copy. */
#pragma once

#include "lake/lake.h"

struct lake_ops;

/* First member of every backend's struct. */
struct lake {
    const struct lake_ops *ops;
    const struct context *context;
};

/* Each as its namesake in lake.h, which has checked the names (no "..", no leading "/", length). */
struct lake_ops {
    const char *name;
    struct lake *(*open)(const struct context *context, GError **error);
    void (*close)(struct lake *lake);
    const char *(*url)(struct lake *lake, const char *name, struct arena *arena, GError **error);
    bool (*list)(struct lake *lake,
                 const char *prefix,
                 struct arena *arena,
                 struct lake_object **ret_objects,
                 size_t *ret_count,
                 GError **error);
    bool (*get)(struct lake *lake,
                const char *name,
                struct arena *arena,
                char **ret_data,
                size_t *ret_len,
                GError **error);
    bool (*put)(struct lake *lake, const char *name, const void *data, size_t len, GError **error);
    bool (*swap)(struct lake *lake,
                 const char *name,
                 const char *expected,
                 const char *data,
                 GError **error);
    bool (*rename)(struct lake *lake, const char *from, const char *to, GError **error);
    bool (*remove)(struct lake *lake, const char *name, GError **error);
};

extern const struct lake_ops lake_local_ops;
