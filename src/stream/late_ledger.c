/* The entries of the commit under way stand in a ring: entry n at n % LATE_LEDGER_COMMIT_MAX. */
#include "stream/late_ledger.h"

#include "model/db.h"

enum statement { PUT_LATE, EXPIRE_LATE, STATEMENT_COUNT };

static const char *const statement_names[STATEMENT_COUNT] = {"put_late", "expire_late"};

struct late_ledger {
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct late_entry *ring;
    uint64_t added; /* since the last commit */
};

struct late_ledger *late_ledger_new(sqlite3 *db, const struct sql_file *sql, GError **error)
{
    if (!db_exec(db, sql_file_get(sql, "late_schema"), error))
        return NULL;
    struct late_ledger *ledger = g_new0(struct late_ledger, 1);
    ledger->ring = g_new0(struct late_entry, LATE_LEDGER_COMMIT_MAX);
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        ledger->statements[i] = db_prepare(db, sql_file_get(sql, statement_names[i]), error);
        if (!ledger->statements[i]) {
            late_ledger_free(ledger);
            return NULL;
        }
    }
    return ledger;
}

void late_ledger_free(struct late_ledger *ledger)
{
    if (!ledger)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(ledger->statements[i]);
    g_free(ledger->ring);
    g_free(ledger);
}

void late_ledger_add(struct late_ledger *ledger, const struct late_entry *entry)
{
    ledger->ring[ledger->added++ % LATE_LEDGER_COMMIT_MAX] = *entry;
}

static void bind_value(sqlite3_stmt *put, int index, const struct late_value *value)
{
    if (value->has)
        db_bind_double(put, index, value->value);
    else
        db_bind_null(put, index);
}

static bool put_entry(sqlite3_stmt *put, const struct late_entry *entry, GError **error)
{
    db_bind_text(put, 1, entry->topic);
    db_bind_int(put, 2, entry->partition);
    db_bind_int(put, 3, entry->offset);
    db_bind_int(put, 4, entry->movie_id);
    db_bind_int(put, 5, entry->window_start_ms);
    db_bind_int(put, 6, entry->late_ms);
    bind_value(put, 7, &entry->before);
    bind_value(put, 8, &entry->after);
    return db_run(put, error);
}

bool late_ledger_write(struct late_ledger *ledger, GError **error)
{
    if (ledger->added == 0)
        return true;
    uint64_t first =
        ledger->added > LATE_LEDGER_COMMIT_MAX ? ledger->added - LATE_LEDGER_COMMIT_MAX : 0;
    for (uint64_t i = first; i < ledger->added; i++) {
        if (!put_entry(ledger->statements[PUT_LATE], &ledger->ring[i % LATE_LEDGER_COMMIT_MAX],
                       error))
            return false;
    }
    db_bind_int(ledger->statements[EXPIRE_LATE], 1, LATE_LEDGER_ROWS_MAX);
    return db_run(ledger->statements[EXPIRE_LATE], error);
}

void late_ledger_clear(struct late_ledger *ledger)
{
    ledger->added = 0;
}
