/* Route: matches a path against patterns such as "/api/v1/movies/{id}/stats". Pure functions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "net/http_server.h"

struct http_path_params {
    struct {
        const char *name, *value;
    } items[HTTP_PATH_PARAMS_MAX];
    size_t count;
};

/* True where the path fits; parameters are copied into the arena. {name} takes one non-empty
 * segment, a trailing * takes the rest under the name "*". */
bool http_pattern_match(const char *pattern,
                        const char *path,
                        struct arena *arena,
                        struct http_path_params *ret_params);
