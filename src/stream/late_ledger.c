/* The entries of the commit under way stand in a ring: entry n at n % LATE_LEDGER_COMMIT_MAX. */
#include "stream/late_ledger.h"

#include "model/db.h"
#include "stream/delta.h"

enum statement { PUT_LATE, EXPIRE_LATE, STATEMENT_COUNT };

static const char *const statement_names[STATEMENT_COUNT] = {"put_late", "expire_late"};

struct late_ledger {
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct late_entry *ring;
    uint64_t added; /* since the last commit */
    GByteArray *delta;
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

void late_ledger_record(struct late_ledger *ledger, GByteArray *delta)
{
    ledger->delta = delta;
}

static struct value value_of(const struct late_value *value)
{
    return value->has ? value_double(value->value) : value_null();
}

static bool put_entry(struct late_ledger *ledger, const struct late_entry *entry, GError **error)
{
    const struct value values[] = {
        value_text(entry->topic),   value_int(entry->partition),       value_int(entry->offset),
        value_int(entry->movie_id), value_int(entry->window_start_ms), value_int(entry->late_ms),
        value_of(&entry->before),   value_of(&entry->after),
    };
    return delta_run(ledger->delta, DELTA_PUT_LATE, ledger->statements[PUT_LATE], values, error);
}

uint64_t late_ledger_unlisted(const struct late_ledger *ledger)
{
    return ledger->added > LATE_LEDGER_COMMIT_MAX ? ledger->added - LATE_LEDGER_COMMIT_MAX : 0;
}

bool late_ledger_write(struct late_ledger *ledger, GError **error)
{
    if (ledger->added == 0)
        return true;
    for (uint64_t i = late_ledger_unlisted(ledger); i < ledger->added; i++) {
        if (!put_entry(ledger, &ledger->ring[i % LATE_LEDGER_COMMIT_MAX], error))
            return false;
    }
    const struct value limit = value_int(LATE_LEDGER_ROWS_MAX);
    return delta_run(ledger->delta, DELTA_EXPIRE_LATE, ledger->statements[EXPIRE_LATE], &limit,
                     error);
}

void late_ledger_clear(struct late_ledger *ledger)
{
    ledger->added = 0;
}
