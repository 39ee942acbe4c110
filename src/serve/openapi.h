/* OpenAPI: contracts/openapi.yaml as JSON. */
#pragma once

#include <stddef.h>

#include "base/error.h"

/* YAML text (one document, anchors resolved by libyaml's tree) as JSON, newly allocated. Plain
 * scalars are null, true, false and numbers where they look so, as in YAML 1.2's core schema; all
 * others strings. BADDATA with the line. */
char *openapi_from_yaml(const char *yaml, size_t len, GError **error) MUST_CHECK;
