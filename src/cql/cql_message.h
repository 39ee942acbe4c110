/* Messages: the bodies of requests and answers, of protocol versions 4 and 5. Knows no socket.
 *
 * What differs: version 5 has 4 bytes of flags in QUERY, EXECUTE and BATCH (version 4 has one), a
 * word of flags behind PREPARE's text, an id of the result's columns in EXECUTE and in the answer
 * to PREPARE, and a map of causes where version 4 has a number of failures. Source: the native
 * protocol's texts, native_protocol_v4.spec and _v5.spec. */
#pragma once

#include "base/arena.h"
#include "cql/cql_frame.h"
#include "cql/cql_value.h"

#define CQL_VERSION_LEAST    4
#define CQL_VERSION_MOST     5
#define CQL_LANGUAGE_VERSION "3.0.0" /* of the language, in STARTUP */

enum cql_opcode {
    CQL_OP_ERROR = 0x00,
    CQL_OP_STARTUP = 0x01,
    CQL_OP_READY = 0x02,
    CQL_OP_AUTHENTICATE = 0x03,
    CQL_OP_OPTIONS = 0x05,
    CQL_OP_SUPPORTED = 0x06,
    CQL_OP_QUERY = 0x07,
    CQL_OP_RESULT = 0x08,
    CQL_OP_PREPARE = 0x09,
    CQL_OP_EXECUTE = 0x0A,
    CQL_OP_REGISTER = 0x0B,
    CQL_OP_EVENT = 0x0C,
    CQL_OP_BATCH = 0x0D,
    CQL_OP_AUTH_CHALLENGE = 0x0E,
    CQL_OP_AUTH_RESPONSE = 0x0F,
    CQL_OP_AUTH_SUCCESS = 0x10,
};

enum cql_consistency {
    CQL_ONE = 0x0001,
    CQL_QUORUM = 0x0004,
    CQL_LOCAL_QUORUM = 0x0006,
    CQL_SERIAL = 0x0008,
    CQL_LOCAL_SERIAL = 0x0009,
    CQL_LOCAL_ONE = 0x000A,
};

/* ---- requests: each writes one envelope ---- */

struct cql_out {
    struct cql_outbound *outbound;
    int version; /* 4 or 5 */
    int16_t stream;
};

void cql_write_options(const struct cql_out *out);
void cql_write_startup(const struct cql_out *out);
/* SASL PLAIN: NUL user NUL password. */
void cql_write_auth_response(const struct cql_out *out, const char *user, const char *password);
void cql_write_register(const struct cql_out *out); /* for changes of topology and status */
void cql_write_prepare(const struct cql_out *out, const char *text);

struct cql_params {
    enum cql_consistency consistency;
    uint16_t value_count;
    struct cql_span values; /* cql_put_value, one after another */
    int32_t page_size;      /* 0: all rows at once */
    struct cql_span paging_state;
    bool conditional; /* the serial part of a conditional update is LOCAL_SERIAL */
};

void cql_write_query(const struct cql_out *out, const char *text, const struct cql_params *params);
/* metadata_id: of the answer to PREPARE; version 5 only. */
void cql_write_execute(const struct cql_out *out,
                       struct cql_span id,
                       struct cql_span metadata_id,
                       const struct cql_params *params);

/* An unlogged batch: begin, then each entry, then end. */
void cql_write_batch_begin(const struct cql_out *out, uint16_t count);
void cql_write_batch_entry(const struct cql_out *out,
                           struct cql_span id,
                           uint16_t value_count,
                           struct cql_span values);
void cql_write_batch_end(const struct cql_out *out, enum cql_consistency consistency);

/* ---- answers ---- */

enum cql_error_code {
    CQL_ERROR_SERVER = 0x0000,
    CQL_ERROR_PROTOCOL = 0x000A,
    CQL_ERROR_CREDENTIALS = 0x0100,
    CQL_ERROR_UNAVAILABLE = 0x1000,
    CQL_ERROR_OVERLOADED = 0x1001,
    CQL_ERROR_BOOTSTRAPPING = 0x1002,
    CQL_ERROR_TRUNCATE = 0x1003,
    CQL_ERROR_WRITE_TIMEOUT = 0x1100,
    CQL_ERROR_READ_TIMEOUT = 0x1200,
    CQL_ERROR_READ_FAILURE = 0x1300,
    CQL_ERROR_FUNCTION_FAILURE = 0x1400,
    CQL_ERROR_WRITE_FAILURE = 0x1500,
    CQL_ERROR_CDC_WRITE_FAILURE = 0x1600,
    CQL_ERROR_CAS_UNKNOWN = 0x1700,
    CQL_ERROR_SYNTAX = 0x2000,
    CQL_ERROR_UNAUTHORIZED = 0x2100,
    CQL_ERROR_INVALID = 0x2200,
    CQL_ERROR_CONFIG = 0x2300,
    CQL_ERROR_ALREADY_EXISTS = 0x2400,
    CQL_ERROR_UNPREPARED = 0x2500,
};

struct cql_failure {
    int32_t code;
    struct cql_span text;
    uint16_t consistency;
    int32_t answered; /* replicas alive (unavailable), or that answered */
    int32_t required;
    bool data_present; /* read time-out */
    struct cql_span unprepared_id;
};

/* "Unavailable", "Read_timeout" ... as in the protocol's text. */
const char *cql_failure_name(int32_t code);

struct cql_column {
    struct cql_span name;
    uint16_t type;
};

/* The protocol's limit for a row is far above; ours is what a row of cells may take on the stack.
 */
#define CQL_COLUMNS_MAX 64

struct cql_rows {
    struct cql_column *columns;
    size_t column_count;
    bool more; /* there are further pages */
    struct cql_span paging_state;
    int32_t left; /* rows not yet read */
    struct cql_reader reader;
};

struct cql_prepared {
    struct cql_span id, metadata_id;
    struct cql_column *markers;
    size_t marker_count;
    uint16_t *key; /* indexes of the markers that are the partition key, in its order */
    size_t key_count;
};

enum cql_answer_kind {
    CQL_ANSWER_VOID, /* also set keyspace and schema change */
    CQL_ANSWER_ROWS,
    CQL_ANSWER_PREPARED,
    CQL_ANSWER_FAILURE,
    CQL_ANSWER_READY,
    CQL_ANSWER_AUTHENTICATE,
    CQL_ANSWER_AUTH_SUCCESS,
    CQL_ANSWER_SUPPORTED,
    CQL_ANSWER_TOPOLOGY, /* an event: nodes have come, gone or changed their state */
    CQL_ANSWER_OTHER,    /* an event that we don't follow */
};

/* Spans point into the envelope; columns and key live in the arena. */
struct cql_answer {
    enum cql_answer_kind kind;
    struct cql_failure failure;
    struct cql_rows rows;
    struct cql_prepared prepared;
    struct cql_span authenticator;
};

/* BADDATA: not what the protocol says, or more than our limits. */
bool cql_answer_read(const struct cql_envelope *envelope,
                     struct arena *arena,
                     struct cql_answer *ret_answer,
                     GError **error) MUST_CHECK;

/* The next row into cells[column_count]; false where there is none. The rows were checked when the
 * answer was read, so this can't fail. */
bool cql_rows_next(struct cql_rows *rows, struct cql_cell *cells);
