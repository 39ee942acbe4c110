#include "lake/lake.h"

#include <assert.h>
#include <string.h>

#include "base/config.h"
#include "lake/lake_backend.h"

static const struct lake_ops *const backends[] = {&lake_local_ops};

struct lake *lake_open(const struct context *context, GError **error)
{
    const char *wanted = context->config->lake_backend;
    for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (strcmp(backends[i]->name, wanted) == 0)
            return backends[i]->open(context, error);
    }
    error_set(error, CONFIG, "lake.backend: \"%s\" is not part of this build: use \"local\"",
              wanted);
    return NULL;
}

void lake_close(struct lake *lake)
{
    if (lake)
        lake->ops->close(lake);
}

/* Names reach this file from manifests too, so they are judged, not asserted. A component that
 * begins with a dot is the backend's own (temporary files), and "." and ".." are among those. */
static bool name_is_sound(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > LAKE_NAME_BYTES_MAX || name[0] == '/' || name[len - 1] == '/')
        return false;
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (*part == '.' || *part == '/' || *part == '\0')
            return false;
    }
    for (const char *at = name; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == '\'' || *at == '\\' || *at == '*' || *at == '?')
            return false;
    }
    return true;
}

static bool check_name(const char *name, GError **error)
{
    if (name_is_sound(name))
        return true;
    g_autofree char *shown = g_strescape(name, NULL);
    error_set(error, BADDATA,
              "lake: \"%.200s\" is no object name: expected a relative path of at most %d bytes "
              "without quotes, wildcards or components that begin with a dot",
              shown, LAKE_NAME_BYTES_MAX);
    return false;
}

const char *lake_url(struct lake *lake, const char *name, struct arena *arena, GError **error)
{
    return check_name(name, error) ? lake->ops->url(lake, name, arena, error) : NULL;
}

bool lake_list(struct lake *lake,
               const char *prefix,
               struct arena *arena,
               struct lake_object **ret_objects,
               size_t *ret_count,
               GError **error)
{
    /* A prefix may end inside a component or with "/", and be empty. */
    g_autofree char *probe = g_strconcat(prefix, "x", NULL);
    return check_name(probe, error) &&
           lake->ops->list(lake, prefix, arena, ret_objects, ret_count, error);
}

bool lake_get(struct lake *lake,
              const char *name,
              struct arena *arena,
              char **ret_data,
              size_t *ret_len,
              GError **error)
{
    return check_name(name, error) && lake->ops->get(lake, name, arena, ret_data, ret_len, error);
}

bool lake_put(struct lake *lake, const char *name, const void *data, size_t len, GError **error)
{
    return check_name(name, error) && lake->ops->put(lake, name, data, len, error);
}

bool lake_swap(
    struct lake *lake, const char *name, const char *expected, const char *data, GError **error)
{
    assert(data);
    return check_name(name, error) && lake->ops->swap(lake, name, expected, data, error);
}

bool lake_rename(struct lake *lake, const char *from, const char *to, GError **error)
{
    return check_name(from, error) && check_name(to, error) &&
           lake->ops->rename(lake, from, to, error);
}

bool lake_delete(struct lake *lake, const char *name, GError **error)
{
    return check_name(name, error) && lake->ops->remove(lake, name, error);
}
