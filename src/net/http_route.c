#include "net/http_route.h"

#include <string.h>

static void params_add(struct http_path_params *params,
                       struct arena *arena,
                       const char *name,
                       size_t name_len,
                       const char *value,
                       size_t value_len)
{
    g_assert(params->count < HTTP_PATH_PARAMS_MAX); /* patterns are ours */
    params->items[params->count].name = arena_strndup(arena, name, name_len);
    params->items[params->count].value = arena_strndup(arena, value, value_len);
    params->count++;
}

bool http_pattern_match(const char *pattern,
                        const char *path,
                        struct arena *arena,
                        struct http_path_params *ret_params)
{
    struct http_path_params params = {0};
    while (*pattern) {
        if (pattern[0] == '*' && pattern[1] == '\0') {
            params_add(&params, arena, "*", 1, path, strlen(path));
            *ret_params = params;
            return true;
        }
        if (*pattern == '{') {
            size_t name_len = strcspn(pattern + 1, "}");
            size_t value_len = strcspn(path, "/");
            if (value_len == 0)
                return false;
            params_add(&params, arena, pattern + 1, name_len, path, value_len);
            pattern += name_len + 2;
            path += value_len;
            continue;
        }
        if (*pattern != *path)
            return false;
        pattern++;
        path++;
    }
    if (*path != '\0')
        return false;
    *ret_params = params;
    return true;
}
