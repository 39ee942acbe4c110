/* Serve: the HTTP API, the event stream and the dashboard, over the view store.
 *
 *   request ─► auth, limits ─► handler (routes.c) ─► cache? ─► merge ─► JSON with meta
 *
 * It reads views and writes nothing. Everything that answers is owned by struct serve; each worker
 * of the HTTP server has its own view handle. */
#pragma once

#include <stdbool.h>

#include "base/context.h"
#include "base/error.h"

struct serve;

/* Listens on serve.host and serve.port. CONFIG: an address that can be reached from outside and no
 * API keys, a broken key file, a port in use. */
struct serve *serve_start(const struct context *context, GError **error) MUST_CHECK;
int serve_port(const struct serve *serve);
void serve_stop(struct serve *serve); /* accepts NULL */

/* The stage: starts, says where it listens, and serves until stop is requested. */
bool serve_run(const struct context *context, GError **error) MUST_CHECK;
