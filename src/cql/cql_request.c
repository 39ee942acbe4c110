#include "cql/cql_request.h"

#include "cql/cql_murmur3.h"

#define BATCH_ENTRIES_MAX 65535
/* A part of a composite key: its length in 2 bytes, itself, a zero. */
#define KEY_PART_BYTES_MAX 65535

static void bytes_set(struct cql_bytes *bytes, struct cql_span span)
{
    bytes->len = 0;
    cql_put_raw(bytes, span.data, span.len);
}

void cql_statement_free(struct cql_statement *statement)
{
    if (!statement)
        return;
    g_free(statement->text);
    cql_bytes_clear(&statement->id);
    cql_bytes_clear(&statement->metadata_id);
    g_free(statement->types);
    g_free(statement->key);
    g_free(statement);
}

void cql_statement_learn(struct cql_statement *statement, const struct cql_prepared *prepared)
{
    bytes_set(&statement->id, prepared->id);
    bytes_set(&statement->metadata_id, prepared->metadata_id);
    g_free(statement->types);
    statement->types = g_new(uint16_t, prepared->marker_count + 1);
    statement->marker_count = prepared->marker_count;
    for (size_t i = 0; i < prepared->marker_count; i++)
        statement->types[i] = prepared->markers[i].type;
    g_free(statement->key);
    statement->key = g_memdup2(prepared->key, (prepared->key_count + 1) * sizeof *statement->key);
    statement->key_count = prepared->key_count;
}

bool cql_statement_has_id(const struct cql_statement *statement, struct cql_span id)
{
    return statement->id.len == id.len && memcmp(statement->id.data, id.data, id.len) == 0;
}

void cql_request_reset(struct cql_request *request)
{
    struct cql_request kept = {
        .entries = request->entries,
        .entry_capacity = request->entry_capacity,
        .values = request->values,
        .paging_state = request->paging_state,
        .stream = -1,
    };
    kept.values.len = kept.paging_state.len = 0;
    *request = kept;
}

void cql_request_free(struct cql_request *request)
{
    if (!request)
        return;
    g_free(request->entries);
    cql_bytes_clear(&request->values);
    cql_bytes_clear(&request->paging_state);
    g_free(request);
}

static bool check(const struct cql_statement *statement,
                  const struct cql_value *values,
                  size_t count,
                  GError **error)
{
    if (count != statement->marker_count) {
        error_set(error, FAILED, "cassandra: %zu values for %zu markers of: %s", count,
                  statement->marker_count, statement->text);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!cql_value_fits(&values[i], statement->types[i])) {
            error_set(error, FAILED,
                      "cassandra: marker %zu is a %s, and the value bound to it is not: %s", i + 1,
                      cql_type_name(statement->types[i]), statement->text);
            return false;
        }
    return true;
}

/* The value itself, without its length. */
static struct cql_span put_key_part(struct cql_bytes *bytes, const struct cql_value *value)
{
    size_t start = bytes->len;
    cql_put_value(bytes, value);
    return (struct cql_span){bytes->data + start + 4, bytes->len - start - 4};
}

/* A key of one column is that column's value; of several, each with its length and a zero. */
static bool set_token(struct cql_request *request,
                      const struct cql_statement *statement,
                      const struct cql_value *values,
                      GError **error)
{
    struct cql_bytes part = {0}, key = {0};
    bool good = true;
    for (size_t i = 0; i < statement->key_count && good; i++) {
        const struct cql_value *value = &values[statement->key[i]];
        part.len = 0;
        struct cql_span span = put_key_part(&part, value);
        good =
            value->kind != CQL_NULL && value->kind != CQL_UNSET && span.len <= KEY_PART_BYTES_MAX;
        if (!good)
            error_set(error, FAILED,
                      "cassandra: part %zu of the partition key is null or too long: %s", i + 1,
                      statement->text);
        if (statement->key_count > 1)
            cql_put_short(&key, (uint16_t)span.len);
        cql_put_raw(&key, span.data, span.len);
        if (statement->key_count > 1)
            cql_put_u8(&key, 0);
    }
    if (good) {
        request->token = cql_murmur3(key.data, key.len);
        request->has_token = true;
    }
    cql_bytes_clear(&part);
    cql_bytes_clear(&key);
    return good;
}

bool cql_request_add(struct cql_request *request,
                     struct cql_statement *statement,
                     const struct cql_value *values,
                     size_t count,
                     GError **error)
{
    if (!check(statement, values, count, error))
        return false;
    if (request->entry_count >= BATCH_ENTRIES_MAX) {
        error_set(error, FAILED, "cassandra: a batch of more than %d statements",
                  BATCH_ENTRIES_MAX);
        return false;
    }
    if (statement->key_count && !request->has_token &&
        !set_token(request, statement, values, error))
        return false;
    if (request->entry_count == request->entry_capacity) {
        request->entry_capacity = MAX(request->entry_capacity * 2, 1);
        request->entries = g_renew(struct cql_entry, request->entries, request->entry_capacity);
    }
    size_t start = request->values.len;
    for (size_t i = 0; i < count; i++)
        cql_put_value(&request->values, &values[i]);
    request->entries[request->entry_count++] = (struct cql_entry){
        .statement = statement,
        .start = start,
        .len = request->values.len - start,
        .value_count = (uint16_t)count,
    };
    return true;
}

static struct cql_span span_of(const struct cql_bytes *bytes)
{
    return (struct cql_span){bytes->data, bytes->len};
}

static struct cql_span values_of(const struct cql_request *request, const struct cql_entry *entry)
{
    return (struct cql_span){request->values.data ? request->values.data + entry->start : NULL,
                             entry->len};
}

static void write_batch(const struct cql_request *request, const struct cql_out *out)
{
    cql_write_batch_begin(out, (uint16_t)request->entry_count);
    for (size_t i = 0; i < request->entry_count; i++) {
        const struct cql_entry *entry = &request->entries[i];
        cql_write_batch_entry(out, span_of(&entry->statement->id), entry->value_count,
                              values_of(request, entry));
    }
    cql_write_batch_end(out, request->options.consistency);
}

void cql_request_write(const struct cql_request *request, const struct cql_out *out)
{
    struct cql_params params = {
        .consistency = request->options.consistency,
        .page_size = request->options.page_size,
        .conditional = request->options.conditional,
        .paging_state = span_of(&request->paging_state),
    };
    switch (request->kind) {
    case CQL_REQUEST_TEXT:
        cql_write_query(out, request->text, &params);
        return;
    case CQL_REQUEST_EXECUTE: {
        const struct cql_entry *entry = &request->entries[0];
        params.value_count = entry->value_count;
        params.values = values_of(request, entry);
        cql_write_execute(out, span_of(&entry->statement->id),
                          span_of(&entry->statement->metadata_id), &params);
        return;
    }
    case CQL_REQUEST_BATCH:
        write_batch(request, out);
        return;
    case CQL_REQUEST_PREPARE:
        cql_write_prepare(out, request->text);
        return;
    case CQL_REQUEST_REGISTER:
        cql_write_register(out);
        return;
    case CQL_REQUEST_OPTIONS:
        cql_write_options(out);
        return;
    }
}

void cql_requests_push(struct cql_requests *list, struct cql_request *request)
{
    request->next = NULL;
    request->previous = list->last;
    if (list->last)
        list->last->next = request;
    else
        list->first = request;
    list->last = request;
    list->count++;
}

void cql_requests_push_front(struct cql_requests *list, struct cql_request *request)
{
    request->previous = NULL;
    request->next = list->first;
    if (list->first)
        list->first->previous = request;
    else
        list->last = request;
    list->first = request;
    list->count++;
}

void cql_requests_remove(struct cql_requests *list, struct cql_request *request)
{
    if (request->previous)
        request->previous->next = request->next;
    else
        list->first = request->next;
    if (request->next)
        request->next->previous = request->previous;
    else
        list->last = request->previous;
    request->previous = request->next = NULL;
    list->count--;
}

struct cql_request *cql_requests_pop(struct cql_requests *list)
{
    struct cql_request *first = list->first;
    if (first)
        cql_requests_remove(list, first);
    return first;
}
