/* Metrics server: /metrics of a role that has no API. */
#pragma once

#include "base/context.h"
#include "base/error.h"
#include "net/http_server.h"

/* Listens where metrics.listen says; *ret_server is NULL where that is empty. CONFIG: no host:port.
 * End it with http_server_stop. */
bool metrics_server_start(const struct context *context,
                          struct http_server **ret_server,
                          GError **error) MUST_CHECK;
