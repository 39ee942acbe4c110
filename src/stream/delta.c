#include "stream/delta.h"

#include <assert.h>
#include <string.h>

#include "model/db.h"
#include "model/varint.h"

#define VALUE_HEAD_BYTES_MAX (1 + VARINT_LONG_BYTES_MAX)

static const struct {
    const char *name; /* in contracts/stream.sql */
    int values;
} statements[DELTA_STATEMENT_END] = {
    [DELTA_PUT_POSITION] = {"put_position", 10},
    [DELTA_PUT_TASK] = {"put_task", 2},
    [DELTA_PUT_MOVIE] = {"put_movie", 5},
    [DELTA_PUT_BIN] = {"put_bin", 5},
    [DELTA_EXPIRE_BINS] = {"expire_bins", 4},
    [DELTA_PUT_SEEN] = {"put_seen", 6},
    [DELTA_EXPIRE_SEEN] = {"expire_seen", 4},
    [DELTA_EXPIRE_PRODUCERS] = {"expire_producers", 4},
    [DELTA_APPEND_MEASURES] = {"append_measures", 1},
    [DELTA_CLEAR_MEASURE_LOG] = {"clear_measure_log", 0},
    [DELTA_PUT_MEASURES] = {"put_measures", 2},
    [DELTA_PUT_RANKING] = {"put_ranking", 4},
    [DELTA_EXPIRE_MEASURES] = {"expire_measures", 1},
    [DELTA_EXPIRE_RANKINGS] = {"expire_rankings", 1},
    [DELTA_PUT_LIVE_MINUTE] = {"put_live_minute", 2},
    [DELTA_EXPIRE_LIVE_MINUTES] = {"expire_live_minutes", 1},
    [DELTA_PUT_LATE] = {"put_late", 8},
    [DELTA_EXPIRE_LATE] = {"expire_late", 1},
    [DELTA_PUT_HOUR_COUNT] = {"put_hour_count", 3},
    [DELTA_EXPIRE_HOUR_COUNTS] = {"expire_hour_counts", 2},
    [DELTA_PUT_LIVE_PART] = {"put_live_part", 3},
    [DELTA_EXPIRE_LIVE_PARTS] = {"expire_live_parts", 1},
    [DELTA_PUT_TITLE] = {"put_title", 3},
    [DELTA_PUT_HORIZON] = {"put_horizon", 2},
    [DELTA_PUT_SUNK] = {"put_sunk", 1},
};

struct value value_text(const char *text)
{
    if (!text)
        return value_null();
    return (struct value){.type = VALUE_TEXT, .bytes = {text, strlen(text)}};
}

static void bind_values(sqlite3_stmt *statement, const struct value *values, int count)
{
    for (int i = 0; i < count; i++) {
        const struct value *value = &values[i];
        switch (value->type) {
        case VALUE_INT:
            db_bind_int(statement, i + 1, value->number);
            break;
        case VALUE_DOUBLE:
            db_bind_double(statement, i + 1, value->real);
            break;
        case VALUE_TEXT:
            db_bind_span(statement, i + 1, value->bytes);
            break;
        case VALUE_BLOB:
            db_bind_blob(statement, i + 1, value->bytes);
            break;
        default:
            db_bind_null(statement, i + 1);
            break;
        }
    }
}

static uint8_t *put_value(uint8_t *to, const struct value *value)
{
    uint64_t bits;
    *to++ = (uint8_t)value->type;
    switch (value->type) {
    case VALUE_INT:
        return varint_write(to, value->number);
    case VALUE_DOUBLE:
        memcpy(&bits, &value->real, sizeof bits);
        bits = GUINT64_TO_LE(bits);
        memcpy(to, &bits, sizeof bits);
        return to + sizeof bits;
    case VALUE_TEXT:
    case VALUE_BLOB:
        to = varint_write(to, (int64_t)value->bytes.len);
        if (value->bytes.len)
            memcpy(to, value->bytes.data, value->bytes.len);
        return to + value->bytes.len;
    default:
        return to;
    }
}

void delta_record(GByteArray *delta, enum delta_statement number, const struct value *values)
{
    const int count = statements[number].values;
    const guint start = delta->len;
    size_t room = 1;
    for (int i = 0; i < count; i++)
        room += VALUE_HEAD_BYTES_MAX + values[i].bytes.len;
    g_byte_array_set_size(delta, start + (guint)room);
    uint8_t *to = delta->data + start;
    *to++ = (uint8_t)number;
    for (int i = 0; i < count; i++)
        to = put_value(to, &values[i]);
    g_byte_array_set_size(delta, (guint)(to - delta->data));
}

bool delta_run(GByteArray *delta,
               enum delta_statement number,
               sqlite3_stmt *statement,
               const struct value *values,
               GError **error)
{
    assert(sqlite3_bind_parameter_count(statement) == statements[number].values);
    if (delta)
        delta_record(delta, number, values);
    bind_values(statement, values, statements[number].values);
    return db_run(statement, error);
}

/* ---- reading ---- */

static bool take_value(const unsigned char **at, const unsigned char *end, struct value *value)
{
    int64_t len;
    uint64_t bits;
    if (*at == end || **at >= VALUE_TYPE_COUNT)
        return false;
    *value = (struct value){.type = (enum value_type) * (*at)++};
    switch (value->type) {
    case VALUE_INT:
        return varint_read_long(at, end, &value->number);
    case VALUE_DOUBLE:
        if ((size_t)(end - *at) < sizeof bits)
            return false;
        memcpy(&bits, *at, sizeof bits);
        bits = GUINT64_FROM_LE(bits);
        memcpy(&value->real, &bits, sizeof bits);
        *at += sizeof bits;
        return true;
    case VALUE_TEXT:
    case VALUE_BLOB:
        if (!varint_read_long(at, end, &len) || len < 0 || len > end - *at)
            return false;
        value->bytes = (struct span){(const char *)*at, (size_t)len};
        *at += len;
        return true;
    default:
        return true;
    }
}

static bool take_statement(const unsigned char **at,
                           const unsigned char *end,
                           enum delta_statement *ret_number,
                           struct value values[DELTA_VALUES_MAX])
{
    const unsigned number = *(*at)++;
    if (number == 0 || number >= DELTA_STATEMENT_END)
        return false;
    for (int i = 0; i < statements[number].values; i++) {
        if (!take_value(at, end, &values[i]))
            return false;
    }
    *ret_number = (enum delta_statement)number;
    return true;
}

bool delta_check(struct span delta)
{
    const unsigned char *at = (const unsigned char *)delta.data, *end = at + delta.len;
    enum delta_statement number;
    struct value values[DELTA_VALUES_MAX];
    while (at < end) {
        if (!take_statement(&at, end, &number, values))
            return false;
    }
    return true;
}

struct delta_player {
    sqlite3 *db;
    const struct sql_file *sql;
    sqlite3_stmt *statements[DELTA_STATEMENT_END];
};

struct delta_player *delta_player_new(sqlite3 *db, const struct sql_file *sql)
{
    struct delta_player *player = g_new0(struct delta_player, 1);
    player->db = db;
    player->sql = sql;
    return player;
}

void delta_player_free(struct delta_player *player)
{
    if (!player)
        return;
    for (int i = 0; i < DELTA_STATEMENT_END; i++)
        sqlite3_finalize(player->statements[i]);
    g_free(player);
}

static bool play(struct delta_player *player,
                 enum delta_statement number,
                 const struct value *values,
                 GError **error)
{
    sqlite3_stmt **statement = &player->statements[number];
    if (!*statement)
        *statement =
            db_prepare(player->db, sql_file_get(player->sql, statements[number].name), error);
    if (!*statement)
        return false;
    bind_values(*statement, values, statements[number].values);
    return db_run(*statement, error);
}

bool delta_player_run(struct delta_player *player, struct span delta, GError **error)
{
    const unsigned char *at = (const unsigned char *)delta.data, *end = at + delta.len;
    enum delta_statement number;
    struct value values[DELTA_VALUES_MAX];
    while (at < end) {
        const unsigned char *start = at;
        if (!take_statement(&at, end, &number, values)) {
            error_set(error, BADDATA, "a delta is damaged at byte %zu of %zu",
                      (size_t)(start - (const unsigned char *)delta.data), delta.len);
            return false;
        }
        if (!play(player, number, values, error))
            return false;
    }
    return true;
}
