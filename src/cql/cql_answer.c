/* The reading side of cql_message.h. */
#include "cql/cql_message.h"

#define FLAG_TRACING        0x02
#define FLAG_CUSTOM_PAYLOAD 0x04
#define FLAG_WARNING        0x08
#define FLAG_COMPRESSED     0x01
#define UUID_BYTES          16

#define RESULT_VOID          1
#define RESULT_ROWS          2
#define RESULT_SET_KEYSPACE  3
#define RESULT_PREPARED      4
#define RESULT_SCHEMA_CHANGE 5

#define ROWS_GLOBAL_TABLE     0x0001
#define ROWS_MORE_PAGES       0x0002
#define ROWS_NO_METADATA      0x0004
#define ROWS_METADATA_CHANGED 0x0008

#define TYPE_CUSTOM 0x0000
#define TYPE_LIST   0x0020
#define TYPE_MAP    0x0021
#define TYPE_UDT    0x0030
#define TYPE_TUPLE  0x0031
/* Types nest; a deeper one than this is no table of ours. */
#define TYPE_DEPTH_MAX 8

static const struct {
    int32_t code;
    const char *name;
} failure_names[] = {
    {CQL_ERROR_SERVER, "Server error"},
    {CQL_ERROR_PROTOCOL, "Protocol error"},
    {CQL_ERROR_CREDENTIALS, "Authentication error"},
    {CQL_ERROR_UNAVAILABLE, "Unavailable"},
    {CQL_ERROR_OVERLOADED, "Overloaded"},
    {CQL_ERROR_BOOTSTRAPPING, "Is_bootstrapping"},
    {CQL_ERROR_TRUNCATE, "Truncate_error"},
    {CQL_ERROR_WRITE_TIMEOUT, "Write_timeout"},
    {CQL_ERROR_READ_TIMEOUT, "Read_timeout"},
    {CQL_ERROR_READ_FAILURE, "Read_failure"},
    {CQL_ERROR_FUNCTION_FAILURE, "Function_failure"},
    {CQL_ERROR_WRITE_FAILURE, "Write_failure"},
    {CQL_ERROR_CDC_WRITE_FAILURE, "CDC_write_failure"},
    {CQL_ERROR_CAS_UNKNOWN, "CAS_write_unknown"},
    {CQL_ERROR_SYNTAX, "Syntax_error"},
    {CQL_ERROR_UNAUTHORIZED, "Unauthorized"},
    {CQL_ERROR_INVALID, "Invalid"},
    {CQL_ERROR_CONFIG, "Config_error"},
    {CQL_ERROR_ALREADY_EXISTS, "Already_exists"},
    {CQL_ERROR_UNPREPARED, "Unprepared"},
};

const char *cql_failure_name(int32_t code)
{
    for (size_t i = 0; i < G_N_ELEMENTS(failure_names); i++)
        if (failure_names[i].code == code)
            return failure_names[i].name;
    return "an error that the protocol doesn't name";
}

/* What may stand before the message: the tracing id, warnings, a custom payload. */
static void skip_extras(struct cql_reader *reader, uint8_t flags)
{
    if (flags & FLAG_TRACING)
        cql_read_raw(reader, UUID_BYTES);
    if (flags & FLAG_WARNING)
        for (uint16_t left = cql_read_short(reader); left > 0 && !reader->failed; left--)
            cql_read_string(reader);
    if (flags & FLAG_CUSTOM_PAYLOAD)
        for (uint16_t left = cql_read_short(reader); left > 0 && !reader->failed; left--) {
            cql_read_string(reader);
            cql_read_bytes(reader);
        }
}

static void read_failure(struct cql_reader *reader, struct cql_failure *failure)
{
    failure->code = cql_read_int(reader);
    failure->text = cql_read_string(reader);
    switch (failure->code) {
    case CQL_ERROR_UNAVAILABLE:
        failure->consistency = cql_read_short(reader);
        failure->required = cql_read_int(reader);
        failure->answered = cql_read_int(reader);
        break;
    case CQL_ERROR_READ_TIMEOUT:
        failure->consistency = cql_read_short(reader);
        failure->answered = cql_read_int(reader);
        failure->required = cql_read_int(reader);
        failure->data_present = cql_read_u8(reader) != 0;
        break;
    case CQL_ERROR_WRITE_TIMEOUT:
    case CQL_ERROR_READ_FAILURE:
    case CQL_ERROR_WRITE_FAILURE:
    case CQL_ERROR_CAS_UNKNOWN:
        failure->consistency = cql_read_short(reader);
        failure->answered = cql_read_int(reader);
        failure->required = cql_read_int(reader);
        break; /* what follows differs by version, and nothing depends on it */
    case CQL_ERROR_UNPREPARED:
        failure->unprepared_id = cql_read_string(reader);
        break;
    default:
        break;
    }
}

static uint16_t read_type(struct cql_reader *reader, int depth)
{
    uint16_t type = cql_read_short(reader);
    if (depth > TYPE_DEPTH_MAX)
        reader->failed = true;
    if (reader->failed)
        return 0;
    switch (type) {
    case TYPE_CUSTOM:
        cql_read_string(reader);
        break;
    case TYPE_LIST:
    case CQL_TYPE_SET:
        read_type(reader, depth + 1);
        break;
    case TYPE_MAP:
        read_type(reader, depth + 1);
        read_type(reader, depth + 1);
        break;
    case TYPE_UDT:
        cql_read_string(reader);
        cql_read_string(reader);
        for (uint16_t left = cql_read_short(reader); left > 0 && !reader->failed; left--) {
            cql_read_string(reader);
            read_type(reader, depth + 1);
        }
        break;
    case TYPE_TUPLE:
        for (uint16_t left = cql_read_short(reader); left > 0 && !reader->failed; left--)
            read_type(reader, depth + 1);
        break;
    default:
        break;
    }
    return type;
}

/* Their table's name, in front of all or of each; then name and type. */
static struct cql_column *
read_columns(struct cql_reader *reader, bool global, size_t count, struct arena *arena)
{
    struct cql_column *columns = arena_array(arena, struct cql_column, count + 1);
    if (global) {
        cql_read_string(reader);
        cql_read_string(reader);
    }
    for (size_t i = 0; i < count && !reader->failed; i++) {
        if (!global) {
            cql_read_string(reader);
            cql_read_string(reader);
        }
        columns[i].name = cql_read_string(reader);
        columns[i].type = read_type(reader, 0);
    }
    return columns;
}

static bool read_count(struct cql_reader *reader, size_t *ret_count, GError **error)
{
    int32_t count = cql_read_int(reader);
    if (count < 0 || count > CQL_COLUMNS_MAX) {
        error_set(error, BADDATA, "an answer has %d columns, at most %d are taken", count,
                  CQL_COLUMNS_MAX);
        return false;
    }
    *ret_count = (size_t)count;
    return true;
}

static bool
read_metadata(struct cql_reader *reader, struct arena *arena, struct cql_rows *rows, GError **error)
{
    int32_t flags = cql_read_int(reader);
    if (!read_count(reader, &rows->column_count, error))
        return false;
    rows->more = flags & ROWS_MORE_PAGES;
    if (rows->more)
        rows->paging_state = cql_read_bytes(reader);
    if (flags & ROWS_METADATA_CHANGED)
        cql_read_string(reader);
    if (!(flags & ROWS_NO_METADATA))
        rows->columns = read_columns(reader, flags & ROWS_GLOBAL_TABLE, rows->column_count, arena);
    return true;
}

static bool next_cell(struct cql_reader *reader, struct cql_cell *cell)
{
    int32_t len = cql_read_int(reader);
    cell->len = MAX(len, -1);
    cell->data = len > 0 ? cql_read_raw(reader, (size_t)len) : NULL;
    return !reader->failed;
}

/* Goes over all cells once, so that reading them later can't run over the end. */
static bool
read_rows(struct cql_reader *reader, struct arena *arena, struct cql_rows *rows, GError **error)
{
    if (!read_metadata(reader, arena, rows, error))
        return false;
    rows->left = cql_read_int(reader);
    if (reader->failed)
        return true; /* the caller says so */
    if (rows->left < 0 || (rows->column_count == 0 && rows->left > 0)) {
        error_set(error, BADDATA, "an answer claims %d rows of %zu columns", rows->left,
                  rows->column_count);
        return false;
    }
    rows->reader = *reader;
    struct cql_cell cell;
    for (int32_t row = 0; row < rows->left && !reader->failed; row++)
        for (size_t i = 0; i < rows->column_count && next_cell(reader, &cell); i++)
            ;
    return true;
}

static bool read_prepared(struct cql_reader *reader,
                          int version,
                          struct arena *arena,
                          struct cql_prepared *prepared,
                          GError **error)
{
    prepared->id = cql_read_string(reader);
    if (version >= 5)
        prepared->metadata_id = cql_read_string(reader);
    int32_t flags = cql_read_int(reader);
    if (!read_count(reader, &prepared->marker_count, error) ||
        !read_count(reader, &prepared->key_count, error))
        return false;
    prepared->key = arena_array(arena, uint16_t, prepared->key_count + 1);
    for (size_t i = 0; i < prepared->key_count; i++) {
        prepared->key[i] = cql_read_short(reader);
        if (prepared->key[i] >= prepared->marker_count && !reader->failed) {
            error_set(error, BADDATA, "marker %u of %zu is said to be part of the key",
                      prepared->key[i], prepared->marker_count);
            return false;
        }
    }
    prepared->markers =
        read_columns(reader, flags & ROWS_GLOBAL_TABLE, prepared->marker_count, arena);
    if (prepared->id.len == 0 && !reader->failed) {
        error_set(error, BADDATA, "a prepared statement has no id");
        return false;
    }
    return true; /* the result's columns follow; each answer carries them itself */
}

static bool read_result(struct cql_reader *reader,
                        int version,
                        struct arena *arena,
                        struct cql_answer *answer,
                        GError **error)
{
    int32_t kind = cql_read_int(reader);
    switch (kind) {
    case RESULT_VOID:
    case RESULT_SET_KEYSPACE:
    case RESULT_SCHEMA_CHANGE:
        answer->kind = CQL_ANSWER_VOID;
        return true;
    case RESULT_ROWS:
        answer->kind = CQL_ANSWER_ROWS;
        return read_rows(reader, arena, &answer->rows, error);
    case RESULT_PREPARED:
        answer->kind = CQL_ANSWER_PREPARED;
        return read_prepared(reader, version, arena, &answer->prepared, error);
    default:
        error_set(error, BADDATA, "a result of kind %d, expected 1 to 5", kind);
        return false;
    }
}

static enum cql_answer_kind read_event(struct cql_reader *reader)
{
    struct cql_span type = cql_read_string(reader);
    static const char *const followed[] = {"TOPOLOGY_CHANGE", "STATUS_CHANGE"};
    for (size_t i = 0; i < G_N_ELEMENTS(followed); i++)
        if (type.len == strlen(followed[i]) && memcmp(type.data, followed[i], type.len) == 0)
            return CQL_ANSWER_TOPOLOGY;
    return CQL_ANSWER_OTHER;
}

static bool read_message(const struct cql_envelope *envelope,
                         struct cql_reader *reader,
                         struct arena *arena,
                         struct cql_answer *answer,
                         GError **error)
{
    switch (envelope->opcode) {
    case CQL_OP_ERROR:
        answer->kind = CQL_ANSWER_FAILURE;
        read_failure(reader, &answer->failure);
        return true;
    case CQL_OP_READY:
        answer->kind = CQL_ANSWER_READY;
        return true;
    case CQL_OP_AUTHENTICATE:
        answer->kind = CQL_ANSWER_AUTHENTICATE;
        answer->authenticator = cql_read_string(reader);
        return true;
    case CQL_OP_AUTH_SUCCESS:
        answer->kind = CQL_ANSWER_AUTH_SUCCESS;
        return true;
    case CQL_OP_SUPPORTED:
        answer->kind = CQL_ANSWER_SUPPORTED;
        return true;
    case CQL_OP_EVENT:
        answer->kind = read_event(reader);
        return true;
    case CQL_OP_RESULT:
        return read_result(reader, envelope->version & 0x7F, arena, answer, error);
    case CQL_OP_AUTH_CHALLENGE:
        error_set(error, BADDATA,
                  "the server asks a further question to log in, which only PLAIN's user and "
                  "password can't answer: use PasswordAuthenticator");
        return false;
    default:
        error_set(error, BADDATA, "opcode 0x%02x isn't an answer's", envelope->opcode);
        return false;
    }
}

bool cql_answer_read(const struct cql_envelope *envelope,
                     struct arena *arena,
                     struct cql_answer *ret_answer,
                     GError **error)
{
    struct cql_answer answer = {0};
    struct cql_reader reader = cql_reader_of(envelope->body, envelope->len);
    if (envelope->flags & FLAG_COMPRESSED) {
        error_set(error, BADDATA, "an answer is compressed, which wasn't asked for");
        return false;
    }
    skip_extras(&reader, envelope->flags);
    if (!read_message(envelope, &reader, arena, &answer, error))
        return false;
    if (reader.failed) {
        error_set(error, BADDATA, "an answer with opcode 0x%02x ends early, after %zu bytes",
                  envelope->opcode, envelope->len);
        return false;
    }
    *ret_answer = answer;
    return true;
}

bool cql_rows_next(struct cql_rows *rows, struct cql_cell *cells)
{
    if (rows->left <= 0)
        return false;
    rows->left--;
    for (size_t i = 0; i < rows->column_count; i++)
        next_cell(&rows->reader, &cells[i]);
    return true;
}
