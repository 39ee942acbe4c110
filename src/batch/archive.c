#include "batch/archive.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "base/embedded.h"
#include "base/failpoint.h"
#include "batch/bronze.h"
#include "batch/engine_duckdb.h"
#include "batch/tables.h"
#include "bus/registry.h"
#include "bus/serde.h"
#include "lake/raw_store.h"
#include "model/topic.h"

#define FETCH_BYTES            ((size_t)4 * 1024 * 1024)
#define DECODE_ERROR_BYTES_MAX 1024
#define ENUM_SYMBOLS_MAX       64
#define RECORD_BYTES_MAX       512 /* of any record's struct */

struct source {
    enum topic topic;
    const struct bronze_table *table;
};

static const struct source sources[] = {
    {TOPIC_RATINGS, &bronze_ratings},
    {TOPIC_METADATA, &bronze_metadata},
    {TOPIC_REVIEWS, &bronze_reviews},
    {TOPIC_EVENTS, &bronze_events},
};

struct archive {
    struct lake *lake;
    struct bus *bus;
    struct registry *registry;
    struct serde *serde;
    struct engine *engine;
    struct arena *arena; /* of one fetch, then one record */
    duckdb_appender appender;
};

/* ---- rows into DuckDB ---- */

static bool appender_error(struct archive *archive, const char *what, GError **error)
{
    const char *text = duckdb_appender_error(archive->appender);
    error_set(error, FAILED, "archive: %s: %s", what, text ? text : "no reason given");
    return false;
}

static bool open_incoming(struct archive *archive, const struct bronze_table *table, GError **error)
{
    if (!engine_table(archive->engine, "incoming", table->columns_path, NULL, NULL, error))
        return false;
    duckdb_connection connection = engine_duckdb_session(archive->engine)->connection;
    if (duckdb_appender_create_ext(connection, "temp", NULL, "incoming", &archive->appender) ==
        DuckDBError) {
        appender_error(archive, table->name, error);
        duckdb_appender_destroy(&archive->appender);
        return false;
    }
    return true;
}

static bool
close_incoming(struct archive *archive, const struct bronze_table *table, GError **error)
{
    bool done = duckdb_appender_close(archive->appender) == DuckDBSuccess ||
                appender_error(archive, table->name, error);
    duckdb_appender_destroy(&archive->appender);
    return done;
}

static duckdb_state append_span(duckdb_appender appender, struct span text)
{
    return duckdb_append_varchar_length(appender, text.len ? text.data : "", text.len);
}

static duckdb_state
append_strings(duckdb_appender appender, const struct span *strings, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array,
                              json_stringn(strings[i].len ? strings[i].data : "", strings[i].len));
    char *text = json_dumps(array, JSON_COMPACT);
    duckdb_state state = duckdb_append_varchar(appender, text);
    free(text);
    json_decref(array);
    return state;
}

/* The symbols of the contract's one enum field; the record holds its index in them. */
static bool read_symbols(const struct topic_info *info, GPtrArray *symbols)
{
    size_t len;
    const char *text = embedded_text(info->schema_path, &len);
    json_t *schema = json_loadb(text, len, 0, NULL);
    json_t *field, *symbol;
    size_t i, j;
    json_array_foreach(json_object_get(schema, "fields"), i, field)
    {
        json_array_foreach(json_object_get(json_object_get(field, "type"), "symbols"), j, symbol)
            g_ptr_array_add(symbols, g_strdup(json_string_value(symbol)));
    }
    json_decref(schema);
    return symbols->len <= ENUM_SYMBOLS_MAX;
}

static duckdb_state append_field(duckdb_appender appender,
                                 const struct record_field *field,
                                 const char *record,
                                 const GPtrArray *symbols)
{
    const char *at = record + field->offset;
    bool optional = field->extra_offset != SIZE_MAX && field->kind != FIELD_STRINGS &&
                    field->kind != FIELD_RECORDS;
    if (optional && !*(const bool *)(record + field->extra_offset))
        return duckdb_append_null(appender);
    switch (field->kind) {
    case FIELD_INT:
        return duckdb_append_int32(appender, *(const int32_t *)at);
    case FIELD_LONG:
        return duckdb_append_int64(appender, *(const int64_t *)at);
    case FIELD_DOUBLE:
        return duckdb_append_double(appender, *(const double *)at);
    case FIELD_STRING:
        return append_span(appender, *(const struct span *)at);
    case FIELD_BYTES: {
        const struct span *bytes = (const struct span *)at;
        return duckdb_append_blob(appender, bytes->data, bytes->len);
    }
    case FIELD_ENUM:
        return duckdb_append_varchar(appender, symbols->pdata[*(const int32_t *)at]);
    case FIELD_STRINGS:
        return append_strings(appender, *(struct span *const *)at,
                              *(const size_t *)(record + field->extra_offset));
    case FIELD_RECORDS: /* none of the archived topics has one */
        return duckdb_append_null(appender);
    }
    return DuckDBError;
}

static duckdb_state append_blob(duckdb_appender appender, struct span bytes)
{
    return bytes.data ? duckdb_append_blob(appender, bytes.data, bytes.len)
                      : duckdb_append_null(appender);
}

static bool append_record(struct archive *archive,
                          const struct topic_info *info,
                          const GPtrArray *symbols,
                          int partition,
                          const struct bus_record *record,
                          GError **error)
{
    _Alignas(max_align_t) char decoded[RECORD_BYTES_MAX];
    g_assert(info->type->size <= sizeof decoded);
    g_autoptr(GError) trouble = NULL;
    bool readable =
        serde_decode(archive->serde, info->id, record->value, archive->arena, decoded, &trouble);
    if (!readable && !error_is(trouble, BADDATA)) {
        g_propagate_error(error, g_steal_pointer(&trouble));
        return false;
    }
    duckdb_appender appender = archive->appender;
    duckdb_append_varchar(appender, info->name);
    duckdb_append_int32(appender, partition);
    duckdb_append_int64(appender, record->offset);
    duckdb_append_int64(appender, record->append_time_ms);
    append_blob(appender, record->key);
    append_blob(appender, record->value);
    if (readable) {
        duckdb_append_null(appender);
    } else {
        g_autofree char *reason = g_utf8_make_valid(
            trouble->message, (gssize)MIN(strlen(trouble->message), DECODE_ERROR_BYTES_MAX));
        duckdb_append_varchar(appender, reason);
    }
    for (size_t i = 0; i < info->type->fields_count; i++) {
        if (readable)
            append_field(appender, &info->type->fields[i], decoded, symbols);
        else
            duckdb_append_null(appender);
    }
    return duckdb_appender_end_row(appender) == DuckDBSuccess ||
           appender_error(archive, info->name, error);
}

/* ---- the bus ---- */

static bool archive_partition(struct archive *archive,
                              const struct topic_info *info,
                              const GPtrArray *symbols,
                              int partition,
                              int64_t from,
                              int64_t to,
                              GError **error)
{
    while (from < to) {
        arena_reset(archive->arena);
        struct bus_batch batch;
        if (!bus_fetch(archive->bus, info->name, partition, from, FETCH_BYTES, archive->arena,
                       &batch, error))
            return false;
        for (size_t i = 0; i < batch.count && batch.records[i].offset < to; i++) {
            if (!append_record(archive, info, symbols, partition, &batch.records[i], error))
                return false;
        }
        if (batch.next_offset <= from) {
            error_set(error, FAILED,
                      "archive: %s/%d ends at offset %" PRId64 ", but %" PRId64
                      " was its end at the cut: the log lost its tail",
                      info->name, partition, from, to);
            return false;
        }
        from = batch.next_offset;
    }
    return true;
}

/* Where the archive of a partition goes on. Without a manifest it begins where the bus does: what
 * had expired before is counted, as the lake it was archived to isn't there. */
static bool find_start(struct archive *archive,
                       const char *topic,
                       int partition,
                       const struct manifest *previous,
                       int64_t *ret_from,
                       int64_t *gap_records,
                       GError **error)
{
    const struct manifest_cut *before = previous ? manifest_find_cut(previous, topic) : NULL;
    int64_t start, end;
    if (!bus_offsets(archive->bus, topic, partition, &start, &end, error))
        return false;
    int64_t from =
        before && (size_t)partition < before->partitions ? before->offsets[partition] : 0;
    if (from < start) {
        *gap_records += start - from;
        from = start;
    }
    *ret_from = from;
    return true;
}

/* A bus that ends below what is archived is another one, or has lost what was on it: going on would
 * number new records as old ones. */
static bool check_tail(const char *topic, int partition, int64_t from, int64_t end, GError **error)
{
    if (from <= end)
        return true;
    error_set(error, FAILED,
              "archive: %s/%d ends at offset %" PRId64 ", but is archived up to %" PRId64
              ": the log lost its tail; restore the bus, or move the lake away to begin anew",
              topic, partition, end, from);
    return false;
}

static bool archive_topic(struct archive *archive,
                          const struct source *source,
                          const struct manifest *previous,
                          struct manifest *manifest,
                          struct archive_report *report,
                          GError **error)
{
    const struct topic_info *info = topic_info(source->topic);
    const struct manifest_cut *cut = manifest_find_cut(manifest, info->name);
    if (!cut)
        return true;
    g_autoptr(GPtrArray) symbols = g_ptr_array_new_with_free_func(g_free);
    if (!read_symbols(info, symbols)) {
        error_set(error, FAILED, "%s: too many symbols", info->schema_path);
        return false;
    }
    if (!open_incoming(archive, source->table, error))
        return false;
    bool done = true;
    for (size_t i = 0; done && i < cut->partitions; i++) {
        int64_t from;
        done =
            find_start(archive, info->name, (int)i, previous, &from, &report->gap_records, error) &&
            check_tail(info->name, (int)i, from, cut->offsets[i], error) &&
            archive_partition(archive, info, symbols, (int)i, from, cut->offsets[i], error);
    }
    /* Closed also on failure: the appender owns what it buffers. */
    done = close_incoming(archive, source->table, done ? error : NULL) && done;
    int64_t rows = 0;
    done =
        done && bronze_store(source->table, archive->engine, archive->lake, manifest, &rows, error);
    report->records += rows;
    return done;
}

/* ---- the spool ---- */

/* Whose answer it is, read here one by one: DuckDB would hold thousands of parsed bodies at once.
 */
static void append_identity(duckdb_appender appender, const struct raw_answer *answer)
{
    json_t *body = json_loadb(answer->body, answer->body_len, JSON_ALLOW_NUL, NULL);
    json_t *id = json_object_get(body, "id");
    json_t *title = json_object_get(body, "title");
    if (json_is_integer(id))
        duckdb_append_int64(appender, json_integer_value(id));
    else
        duckdb_append_null(appender);
    if (json_is_string(title))
        duckdb_append_varchar_length(appender, json_string_value(title), json_string_length(title));
    else
        duckdb_append_null(appender);
    json_decref(body);
}

static bool append_answer(void *user, const struct raw_answer *answer, GError **error)
{
    struct archive *archive = user;
    duckdb_append_int32(archive->appender, answer->movie_id);
    duckdb_append_varchar(archive->appender, answer->endpoint);
    duckdb_append_int64(archive->appender, answer->extraction_timestamp_ms);
    duckdb_append_varchar_length(archive->appender, answer->body, answer->body_len);
    append_identity(archive->appender, answer);
    return duckdb_appender_end_row(archive->appender) == DuckDBSuccess ||
           appender_error(archive, ARCHIVE_SPOOL, error);
}

static bool names_file(const struct manifest *manifest, const char *name)
{
    const struct manifest_table *spool =
        manifest ? manifest_find_table(manifest, ARCHIVE_SPOOL) : NULL;
    for (guint i = 0; spool && i < spool->files->len; i++) {
        if (strcmp(((const struct manifest_file *)spool->files->pdata[i])->name, name) == 0)
            return true;
    }
    return false;
}

static bool archive_answers(struct archive *archive,
                            const struct manifest *previous,
                            struct manifest *manifest,
                            struct archive_report *report,
                            GError **error)
{
    struct arena *arena = arena_new();
    struct lake_object *files;
    size_t count;
    bool done = lake_list(archive->lake, RAW_STORE_PREFIX, arena, &files, &count, error) &&
                open_incoming(archive, &bronze_movies, error);
    if (!done) {
        arena_free(arena);
        return false;
    }
    manifest_clear_table(manifest, ARCHIVE_SPOOL);
    for (size_t i = 0; done && i < count; i++) {
        if (names_file(previous,
                       files[i].name)) /* read by the run before, which died before it removed it */
            continue;
        done = raw_store_read(archive->lake, files[i].name, append_answer, archive, error);
        struct manifest_file taken = {
            .name = (char *)files[i].name, .size_bytes = files[i].size_bytes, .sha256 = (char *)""};
        manifest_add_file(manifest, ARCHIVE_SPOOL, &taken);
    }
    done = close_incoming(archive, &bronze_movies, done ? error : NULL) && done;
    done = done && bronze_store(&bronze_movies, archive->engine, archive->lake, manifest,
                                &report->answers, error);
    arena_free(arena);
    return done;
}

/* ---- public ---- */

bool archive_cut(struct bus *bus, struct manifest *manifest, GError **error)
{
    struct arena *arena = arena_new();
    struct bus_topic *topics;
    size_t count;
    bool done = bus_topics(bus, arena, &topics, &count, error);
    for (size_t i = 0; done && i < count; i++) {
        bool ours = false;
        for (size_t j = 0; j < G_N_ELEMENTS(sources); j++)
            ours = ours || strcmp(topics[i].name, topic_info(sources[j].topic)->name) == 0;
        if (!ours)
            continue;
        struct manifest_cut *cut =
            manifest_cut(manifest, topics[i].name, (size_t)topics[i].partitions);
        for (size_t j = 0; done && j < cut->partitions; j++) {
            int64_t start;
            done = bus_offsets(bus, cut->topic, (int)j, &start, &cut->offsets[j], error);
        }
    }
    arena_free(arena);
    return done;
}

static bool archive_all(struct archive *archive,
                        const struct manifest *previous,
                        struct manifest *manifest,
                        struct archive_report *report,
                        GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        if (!archive_topic(archive, &sources[i], previous, manifest, report, error))
            return false;
    }
    if (!archive_answers(archive, previous, manifest, report, error))
        return false;
    failpoint("batch.archive.stored");
    return engine_drop(archive->engine, "incoming", error);
}

bool archive_run(const struct context *context,
                 struct lake *lake,
                 struct bus *bus,
                 struct engine *engine,
                 const struct manifest *previous,
                 struct manifest *manifest,
                 struct archive_report *ret_report,
                 GError **error)
{
    struct archive archive = {.lake = lake, .bus = bus, .engine = engine, .arena = arena_new()};
    struct archive_report report = {0};
    archive.registry = registry_open(context, error);
    archive.serde = archive.registry ? serde_new(archive.registry, error) : NULL;
    bool done = archive.serde && archive_all(&archive, previous, manifest, &report, error);
    serde_free(archive.serde);
    registry_close(archive.registry);
    arena_free(archive.arena);
    if (done)
        *ret_report = report;
    return done;
}

bool archive_release(struct lake *lake,
                     struct bus *bus,
                     const struct manifest *published,
                     GError **error)
{
    g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(struct bus_position));
    for (guint i = 0; i < published->cut->len; i++) {
        const struct manifest_cut *cut = published->cut->pdata[i];
        for (size_t j = 0; j < cut->partitions; j++) {
            struct bus_position position = {
                .topic = cut->topic, .partition = (int)j, .offset = cut->offsets[j]};
            g_array_append_val(positions, position);
        }
    }
    if (positions->len && !bus_group_commit(bus, BUS_GROUP_ARCHIVE,
                                            (const struct bus_position *)(void *)positions->data,
                                            positions->len, error))
        return false;
    failpoint("batch.release.committed");
    const struct manifest_table *spool = manifest_find_table(published, ARCHIVE_SPOOL);
    for (guint i = 0; spool && i < spool->files->len; i++) {
        if (!lake_delete(lake, ((const struct manifest_file *)spool->files->pdata[i])->name, error))
            return false;
    }
    return true;
}
