/* Auth: which API keys there are. A file holds the SHA-256 of each key in hex, one a line,
 * optionally followed by a name for people; '#' begins a comment. The keys themselves are nowhere.
 * Immutable after opening; any thread.
 *
 *   printf %s "$KEY" | sha256sum    ->    9f86d081884c7d65...  grafana */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/context.h"
#include "base/error.h"

#define AUTH_KEYS_MAX       10000
#define AUTH_FILE_BYTES_MAX ((size_t)1024 * 1024)
#define AUTH_KEY_BYTES_MAX  256

struct auth;

/* From serve.api_keys_file; empty: no key is asked for, but then serve.host must be a loopback
 * address. CONFIG with file and line. */
struct auth *auth_open(const struct context *context, GError **error) MUST_CHECK;
void auth_close(struct auth *auth); /* accepts NULL */

/* Whether requests need a key. */
bool auth_needed(const struct auth *auth);

/* The number of the key (0 .. auth_count - 1), or -1 where nobody has it. */
int auth_check(const struct auth *auth, const char *key);
size_t auth_count(const struct auth *auth);
