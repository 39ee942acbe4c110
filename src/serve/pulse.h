/* Pulse: what the page's event stream says, made once an interval for all clients.
 *
 *   pulse thread: views, metrics ─► the last event of each kind ─┐ lock ┌─► stream 1
 *   (only while somebody listens)     (pulse_data.h)             └──────┴─► stream 2 ...
 *
 * The streams are fed on the HTTP server's event thread, which must not block: it only copies
 * what is there. */
#pragma once

#include <glib.h>

#include "base/error.h"

struct pulse;
struct serve;

struct pulse *pulse_start(struct serve *serve, GError **error) MUST_CHECK;
void pulse_stop(struct pulse *pulse); /* accepts NULL; no stream may be open any more */

/* One listener. Opened by a worker, then owned by the event thread. */
struct listener;
struct listener *listener_open(struct pulse *pulse);
/* Appends the last event of each kind that this listener hasn't had. */
void listener_next(void *listener, GString *out);
void listener_close(void *listener);
