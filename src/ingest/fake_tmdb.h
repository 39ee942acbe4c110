/* Fake TMDB: an HTTP server on 127.0.0.1 that says what a test told it to, and remembers what it
 * was asked; for tests only. Any thread may ask it; one thread sets it up. */
#pragma once

#include <stddef.h>

#include "base/context.h"

struct fake_tmdb;

struct fake_tmdb *fake_tmdb_start(void);
void fake_tmdb_stop(struct fake_tmdb *fake);             /* accepts NULL */
const char *fake_tmdb_url(const struct fake_tmdb *fake); /* "http://127.0.0.1:40001/3" */

/* From now on. path is looked for with its query ("/movie/603/reviews?page=2", without key and
 * as_of), then without. Status 0: says nothing and keeps the connection. An unknown path gets 404
 * with TMDB's code 34. */
void fake_tmdb_set(struct fake_tmdb *fake, const char *path, int status, const char *body);
/* The next count requests of any path get this instead, with Retry-After where it isn't NULL. */
void fake_tmdb_fail(
    struct fake_tmdb *fake, int count, int status, const char *body, const char *retry_after);

/* "/movie/603?page=1 api_key=... Authorization: Bearer ..." in the order in which they came, as it
 * was so far; caller frees with g_strfreev. */
char **fake_tmdb_seen(struct fake_tmdb *fake);
/* How many requests began with this path. */
size_t fake_tmdb_count(struct fake_tmdb *fake, const char *prefix);
