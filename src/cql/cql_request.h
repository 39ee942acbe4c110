/* Request: one statement or batch on its way, with all it takes to send it again, to another node
 * and in another protocol version. And the prepared statement it executes. */
#pragma once

#include "cql/cql.h"
#include "cql/cql_message.h"
#include "cql/cql_socket.h"

struct cql_statement {
    char *text;
    struct cql_bytes id, metadata_id;
    uint16_t *types; /* of the markers */
    size_t marker_count;
    uint16_t *key; /* indexes of the markers that are the partition key */
    size_t key_count;
};

void cql_statement_free(struct cql_statement *statement); /* accepts NULL */
/* Takes over what the server said about it. */
void cql_statement_learn(struct cql_statement *statement, const struct cql_prepared *prepared);
bool cql_statement_has_id(const struct cql_statement *statement, struct cql_span id);

enum cql_request_kind {
    CQL_REQUEST_TEXT,     /* a statement without markers, not prepared */
    CQL_REQUEST_EXECUTE,  /* one entry */
    CQL_REQUEST_BATCH,    /* several, of one partition */
    CQL_REQUEST_PREPARE,  /* of entry 0's statement; text is that statement's */
    CQL_REQUEST_REGISTER, /* for events */
    CQL_REQUEST_OPTIONS,  /* is it alive? */
};

/* One statement's values within request->values. */
struct cql_entry {
    struct cql_statement *statement;
    size_t start, len;
    uint16_t value_count;
};

struct cql_request {
    /* In the list that holds it: a connection's sent ones, the session's waiting ones. */
    struct cql_request *previous, *next;
    enum cql_request_kind kind;
    struct cql_execute_options options;
    cql_done *done;
    void *user;
    const char *text;
    struct cql_entry *entries;
    size_t entry_count, entry_capacity;
    struct cql_bytes values, paging_state;
    bool has_token;
    int64_t token;
    unsigned tries;    /* repeated for a failure */
    unsigned hops;     /* repeated for a closed connection, or on another node */
    unsigned prepares; /* repeated since a node didn't know its statement */
    size_t node_skip;  /* how many nodes of its ring order are to be passed by */
    int64_t started_ms, sent_ms;
    int16_t stream;
    struct cql_address *answered_by; /* where to note the node that answered; or NULL */
    /* Of a PREPARE on behalf of others: they go on when it is done. */
    struct cql_request *waiting;
};

/* Buffers stay for the next use. */
void cql_request_reset(struct cql_request *request);
void cql_request_free(struct cql_request *request); /* accepts NULL */

/* Binds. FAILED: another number or other types of values than markers; a key part is null. */
bool cql_request_add(struct cql_request *request,
                     struct cql_statement *statement,
                     const struct cql_value *values,
                     size_t count,
                     GError **error) MUST_CHECK;

/* One envelope into out. */
void cql_request_write(const struct cql_request *request, const struct cql_out *out);

/* A list of requests in order; all functions are O(1). */
struct cql_requests {
    struct cql_request *first, *last;
    size_t count;
};

void cql_requests_push(struct cql_requests *list, struct cql_request *request);
void cql_requests_push_front(struct cql_requests *list, struct cql_request *request);
void cql_requests_remove(struct cql_requests *list, struct cql_request *request);
struct cql_request *cql_requests_pop(struct cql_requests *list); /* NULL where it is empty */
