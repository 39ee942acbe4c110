#include "bus/registry.h"

#include <string.h>

#include "base/config.h"
#include "bus/frame.h"
#include "bus/registry_backend.h"

#define REGISTRY_FILE "registry.db"

static void schema_destroy(void *schema)
{
    schema_free(schema);
}

static struct registry *registry_init(struct registry *registry)
{
    if (registry) {
        registry->schemas = g_hash_table_new_full(NULL, NULL, NULL, schema_destroy);
        registry->by_guid = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, schema_destroy);
    }
    return registry;
}

struct registry *registry_open(const struct context *context, GError **error)
{
    if (*context->config->registry_url)
        return registry_init(registry_rest_open(context, error));
    g_autofree char *path = config_path(context->config, REGISTRY_FILE);
    return registry_init(registry_sqlite_open(path, error));
}

struct registry *registry_new_mem(void)
{
    g_autoptr(GError) error = NULL;
    struct registry *registry = registry_sqlite_open(":memory:", &error);
    if (!registry)
        g_error("%s", error->message); /* only for want of memory */
    return registry_init(registry);
}

void registry_close(struct registry *registry)
{
    if (!registry)
        return;
    g_hash_table_unref(registry->schemas);
    g_hash_table_unref(registry->by_guid);
    registry->ops->close(registry);
}

bool registry_check_backward(const char *subject,
                             int version,
                             const char *latest_json,
                             const struct schema *schema,
                             GError **error)
{
    struct schema *latest = schema_parse(latest_json, strlen(latest_json), error);
    if (!latest) {
        g_prefix_error(error, "registry: %s version %d: ", subject, version);
        return false;
    }
    g_autoptr(GError) why = NULL;
    bool good = schema_can_read(schema, latest, &why);
    if (!good)
        error_set(
            error, CONFLICT,
            "registry: %s: the schema can't follow version %d, because it could not read what that "
            "one wrote (BACKWARD): %s",
            subject, version, why->message);
    schema_free(latest);
    return good;
}

bool registry_register(struct registry *registry,
                       const char *subject,
                       const char *schema_json,
                       int32_t *ret_id,
                       GError **error)
{
    struct schema *schema = schema_parse(schema_json, strlen(schema_json), error);
    if (!schema) {
        g_prefix_error(error, "registry: %s: ", subject);
        return false;
    }
    bool good = registry->ops->add(registry, subject, schema_json, schema, ret_id, error);
    schema_free(schema);
    return good;
}

const struct schema *registry_schema(struct registry *registry, int32_t id, GError **error)
{
    struct schema *schema = g_hash_table_lookup(registry->schemas, GINT_TO_POINTER(id));
    if (schema)
        return schema;
    g_autofree char *json = registry->ops->read(registry, id, error);
    if (!json)
        return NULL;
    schema = schema_parse(json, strlen(json), error);
    if (!schema) {
        g_prefix_error(error, "registry: schema %d: ", id);
        return NULL;
    }
    g_hash_table_insert(registry->schemas, GINT_TO_POINTER(id), schema);
    return schema;
}

/* 8-4-4-4-12 hex digits, newly allocated. */
static char *guid_text(const char *guid)
{
    GString *text = g_string_new(NULL);
    for (int i = 0; i < SCHEMA_GUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            g_string_append_c(text, '-');
        g_string_append_printf(text, "%02x", (unsigned char)guid[i]);
    }
    return g_string_free(text, FALSE);
}

const struct schema *
registry_schema_guid(struct registry *registry, const char *guid, GError **error)
{
    g_autofree char *name = guid_text(guid);
    struct schema *schema = g_hash_table_lookup(registry->by_guid, name);
    if (schema)
        return schema;
    if (!registry->ops->read_guid) {
        error_set(error, NOTFOUND, "registry: the built-in registry knows no schema by GUID (%s)",
                  name);
        return NULL;
    }
    g_autofree char *json = registry->ops->read_guid(registry, name, error);
    schema = json ? schema_parse(json, strlen(json), error) : NULL;
    if (schema)
        g_hash_table_insert(registry->by_guid, g_steal_pointer(&name), schema);
    else if (json)
        g_prefix_error(error, "registry: schema %s: ", name);
    return schema;
}
