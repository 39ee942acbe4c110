#include "stream/seen.h"

#include <assert.h>
#include <string.h>

#include <glib.h>

#include "model/db.h"
#include "stream/delta.h"

#define KEY_RAW    'r'
#define KEY_HASHED 'h'
#define KEY_ROOM   (1 + SEEN_KEY_BYTES_MAX)

enum statement { READ_SEEN, PUT_SEEN, EXPIRE_SEEN, EXPIRE_PRODUCERS, STATEMENT_COUNT };

static const char *const statement_names[STATEMENT_COUNT] = {
    "read_seen",
    "put_seen",
    "expire_seen",
    "expire_producers",
};

/* An entry with its key behind it: one allocation, and the hash table's key and value in one. */
struct row {
    struct seen_entry entry;
    enum seen_kind kind;
    int64_t bucket;
    size_t key_len;
    char key[];
};

struct seen {
    sqlite3 *db;
    int task;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    GHashTable *rows; /* set of struct row * */
    GPtrArray *dirty; /* struct row *, each once */
    int64_t first[SEEN_KIND_COUNT], swept[SEEN_KIND_COUNT];
    struct row *probe; /* with room for the longest key */
    GByteArray *delta;
};

static guint row_hash(gconstpointer data)
{
    const struct row *row = data;
    uint32_t hash = 2166136261u ^ (uint32_t)row->kind ^ (uint32_t)row->bucket * 31u; /* FNV-1a */
    for (size_t i = 0; i < row->key_len; i++)
        hash = (hash ^ (unsigned char)row->key[i]) * 16777619u;
    return hash;
}

static gboolean row_equal(gconstpointer a, gconstpointer b)
{
    const struct row *x = a, *y = b;
    return x->kind == y->kind && x->bucket == y->bucket && x->key_len == y->key_len &&
           memcmp(x->key, y->key, x->key_len) == 0;
}

struct seen *seen_new(sqlite3 *db, const struct sql_file *sql, int task, GError **error)
{
    struct seen *seen = g_new0(struct seen, 1);
    seen->db = db;
    seen->task = task;
    seen->rows = g_hash_table_new_full(row_hash, row_equal, g_free, NULL);
    seen->dirty = g_ptr_array_new();
    seen->probe = g_malloc0(sizeof *seen->probe + KEY_ROOM);
    for (int kind = 0; kind < SEEN_KIND_COUNT; kind++)
        seen->first[kind] = seen->swept[kind] = INT64_MIN;
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        seen->statements[i] = db_prepare(db, sql_file_get(sql, statement_names[i]), error);
        if (!seen->statements[i]) {
            seen_free(seen);
            return NULL;
        }
    }
    return seen;
}

void seen_free(struct seen *seen)
{
    if (!seen)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(seen->statements[i]);
    g_hash_table_unref(seen->rows);
    g_ptr_array_unref(seen->dirty);
    g_free(seen->probe);
    g_free(seen);
}

size_t seen_count(const struct seen *seen)
{
    return g_hash_table_size(seen->rows);
}

/* The first byte tells raw from hashed, so that no raw key can pose as another's hash. */
static void set_probe(struct seen *seen, const struct seen_key *key)
{
    struct row *probe = seen->probe;
    probe->kind = key->kind;
    probe->bucket = key->bucket;
    if (key->key.len <= SEEN_KEY_BYTES_MAX) {
        probe->key[0] = KEY_RAW;
        if (key->key.len)
            memcpy(probe->key + 1, key->key.data, key->key.len);
        probe->key_len = 1 + key->key.len;
        return;
    }
    g_autoptr(GChecksum) sha256 = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(sha256, (const guchar *)key->key.data, (gssize)key->key.len);
    gsize len = SEEN_KEY_BYTES_MAX;
    g_checksum_get_digest(sha256, (guint8 *)probe->key + 1, &len);
    probe->key[0] = KEY_HASHED;
    probe->key_len = 1 + len;
}

/* A copy of the probe, in the table. */
static struct row *add_row(struct seen *seen, int64_t a, int64_t b)
{
    struct row *row = g_memdup2(seen->probe, sizeof *row + seen->probe->key_len);
    row->entry = (struct seen_entry){.a = a, .b = b};
    g_hash_table_add(seen->rows, row);
    return row;
}

static void bind_key(struct seen *seen, sqlite3_stmt *statement, const struct row *row)
{
    db_bind_int(statement, 1, seen->task);
    db_bind_int(statement, 2, row->kind);
    db_bind_int(statement, 3, row->bucket);
    db_bind_blob(statement, 4, (struct span){row->key, row->key_len});
}

bool seen_find(struct seen *seen,
               const struct seen_key *key,
               const struct seen_entry **ret_entry,
               GError **error)
{
    set_probe(seen, key);
    const struct row *row = g_hash_table_lookup(seen->rows, seen->probe);
    if (!row) {
        sqlite3_stmt *read = seen->statements[READ_SEEN];
        bind_key(seen, read, seen->probe);
        bool found;
        if (!db_step(read, &found, error))
            return false;
        if (found) {
            row = add_row(seen, sqlite3_column_int64(read, 0), sqlite3_column_int64(read, 1));
            sqlite3_reset(read);
        }
    }
    *ret_entry = row ? &row->entry : NULL;
    return true;
}

void seen_put(struct seen *seen, const struct seen_key *key, int64_t a, int64_t b)
{
    set_probe(seen, key);
    struct row *row = g_hash_table_lookup(seen->rows, seen->probe);
    if (!row)
        row = add_row(seen, a, b);
    row->entry.a = a;
    row->entry.b = b;
    if (!row->entry.dirty) {
        row->entry.dirty = true;
        g_ptr_array_add(seen->dirty, row);
    }
}

void seen_forget(struct seen *seen, enum seen_kind kind, int64_t first)
{
    seen->first[kind] = MAX(first, seen->first[kind]);
}

static bool expire(struct seen *seen, enum seen_kind kind, GError **error)
{
    if (seen->swept[kind] == seen->first[kind])
        return true;
    const bool producers = kind == SEEN_PRODUCER;
    const struct value values[] = {value_int(seen->task), value_int(kind),
                                   value_int(seen->first[kind]), value_int(SEEN_EXPIRE_ROWS_MAX)};
    if (!delta_run(seen->delta, producers ? DELTA_EXPIRE_PRODUCERS : DELTA_EXPIRE_SEEN,
                   seen->statements[producers ? EXPIRE_PRODUCERS : EXPIRE_SEEN], values, error))
        return false;
    if (sqlite3_changes(seen->db) < SEEN_EXPIRE_ROWS_MAX)
        seen->swept[kind] = seen->first[kind];
    return true;
}

void seen_record(struct seen *seen, GByteArray *delta)
{
    seen->delta = delta;
}

bool seen_write(struct seen *seen, GError **error)
{
    for (enum seen_kind kind = 0; kind < SEEN_KIND_COUNT; kind++) {
        if (!expire(seen, kind, error))
            return false;
    }
    for (guint i = 0; i < seen->dirty->len; i++) {
        const struct row *row = seen->dirty->pdata[i];
        /* Its bucket has just been swept. */
        if (row->kind != SEEN_PRODUCER && row->bucket < seen->first[row->kind])
            continue;
        const struct value values[] = {
            value_int(seen->task),   value_int(row->kind),
            value_int(row->bucket),  value_blob((struct span){row->key, row->key_len}),
            value_int(row->entry.a), value_int(row->entry.b),
        };
        if (!delta_run(seen->delta, DELTA_PUT_SEEN, seen->statements[PUT_SEEN], values, error))
            return false;
    }
    return true;
}

void seen_committed(struct seen *seen)
{
    for (guint i = 0; i < seen->dirty->len; i++)
        ((struct row *)seen->dirty->pdata[i])->entry.dirty = false;
    g_ptr_array_set_size(seen->dirty, 0);
    if (g_hash_table_size(seen->rows) > SEEN_ENTRIES_MAX)
        g_hash_table_remove_all(seen->rows);
}
