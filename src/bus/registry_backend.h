/* For backends of registry.h: the ops table. registry.c parses, caches and words the errors. */
#pragma once

#include "bus/registry.h"

struct registry_ops;

/* First member of every backend's struct. */
struct registry {
    const struct registry_ops *ops;
    GHashTable *schemas; /* id -> struct schema, owned: what was looked up */
    GHashTable *by_guid; /* the same by the GUID's text */
};

/* All are called from the owner thread and may block. */
struct registry_ops {
    void (*close)(struct registry *registry);

    /* As registry_register; schema is the parsed text. Another process may register at the same
     * time: the same schema must get the same id. */
    bool (*add)(struct registry *registry,
                const char *subject,
                const char *schema_json,
                const struct schema *schema,
                int32_t *ret_id,
                GError **error);

    /* The schema's text, newly allocated; NULL and NOTFOUND where there is none. */
    char *(*read)(struct registry *registry, int32_t id, GError **error);

    /* The same by the text of a GUID (8-4-4-4-12 hex digits). NULL: this registry gives none. */
    char *(*read_guid)(struct registry *registry, const char *guid, GError **error);
};

/* BACKWARD: may schema follow the subject's version, whose text is latest_json? CONFLICT where not.
 */
bool registry_check_backward(const char *subject,
                             int version,
                             const char *latest_json,
                             const struct schema *schema,
                             GError **error) MUST_CHECK;

/* config->registry_url. Asks nothing yet: the first call that needs it does. */
struct registry *registry_rest_open(const struct context *context, GError **error) MUST_CHECK;

/* path: of the file, or ":memory:". */
struct registry *registry_sqlite_open(const char *path, GError **error) MUST_CHECK;
