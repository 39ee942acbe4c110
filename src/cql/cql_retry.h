/* Retry: what to do about a failure that the server reports. A table, no state.
 *
 * Repeated is only what is safe: an idempotent statement, or one that the coordinator says it has
 * not begun. Unavailable goes once to the next node (another coordinator may see more replicas), a
 * read time-out once to the same one if enough replicas answered (the data was only late), a closed
 * connection, a server's error and a bootstrapping node once to the next, an unknown statement is
 * prepared again where it was unknown. All else is the caller's, whose batch is idempotent as a
 * whole: AGAIN. Source: the drivers' common policy ("downgrading" left out). */
#pragma once

#include "base/error.h"
#include "cql/cql_message.h"

enum cql_verdict { CQL_GIVE_UP, CQL_RETRY_SAME, CQL_RETRY_NEXT, CQL_PREPARE_AGAIN };

/* tries: how often this request has been repeated for a failure so far. */
enum cql_verdict
cql_retry_decide(const struct cql_failure *failure, bool idempotent, unsigned tries);

/* A failure as a GError: AGAIN where time may mend it, DENIED, CONFLICT, CONFIG or FAILED. */
void cql_failure_set(GError **error, const struct cql_failure *failure, const char *node);
