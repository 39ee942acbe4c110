#include "stream/live_sum.h"

#include "base/clock.h"
#include "model/db.h"
#include "stream/delta.h"
#include "stream/live_minute.h"
#include "stream/window.h"

enum statement { READ_LIVE_PARTS, PUT_LIVE_PART, EXPIRE_LIVE_PARTS, STATEMENT_COUNT };

static const char *const statement_names[STATEMENT_COUNT] = {
    "read_live_parts",
    "put_live_part",
    "expire_live_parts",
};

struct live_sum {
    sqlite3_stmt *statements[STATEMENT_COUNT];
    GByteArray *delta;
    GTree *changed; /* minutes, in order */
    int64_t swept_ms;
};

static int compare_minutes(const void *a, const void *b, void *user)
{
    (void)user;
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

struct live_sum *
live_sum_new(sqlite3 *db, const struct sql_file *sql, GByteArray *delta, GError **error)
{
    struct live_sum *sum = g_new0(struct live_sum, 1);
    sum->delta = delta;
    sum->swept_ms = INT64_MIN;
    sum->changed = g_tree_new_full(compare_minutes, NULL, g_free, NULL);
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        sum->statements[i] = db_prepare(db, sql_file_get(sql, statement_names[i]), error);
        if (!sum->statements[i]) {
            live_sum_free(sum);
            return NULL;
        }
    }
    return sum;
}

void live_sum_free(struct live_sum *sum)
{
    if (!sum)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(sum->statements[i]);
    g_tree_unref(sum->changed);
    g_free(sum);
}

bool live_sum_put(struct live_sum *sum, int task, int64_t minute, struct span bytes, GError **error)
{
    struct live_minute part = {.number = minute};
    if (!live_minute_decode(&part, bytes, error))
        return false;
    const struct value values[] = {value_int(minute), value_int(task), value_blob(bytes)};
    if (!delta_run(sum->delta, DELTA_PUT_LIVE_PART, sum->statements[PUT_LIVE_PART], values, error))
        return false;
    g_tree_replace(sum->changed, g_memdup2(&minute, sizeof minute), NULL);
    return true;
}

static bool sum_minute(struct live_sum *sum, struct live_minute *minute, GError **error)
{
    sqlite3_stmt *read = sum->statements[READ_LIVE_PARTS];
    db_bind_int(read, 1, minute->number);
    for (bool row;;) {
        struct live_minute part = {.number = minute->number};
        if (!db_step(read, &row, error))
            return false;
        if (!row)
            return true;
        if (!live_minute_decode(&part, db_column_span(read, 0), error)) {
            sqlite3_reset(read);
            return false;
        }
        live_minute_merge(minute, &part);
    }
}

struct writing {
    struct live_sum *sum;
    struct output *output;
    int64_t horizon_ms;
    bool done;
    GError **error;
};

static gboolean write_minute(void *key, void *unused, void *user)
{
    (void)unused;
    struct writing *writing = user;
    struct live_minute minute = {.number = *(int64_t *)key};
    if (minute.number * MS_PER_MINUTE < writing->horizon_ms)
        return FALSE;
    writing->done = sum_minute(writing->sum, &minute, writing->error);
    if (writing->done)
        live_minute_rows(&minute, writing->output);
    return !writing->done;
}

bool live_sum_write(struct live_sum *sum, struct output *output, int64_t horizon_ms, GError **error)
{
    struct writing writing = {sum, output, horizon_ms, true, error};
    g_tree_foreach(sum->changed, write_minute, &writing);
    if (!writing.done)
        return false;
    if (horizon_ms == sum->swept_ms)
        return true;
    const struct value first = value_int(floor_div(horizon_ms, MS_PER_MINUTE));
    if (!delta_run(sum->delta, DELTA_EXPIRE_LIVE_PARTS, sum->statements[EXPIRE_LIVE_PARTS], &first,
                   error))
        return false;
    sum->swept_ms = horizon_ms;
    return true;
}

void live_sum_clear(struct live_sum *sum)
{
    g_tree_remove_all(sum->changed);
}
