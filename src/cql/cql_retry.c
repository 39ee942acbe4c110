#include "cql/cql_retry.h"

#define TRIES_MAX 1 /* once, whatever the reason */

enum cql_verdict
cql_retry_decide(const struct cql_failure *failure, bool idempotent, unsigned tries)
{
    if (failure->code == CQL_ERROR_UNPREPARED)
        return CQL_PREPARE_AGAIN;
    if (tries >= TRIES_MAX)
        return CQL_GIVE_UP;
    switch (failure->code) {
    case CQL_ERROR_UNAVAILABLE:
    case CQL_ERROR_BOOTSTRAPPING:
        return CQL_RETRY_NEXT; /* nothing was begun */
    case CQL_ERROR_SERVER:
        return idempotent ? CQL_RETRY_NEXT : CQL_GIVE_UP;
    case CQL_ERROR_READ_TIMEOUT:
        return idempotent && failure->answered >= failure->required ? CQL_RETRY_SAME : CQL_GIVE_UP;
    default:
        return CQL_GIVE_UP;
    }
}

static enum marquee_error code_of(int32_t code)
{
    switch (code) {
    case CQL_ERROR_SERVER:
    case CQL_ERROR_UNAVAILABLE:
    case CQL_ERROR_OVERLOADED:
    case CQL_ERROR_BOOTSTRAPPING:
    case CQL_ERROR_TRUNCATE:
    case CQL_ERROR_WRITE_TIMEOUT:
    case CQL_ERROR_READ_TIMEOUT:
    case CQL_ERROR_READ_FAILURE:
    case CQL_ERROR_WRITE_FAILURE:
    case CQL_ERROR_CDC_WRITE_FAILURE:
    case CQL_ERROR_CAS_UNKNOWN:
    case CQL_ERROR_UNPREPARED:
        return MARQUEE_ERROR_AGAIN;
    case CQL_ERROR_CREDENTIALS:
    case CQL_ERROR_UNAUTHORIZED:
        return MARQUEE_ERROR_DENIED;
    case CQL_ERROR_ALREADY_EXISTS:
        return MARQUEE_ERROR_CONFLICT;
    case CQL_ERROR_CONFIG:
        return MARQUEE_ERROR_CONFIG;
    default:
        return MARQUEE_ERROR_FAILED;
    }
}

void cql_failure_set(GError **error, const struct cql_failure *failure, const char *node)
{
    g_autofree char *raw = g_strndup((const char *)failure->text.data, failure->text.len);
    g_autofree char *text = g_utf8_make_valid(raw ? raw : "", -1);
    g_autofree char *replicas =
        failure->required
            ? g_strdup_printf(" (replicas: %d of %d)", failure->answered, failure->required)
            : g_strdup("");
    g_set_error(error, MARQUEE_ERROR, (gint)code_of(failure->code), "cassandra %s: %s%s: %s", node,
                cql_failure_name(failure->code), replicas, text);
}
