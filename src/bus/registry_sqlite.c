/* The built-in registry: one SQLite file (contracts/registry.sql). A schema that is known is found
 * without the write lock; a new one is checked and added in one transaction that takes the lock
 * first, so that of two processes which bring the same schema one adds it and the other finds it.
 */
#include <string.h>

#include "bus/registry_backend.h"
#include "model/db.h"

#define REGISTRY_LAYOUT 1

#define STATEMENTS(X)                                                                              \
    X(find_version)                                                                                \
    X(latest)                                                                                      \
    X(find_schema)                                                                                 \
    X(add_schema)                                                                                  \
    X(add_version)                                                                                 \
    X(read_schema)

struct registry_sqlite {
    struct registry registry;
    sqlite3 *db;
#define X(name) sqlite3_stmt *name;
    STATEMENTS(X)
#undef X
};

static const struct registry_ops registry_sqlite_ops;

static struct registry_sqlite *self(struct registry *registry)
{
    g_assert(registry->ops == &registry_sqlite_ops);
    return (struct registry_sqlite *)registry;
}

static void sqlite_close(struct registry *registry)
{
    struct registry_sqlite *sqlite = self(registry);
#define X(name) sqlite3_finalize(sqlite->name);
    STATEMENTS(X)
#undef X
    db_close(sqlite->db);
    g_free(sqlite);
}

static bool prepare(struct registry_sqlite *sqlite, GError **error)
{
    g_autoptr(sql_file) sql = sql_file_load("contracts/registry.sql");
    if (!db_schema(sqlite->db, sql_file_get(sql, "schema"), REGISTRY_LAYOUT, error))
        return false;
#define X(name)                                                                                    \
    sqlite->name = db_prepare(sqlite->db, sql_file_get(sql, #name), error);                        \
    if (!sqlite->name)                                                                             \
        return false;
    STATEMENTS(X)
#undef X
    return true;
}

struct registry *registry_sqlite_open(const char *path, GError **error)
{
    struct registry_sqlite *sqlite = g_new0(struct registry_sqlite, 1);
    sqlite->registry.ops = &registry_sqlite_ops;
    const struct db_options options = {.sync = DB_SYNC_FULL};
    sqlite->db = db_open(path, &options, error);
    if (!sqlite->db || !prepare(sqlite, error)) {
        sqlite_close(&sqlite->registry);
        return NULL;
    }
    return &sqlite->registry;
}

/* The first column of the statement's only row; 0 where there is none. */
static bool read_id(sqlite3_stmt *statement, int32_t *ret_id, GError **error)
{
    bool row;
    if (!db_step(statement, &row, error))
        return false;
    *ret_id = row ? sqlite3_column_int(statement, 0) : 0;
    sqlite3_reset(statement);
    return true;
}

static bool find_version(struct registry_sqlite *sqlite,
                         const char *subject,
                         const struct schema *schema,
                         int32_t *ret_id,
                         GError **error)
{
    db_bind_text(sqlite->find_version, 1, subject);
    db_bind_text(sqlite->find_version, 2, schema_canonical(schema));
    return read_id(sqlite->find_version, ret_id, error);
}

static bool read_latest(struct registry_sqlite *sqlite,
                        const char *subject,
                        int *ret_version,
                        char **ret_json,
                        GError **error)
{
    bool row;
    db_bind_text(sqlite->latest, 1, subject);
    if (!db_step(sqlite->latest, &row, error))
        return false;
    *ret_version = row ? sqlite3_column_int(sqlite->latest, 0) : 0;
    *ret_json = row ? g_strdup((const char *)sqlite3_column_text(sqlite->latest, 1)) : NULL;
    sqlite3_reset(sqlite->latest);
    return true;
}

static bool add_schema(struct registry_sqlite *sqlite,
                       const char *schema_json,
                       const struct schema *schema,
                       int32_t *ret_id,
                       GError **error)
{
    db_bind_text(sqlite->find_schema, 1, schema_canonical(schema));
    int32_t id;
    if (!read_id(sqlite->find_schema, &id, error))
        return false;
    if (id == 0) {
        db_bind_text(sqlite->add_schema, 1, schema_canonical(schema));
        db_bind_text(sqlite->add_schema, 2, schema_json);
        if (!db_run(sqlite->add_schema, error))
            return false;
        id = (int32_t)sqlite3_last_insert_rowid(sqlite->db);
    }
    *ret_id = id;
    return true;
}

/* Within a write transaction. */
static bool add_version(struct registry_sqlite *sqlite,
                        const char *subject,
                        const char *schema_json,
                        const struct schema *schema,
                        int32_t *ret_id,
                        GError **error)
{
    int32_t id;
    if (!find_version(sqlite, subject, schema, &id, error))
        return false;
    if (id == 0) {
        int version;
        g_autofree char *latest = NULL;
        if (!read_latest(sqlite, subject, &version, &latest, error) ||
            (latest && !registry_check_backward(subject, version, latest, schema, error)) ||
            !add_schema(sqlite, schema_json, schema, &id, error))
            return false;
        db_bind_text(sqlite->add_version, 1, subject);
        db_bind_int(sqlite->add_version, 2, version + 1);
        db_bind_int(sqlite->add_version, 3, id);
        if (!db_run(sqlite->add_version, error))
            return false;
    }
    *ret_id = id;
    return true;
}

static bool sqlite_add(struct registry *registry,
                       const char *subject,
                       const char *schema_json,
                       const struct schema *schema,
                       int32_t *ret_id,
                       GError **error)
{
    struct registry_sqlite *sqlite = self(registry);
    int32_t id;
    if (!find_version(sqlite, subject, schema, &id, error))
        return false;
    if (id == 0) {
        if (!db_begin(sqlite->db, error))
            return false;
        if (!add_version(sqlite, subject, schema_json, schema, &id, error)) {
            db_rollback(sqlite->db);
            return false;
        }
        if (!db_commit(sqlite->db, error))
            return false;
    }
    *ret_id = id;
    return true;
}

static char *sqlite_read(struct registry *registry, int32_t id, GError **error)
{
    struct registry_sqlite *sqlite = self(registry);
    bool row;
    db_bind_int(sqlite->read_schema, 1, id);
    if (!db_step(sqlite->read_schema, &row, error))
        return NULL;
    if (!row) {
        error_set(error, NOTFOUND, "registry: there is no schema with the id %d", id);
        return NULL;
    }
    char *json = g_strdup((const char *)sqlite3_column_text(sqlite->read_schema, 0));
    sqlite3_reset(sqlite->read_schema);
    return json;
}

static const struct registry_ops registry_sqlite_ops = {
    .close = sqlite_close,
    .add = sqlite_add,
    .read = sqlite_read,
};
