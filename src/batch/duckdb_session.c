#include "batch/duckdb_session.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/config.h"
#include "base/embedded.h"

#define TMP_PREFIX   "duckdb-"
#define PRELUDE_PATH "sql/prelude/duckdb.sql"

void duckdb_session_error(duckdb_error_type type, const char *text, GError **error)
{
    if (!text)
        text = "no reason given";
    switch (type) {
    case DUCKDB_ERROR_INTERRUPT:
        error_set(error, AGAIN, "duckdb: interrupted");
        break;
    case DUCKDB_ERROR_OUT_OF_MEMORY:
        error_set(error, FAILED, "duckdb: %s: raise batch.memory", text);
        break;
    case DUCKDB_ERROR_IO:
        error_set(error, FAILED, "duckdb: %s", text);
        break;
    case DUCKDB_ERROR_PERMISSION:
        error_set(error, DENIED, "duckdb: %s", text);
        break;
    case DUCKDB_ERROR_INTERNAL:
    case DUCKDB_ERROR_FATAL:
        error_set(error, FAILED, "duckdb: %s", text);
        break;
    default:
        error_set(error, BADDATA, "duckdb: %s", text);
    }
}

static void remove_folder(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *entry;
    while (dir && (entry = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, entry, NULL);
        (void)g_unlink(child);
    }
    (void)g_rmdir(path);
}

/* What processes left that were killed. */
static void sweep(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *entry;
    while (dir && (entry = g_dir_read_name(dir))) {
        if (!g_str_has_prefix(entry, TMP_PREFIX))
            continue;
        gint64 pid = g_ascii_strtoll(entry + strlen(TMP_PREFIX), NULL, 10);
        g_autofree char *proc = g_strdup_printf("/proc/%" PRId64, (int64_t)pid);
        g_autofree char *child = g_build_filename(folder, entry, NULL);
        if (!g_file_test(proc, G_FILE_TEST_EXISTS))
            remove_folder(child);
    }
}

static char *make_tmp(const struct context *context, GError **error)
{
    g_autofree char *relative = config_path(context->config, "tmp");
    g_autofree char *folder = g_canonicalize_filename(relative, NULL);
    g_autofree char *own = g_strdup_printf("%s/" TMP_PREFIX "%d", folder, (int)getpid());
    if (g_mkdir_with_parents(own, 0750) != 0) {
        error_set(error, FAILED, "make folder %s: %s", own, g_strerror(errno));
        return NULL;
    }
    sweep(folder);
    return g_steal_pointer(&own);
}

static bool
open_database(struct duckdb_session *session, const struct config *config, GError **error)
{
    g_autofree char *memory = g_strdup_printf("%" PRId64 "B", config->batch_memory_bytes);
    g_autofree char *threads = g_strdup_printf("%" PRId64, config->batch_threads);
    const char *const settings[][2] = {
        {"memory_limit", memory},
        {"threads", threads},
        {"temp_directory", session->tmp},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"allow_community_extensions", "false"},
        {"preserve_insertion_order", "true"},
    };
    duckdb_config options;
    if (duckdb_create_config(&options) == DuckDBError) {
        error_set(error, FAILED, "duckdb: out of memory");
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
        if (duckdb_set_config(options, settings[i][0], settings[i][1]) == DuckDBError) {
            error_set(error, FAILED, "duckdb: refuses the setting %s=%s", settings[i][0],
                      settings[i][1]);
            duckdb_destroy_config(&options);
            return false;
        }
    }
    char *trouble = NULL;
    bool done = duckdb_open_ext(NULL, &session->database, options, &trouble) == DuckDBSuccess;
    if (!done)
        error_set(error, FAILED, "duckdb: %s", trouble ? trouble : "can't be opened");
    duckdb_free(trouble);
    duckdb_destroy_config(&options);
    if (done && duckdb_connect(session->database, &session->connection) == DuckDBError) {
        error_set(error, FAILED, "duckdb: no connection");
        done = false;
    }
    return done;
}

/* The order matters: what is allowed is named before access is closed, and then nothing can be
 * changed any more. */
static bool close_doors(struct duckdb_session *session, const char *lake_root, GError **error)
{
    if (strchr(lake_root, '\'')) {
        error_set(error, CONFIG, "data.dir: %s has a quote in it: choose another folder",
                  lake_root);
        return false;
    }
    g_autofree char *allow = g_strdup_printf("SET allowed_directories = ['%s']", lake_root);
    return duckdb_session_run(session, "SET TimeZone = 'UTC'", NULL, error) &&
           duckdb_session_run(session, allow, NULL, error) &&
           duckdb_session_run(session, "SET enable_external_access = false", NULL, error) &&
           duckdb_session_run(session, "SET lock_configuration = true", NULL, error);
}

struct duckdb_session *
duckdb_session_open(const struct context *context, const char *lake_root, GError **error)
{
    struct duckdb_session *session = g_new0(struct duckdb_session, 1);
    session->tmp = make_tmp(context, error);
    if (!session->tmp || !open_database(session, context->config, error) ||
        !duckdb_functions_register(session->connection, error) ||
        !duckdb_sentiment_register(session->connection, error) ||
        !duckdb_session_run(session, embedded_text(PRELUDE_PATH, NULL), NULL, error) ||
        !close_doors(session, lake_root, error)) {
        g_prefix_error(error, "engine: ");
        duckdb_session_close(session);
        return NULL;
    }
    return session;
}

void duckdb_session_close(struct duckdb_session *session)
{
    if (!session)
        return;
    duckdb_disconnect(&session->connection);
    duckdb_close(&session->database);
    if (session->tmp)
        remove_folder(session->tmp);
    g_free(session->tmp);
    g_free(session);
}

bool duckdb_session_run(struct duckdb_session *session,
                        const char *sql,
                        duckdb_result *ret_result,
                        GError **error)
{
    duckdb_result result;
    if (duckdb_query(session->connection, sql, &result) == DuckDBError) {
        duckdb_session_error(duckdb_result_error_type(&result), duckdb_result_error(&result),
                             error);
        duckdb_destroy_result(&result);
        return false;
    }
    if (ret_result)
        *ret_result = result;
    else
        duckdb_destroy_result(&result);
    return true;
}

bool duckdb_session_run_statement(struct duckdb_session *session,
                                  const struct duckdb_statement *statement,
                                  duckdb_result *ret_result,
                                  GError **error)
{
    g_autofree char *sql = duckdb_statement_text(statement, error);
    return sql && duckdb_session_run(session, sql, ret_result, error);
}
