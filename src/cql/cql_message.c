/* The writing side; cql_answer.c reads. */
#include "cql/cql_message.h"

#define FLAG_VALUES             0x01
#define FLAG_PAGE_SIZE          0x04
#define FLAG_PAGING_STATE       0x08
#define FLAG_SERIAL_CONSISTENCY 0x10

#define BATCH_UNLOGGED      1
#define BATCH_ENTRY_BY_ID   1
#define PREPARE_WITHOUT_ANY 0 /* version 5's flags behind the text */

static struct cql_bytes *begin(const struct cql_out *out, enum cql_opcode opcode)
{
    cql_outbound_begin(out->outbound, (uint8_t)out->version, 0, out->stream, (uint8_t)opcode);
    return &out->outbound->bytes;
}

static void end(const struct cql_out *out)
{
    cql_outbound_end(out->outbound);
}

static void put_span16(struct cql_bytes *bytes, struct cql_span span)
{
    g_assert(span.len <= UINT16_MAX);
    cql_put_short(bytes, (uint16_t)span.len);
    cql_put_raw(bytes, span.data, span.len);
}

static void put_long_string(struct cql_bytes *bytes, const char *text)
{
    size_t len = strlen(text);
    g_assert(len <= INT32_MAX);
    cql_put_int(bytes, (int32_t)len);
    cql_put_raw(bytes, text, len);
}

static void put_flags(const struct cql_out *out, uint8_t flags)
{
    if (out->version >= 5)
        cql_put_int(&out->outbound->bytes, flags);
    else
        cql_put_u8(&out->outbound->bytes, flags);
}

void cql_write_options(const struct cql_out *out)
{
    begin(out, CQL_OP_OPTIONS);
    end(out);
}

void cql_write_startup(const struct cql_out *out)
{
    struct cql_bytes *bytes = begin(out, CQL_OP_STARTUP);
    cql_put_short(bytes, 3);
    cql_put_string(bytes, "CQL_VERSION");
    cql_put_string(bytes, CQL_LANGUAGE_VERSION);
    cql_put_string(bytes, "DRIVER_NAME");
    cql_put_string(bytes, "marquee");
    cql_put_string(bytes, "DRIVER_VERSION");
    cql_put_string(bytes, MARQUEE_VERSION);
    end(out);
}

void cql_write_auth_response(const struct cql_out *out, const char *user, const char *password)
{
    struct cql_bytes *bytes = begin(out, CQL_OP_AUTH_RESPONSE);
    size_t user_len = strlen(user), password_len = strlen(password);
    g_assert(user_len + password_len + 2 <= INT32_MAX);
    cql_put_int(bytes, (int32_t)(user_len + password_len + 2));
    cql_put_u8(bytes, 0);
    cql_put_raw(bytes, user, user_len);
    cql_put_u8(bytes, 0);
    cql_put_raw(bytes, password, password_len);
    end(out);
}

void cql_write_register(const struct cql_out *out)
{
    struct cql_bytes *bytes = begin(out, CQL_OP_REGISTER);
    cql_put_short(bytes, 2);
    cql_put_string(bytes, "TOPOLOGY_CHANGE");
    cql_put_string(bytes, "STATUS_CHANGE");
    end(out);
}

void cql_write_prepare(const struct cql_out *out, const char *text)
{
    struct cql_bytes *bytes = begin(out, CQL_OP_PREPARE);
    put_long_string(bytes, text);
    if (out->version >= 5)
        cql_put_int(bytes, PREPARE_WITHOUT_ANY);
    end(out);
}

static void put_params(const struct cql_out *out, const struct cql_params *params)
{
    struct cql_bytes *bytes = &out->outbound->bytes;
    cql_put_short(bytes, (uint16_t)params->consistency);
    put_flags(out, (uint8_t)((params->value_count ? FLAG_VALUES : 0) |
                             (params->page_size ? FLAG_PAGE_SIZE : 0) |
                             (params->paging_state.len ? FLAG_PAGING_STATE : 0) |
                             (params->conditional ? FLAG_SERIAL_CONSISTENCY : 0)));
    if (params->value_count) {
        cql_put_short(bytes, params->value_count);
        cql_put_raw(bytes, params->values.data, params->values.len);
    }
    if (params->page_size)
        cql_put_int(bytes, params->page_size);
    if (params->paging_state.len) {
        cql_put_int(bytes, (int32_t)params->paging_state.len);
        cql_put_raw(bytes, params->paging_state.data, params->paging_state.len);
    }
    if (params->conditional)
        cql_put_short(bytes, CQL_LOCAL_SERIAL);
}

void cql_write_query(const struct cql_out *out, const char *text, const struct cql_params *params)
{
    put_long_string(begin(out, CQL_OP_QUERY), text);
    put_params(out, params);
    end(out);
}

void cql_write_execute(const struct cql_out *out,
                       struct cql_span id,
                       struct cql_span metadata_id,
                       const struct cql_params *params)
{
    struct cql_bytes *bytes = begin(out, CQL_OP_EXECUTE);
    put_span16(bytes, id);
    if (out->version >= 5)
        put_span16(bytes, metadata_id);
    put_params(out, params);
    end(out);
}

void cql_write_batch_begin(const struct cql_out *out, uint16_t count)
{
    struct cql_bytes *bytes = begin(out, CQL_OP_BATCH);
    cql_put_u8(bytes, BATCH_UNLOGGED);
    cql_put_short(bytes, count);
}

void cql_write_batch_entry(const struct cql_out *out,
                           struct cql_span id,
                           uint16_t value_count,
                           struct cql_span values)
{
    struct cql_bytes *bytes = &out->outbound->bytes;
    cql_put_u8(bytes, BATCH_ENTRY_BY_ID);
    put_span16(bytes, id);
    cql_put_short(bytes, value_count);
    cql_put_raw(bytes, values.data, values.len);
}

void cql_write_batch_end(const struct cql_out *out, enum cql_consistency consistency)
{
    cql_put_short(&out->outbound->bytes, (uint16_t)consistency);
    put_flags(out, 0);
    end(out);
}
