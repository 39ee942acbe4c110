#include "view/view_mongo.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/config_table.h"
#include "base/log.h"

#define DATABASE_DEFAULT "marquee"
#define ERROR_API        2 /* of libmongoc: the server's codes are told apart from its own */

/* A transaction that met another one is repeated so often before the caller is told AGAIN. */
#define TRANSACTION_TRIES 6
#define COMMIT_TRIES      3

#define COUNTERS_NAME_BYTES 32

/* MongoDB's codes (its error_codes.yml). */
enum server_code {
    CODE_UNAUTHORIZED = 13,
    CODE_AUTHENTICATION_FAILED = 18,
    CODE_ILLEGAL_OPERATION = 20,
    CODE_DUPLICATE_KEY = 11000,
};

static const char *const collection_names[MONGO_COLLECTION_COUNT] = {
    [BATCH_VIEWS] = "batch_views",
    [SPEED_VIEWS] = "speed_views",
    [GENERATIONS] = "generations",
    [POINTER] = "pointer",
    [SYNC_STATE] = "sync_state",
    [LEASES] = "leases",
    [RUNS] = "runs",
};

/* ---- errors ---- */

/* What passes by itself: elections, time-outs, meetings with another transaction. */
static bool code_passes(uint32_t code)
{
    static const uint32_t codes[] = {
        6,     /* HostUnreachable */
        7,     /* HostNotFound */
        24,    /* LockTimeout */
        43,    /* CursorNotFound: the server was started anew */
        50,    /* MaxTimeMSExpired */
        64,    /* WriteConcernFailed: written, not yet by the majority */
        89,    /* NetworkTimeout */
        91,    /* ShutdownInProgress */
        112,   /* WriteConflict */
        117,   /* ConflictingOperationInProgress */
        134,   /* ReadConcernMajorityNotAvailableYet */
        175,   /* QueryPlanKilled: an index was made just now */
        189,   /* PrimarySteppedDown */
        225,   /* TransactionTooOld */
        237,   /* CursorKilled */
        246,   /* SnapshotUnavailable */
        251,   /* NoSuchTransaction */
        262,   /* ExceededTimeLimit */
        290,   /* TransactionExceededLifetimeLimitSeconds */
        9001,  /* SocketException */
        10107, /* NotWritablePrimary */
        11600, /* InterruptedAtShutdown */
        11602, /* InterruptedDueToReplStateChange */
        13435, /* NotPrimaryNoSecondaryOk */
        13436, /* NotPrimaryOrSecondary */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
        if (codes[i] == code)
            return true;
    return false;
}

static bool has_label(const bson_t *reply, const char *label)
{
    return reply && mongoc_error_has_label(reply, label);
}

/* No connection, no answer, no primary. libmongoc tells a failed first question (hello) with its
 * client's domain and its stream's code. */
static bool is_away(const bson_error_t *failure)
{
    return failure->domain == MONGOC_ERROR_STREAM ||
           failure->domain == MONGOC_ERROR_SERVER_SELECTION ||
           (failure->domain == MONGOC_ERROR_CLIENT &&
            (failure->code == MONGOC_ERROR_STREAM_NAME_RESOLUTION ||
             failure->code == MONGOC_ERROR_STREAM_SOCKET ||
             failure->code == MONGOC_ERROR_STREAM_CONNECT ||
             failure->code == MONGOC_ERROR_CLIENT_NOT_READY));
}

static enum marquee_error code_of(const bson_t *reply, const bson_error_t *failure)
{
    bool server = failure->domain == MONGOC_ERROR_SERVER ||
                  failure->domain == MONGOC_ERROR_WRITE_CONCERN ||
                  failure->domain == MONGOC_ERROR_COLLECTION;
    if (server && failure->code == CODE_DUPLICATE_KEY)
        return MARQUEE_ERROR_CONFLICT;
    if ((server &&
         (failure->code == CODE_UNAUTHORIZED || failure->code == CODE_AUTHENTICATION_FAILED)) ||
        (failure->domain == MONGOC_ERROR_CLIENT &&
         failure->code == MONGOC_ERROR_CLIENT_AUTHENTICATE))
        return MARQUEE_ERROR_DENIED;
    if (is_away(failure) || (server && code_passes(failure->code)) ||
        has_label(reply, "TransientTransactionError") || has_label(reply, "RetryableWriteError") ||
        has_label(reply, "UnknownTransactionCommitResult"))
        return MARQUEE_ERROR_AGAIN;
    if (server && failure->code == CODE_ILLEGAL_OPERATION)
        return MARQUEE_ERROR_CONFIG;
    return MARQUEE_ERROR_FAILED;
}

bool mongo_fail(struct view_mongo *store,
                const char *what,
                const bson_t *reply,
                const bson_error_t *failure,
                GError **error)
{
    enum marquee_error code = code_of(reply, failure);
    store->transient = has_label(reply, "TransientTransactionError") ||
                       (failure->domain == MONGOC_ERROR_SERVER && code == MARQUEE_ERROR_AGAIN);
    g_set_error(error, MARQUEE_ERROR, (int)code, "MongoDB: %s: %s (code %u)", what,
                failure->message, failure->code);
    return false;
}

/* ---- connection ---- */

/* A option of the connection string that its author didn't set. */
static void default_ms(mongoc_uri_t *uri, const char *option, int64_t value_ms)
{
    if (!mongoc_uri_has_option(uri, option))
        mongoc_uri_set_option_as_int32(uri, option, (int32_t)MIN(value_ms, INT32_MAX));
}

static mongoc_uri_t *read_uri(const struct config *config, GError **error)
{
    bson_error_t failure = {0};
    mongoc_uri_t *uri = mongoc_uri_new_with_error(config->views_uri, &failure);
    if (!uri) {
        /* The library's text may quote what it can't read, which may be the password. */
        bool secret = strchr(config->views_uri, '@') != NULL;
        g_autofree char *masked = config_mask_url(config->views_uri);
        error_set(error, CONFIG,
                  "views.uri: '%s' is no connection string of MongoDB%s%s; expected "
                  "mongodb://host:port,.../database?replicaSet=name, user and password "
                  "percent-encoded",
                  masked, secret ? "" : ": ", secret ? "" : failure.message);
        return NULL;
    }
    int64_t timeout_ms = config->views_timeout_ms;
    default_ms(uri, MONGOC_URI_CONNECTTIMEOUTMS, timeout_ms);
    default_ms(uri, MONGOC_URI_SOCKETTIMEOUTMS, timeout_ms);
    default_ms(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, timeout_ms);
    /* An election takes longer than one try. */
    if (!mongoc_uri_has_option(uri, MONGOC_URI_SERVERSELECTIONTRYONCE))
        mongoc_uri_set_option_as_bool(uri, MONGOC_URI_SERVERSELECTIONTRYONCE, false);
    mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYWRITES, true);
    return uri;
}

/* When it is loaded the library puts counters that nobody here reads into shared memory, under the
 * process' number. A process that is killed would leave them there, and the next one with that
 * number complains about it on standard error: so the name goes at once, before main. */
__attribute__((constructor)) static void hide_counters(void)
{
    char name[COUNTERS_NAME_BYTES];
    g_snprintf(name, sizeof name, "/mongoc-%u", (unsigned)getpid());
    (void)shm_unlink(name);
}

bool mongo_connect(struct view_mongo *store, GError **error)
{
    mongoc_init();
    /* What it says on its own is said by our errors, in our log. */
    mongoc_log_set_handler(NULL, NULL);
    mongoc_uri_t *uri = read_uri(store->view.context->config, error);
    if (!uri)
        return false;
    const char *database = mongoc_uri_get_database(uri);
    store->database = g_strdup(database && *database ? database : DATABASE_DEFAULT);
    bson_error_t failure = {0};
    store->client = mongoc_client_new_from_uri_with_error(uri, &failure);
    mongoc_uri_destroy(uri);
    if (!store->client) {
        error_set(error, CONFIG, "views.uri: %s", failure.message);
        return false;
    }
    mongoc_client_set_error_api(store->client, ERROR_API);
    mongoc_client_set_appname(store->client, "marquee");
    mongoc_write_concern_t *write = mongoc_write_concern_new();
    mongoc_write_concern_set_wmajority(write,
                                       (int32_t)store->view.context->config->views_timeout_ms);
    mongoc_client_set_write_concern(store->client, write);
    mongoc_write_concern_destroy(write);
    mongoc_read_concern_t *read = mongoc_read_concern_new();
    mongoc_read_concern_set_level(read, MONGOC_READ_CONCERN_LEVEL_MAJORITY);
    mongoc_client_set_read_concern(store->client, read);
    mongoc_read_concern_destroy(read);
    mongoc_read_prefs_t *prefs = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);
    mongoc_client_set_read_prefs(store->client, prefs);
    mongoc_read_prefs_destroy(prefs);
    for (int i = 0; i < MONGO_COLLECTION_COUNT; i++)
        store->collections[i] =
            mongoc_client_get_collection(store->client, store->database, collection_names[i]);
    return true;
}

void mongo_disconnect(struct view_mongo *store)
{
    for (int i = 0; i < MONGO_COLLECTION_COUNT; i++)
        if (store->collections[i])
            mongoc_collection_destroy(store->collections[i]);
    if (store->client)
        mongoc_client_destroy(store->client);
    g_free(store->database);
}

/* ---- transactions ---- */

bson_t *mongo_options(struct view_mongo *store)
{
    bson_t *options = bson_new();
    bson_error_t failure;
    if (store->session) {
        bool appended = mongoc_client_session_append(store->session, options, &failure);
        g_assert(appended); /* the session is of this client */
    }
    return options;
}

/* ret_again: the transaction as a whole may be repeated. */
static bool commit(struct view_mongo *store, const char *what, bool *ret_again, GError **error)
{
    for (int i = 0; i < COMMIT_TRIES; i++) {
        bson_error_t failure = {0};
        bson_t reply;
        bool ok = mongoc_client_session_commit_transaction(store->session, &reply, &failure);
        bool unknown = !ok && has_label(&reply, "UnknownTransactionCommitResult");
        *ret_again = !ok && has_label(&reply, "TransientTransactionError");
        if (!ok && (!unknown || i == COMMIT_TRIES - 1))
            mongo_fail(store, what, &reply, &failure, error);
        bson_destroy(&reply);
        if (ok)
            return true;
        if (!unknown)
            return false;
    }
    return false;
}

static bool try_transaction(struct view_mongo *store,
                            const char *what,
                            mongo_body body,
                            void *user,
                            bool *ret_again,
                            GError **error)
{
    bson_error_t failure = {0};
    if (!mongoc_client_session_start_transaction(store->session, NULL, &failure))
        return mongo_fail(store, what, NULL, &failure, error);
    store->transient = false;
    if (!body(store, user, error)) {
        *ret_again = store->transient;
        if (!mongoc_client_session_abort_transaction(store->session, &failure))
            log_debug(store->view.context->log, "view", "a transaction ends by itself",
                      LOG_STR("why", failure.message));
        return false;
    }
    return commit(store, what, ret_again, error);
}

bool mongo_transaction(
    struct view_mongo *store, const char *what, mongo_body body, void *user, GError **error)
{
    bson_error_t failure = {0};
    if (!mongo_ready(store, error))
        return false;
    mongoc_transaction_opt_t *options = mongoc_transaction_opts_new();
    mongoc_read_concern_t *read = mongoc_read_concern_new();
    mongoc_read_concern_set_level(read, MONGOC_READ_CONCERN_LEVEL_SNAPSHOT);
    mongoc_transaction_opts_set_read_concern(options, read);
    mongoc_read_concern_destroy(read);
    mongoc_session_opt_t *session = mongoc_session_opts_new();
    mongoc_session_opts_set_default_transaction_opts(session, options);
    store->session = mongoc_client_start_session(store->client, session, &failure);
    mongoc_session_opts_destroy(session);
    mongoc_transaction_opts_destroy(options);
    if (!store->session)
        return mongo_fail(store, what, NULL, &failure, error);
    bool ok = false;
    for (int i = 0; i < TRANSACTION_TRIES; i++) {
        GError *trouble = NULL;
        bool again = false;
        ok = try_transaction(store, what, body, user, &again, &trouble);
        if (ok)
            break;
        if (!again || i == TRANSACTION_TRIES - 1) {
            g_propagate_error(error, trouble);
            break;
        }
        g_clear_error(&trouble);
    }
    mongoc_client_session_destroy(store->session);
    store->session = NULL;
    return ok;
}

/* ---- single reads and writes ---- */

static const char *name_of(enum mongo_collection collection)
{
    return collection_names[collection];
}

bool mongo_cursor_ok(struct view_mongo *store,
                     mongoc_cursor_t *cursor,
                     const char *what,
                     GError **error)
{
    bson_error_t failure = {0};
    const bson_t *reply = NULL;
    return !mongoc_cursor_error_document(cursor, &failure, &reply) ||
           mongo_fail(store, what, reply, &failure, error);
}

bool mongo_find_one(struct view_mongo *store,
                    enum mongo_collection collection,
                    bson_t *filter,
                    bson_t **ret_doc,
                    GError **error)
{
    g_autoptr(bson_t) asked = filter;
    g_autoptr(bson_t) options = mongo_options(store);
    BSON_APPEND_INT64(options, "limit", 1);
    BSON_APPEND_BOOL(options, "singleBatch", true);
    g_autoptr(mongoc_cursor_t) cursor =
        mongoc_collection_find_with_opts(store->collections[collection], asked, options, NULL);
    const bson_t *doc;
    bool found = mongoc_cursor_next(cursor, &doc);
    if (!found && !mongo_cursor_ok(store, cursor, name_of(collection), error))
        return false;
    *ret_doc = found ? bson_copy(doc) : NULL;
    return true;
}

bool mongo_update_one(struct view_mongo *store,
                      enum mongo_collection collection,
                      bson_t *filter,
                      bson_t *update,
                      bool upsert,
                      int64_t *ret_matched,
                      GError **error)
{
    g_autoptr(bson_t) which = filter;
    g_autoptr(bson_t) change = update;
    g_autoptr(bson_t) options = mongo_options(store);
    BSON_APPEND_BOOL(options, "upsert", upsert);
    bson_error_t failure = {0};
    bson_t reply;
    bool ok = mongoc_collection_update_one(store->collections[collection], which, change, options,
                                           &reply, &failure);
    if (!ok)
        mongo_fail(store, name_of(collection), &reply, &failure, error);
    else if (ret_matched)
        *ret_matched = mongo_int(&reply, "matchedCount");
    bson_destroy(&reply);
    return ok;
}

bool mongo_update_many(struct view_mongo *store,
                       enum mongo_collection collection,
                       bson_t *filter,
                       bson_t *update,
                       GError **error)
{
    g_autoptr(bson_t) which = filter;
    g_autoptr(bson_t) change = update;
    g_autoptr(bson_t) options = mongo_options(store);
    bson_error_t failure = {0};
    bson_t reply;
    bool ok = mongoc_collection_update_many(store->collections[collection], which, change, options,
                                            &reply, &failure);
    if (!ok)
        mongo_fail(store, name_of(collection), &reply, &failure, error);
    bson_destroy(&reply);
    return ok;
}

bool mongo_delete_many(struct view_mongo *store,
                       enum mongo_collection collection,
                       bson_t *filter,
                       int64_t *ret_deleted,
                       GError **error)
{
    g_autoptr(bson_t) which = filter;
    g_autoptr(bson_t) options = mongo_options(store);
    bson_error_t failure = {0};
    bson_t reply;
    bool ok = mongoc_collection_delete_many(store->collections[collection], which, options, &reply,
                                            &failure);
    if (!ok)
        mongo_fail(store, name_of(collection), &reply, &failure, error);
    else
        *ret_deleted = mongo_int(&reply, "deletedCount");
    bson_destroy(&reply);
    return ok;
}

bool mongo_delete_some(struct view_mongo *store,
                       enum mongo_collection collection,
                       bson_t *filter,
                       bson_t *sort,
                       size_t rows_max,
                       int64_t *ret_deleted,
                       GError **error)
{
    g_autoptr(bson_t) which = filter;
    g_autoptr(bson_t) order = sort;
    g_autoptr(bson_t) options = BCON_NEW("limit", BCON_INT64((int64_t)rows_max), "projection", "{",
                                         "_id", BCON_INT32(1), "}");
    if (order)
        BSON_APPEND_DOCUMENT(options, "sort", order);
    g_autoptr(mongoc_cursor_t) cursor =
        mongoc_collection_find_with_opts(store->collections[collection], which, options, NULL);
    bson_t *chosen = bson_new(), in, ids;
    BSON_APPEND_DOCUMENT_BEGIN(chosen, "_id", &in);
    BSON_APPEND_ARRAY_BEGIN(&in, "$in", &ids);
    const bson_t *doc;
    uint32_t count = 0;
    for (bson_iter_t id; mongoc_cursor_next(cursor, &doc); count++) {
        g_autofree char *place = g_strdup_printf("%u", count);
        if (bson_iter_init_find(&id, doc, "_id"))
            bson_append_value(&ids, place, -1, bson_iter_value(&id));
    }
    bson_append_array_end(&in, &ids);
    bson_append_document_end(chosen, &in);
    bool ok = mongo_cursor_ok(store, cursor, name_of(collection), error);
    if (!ok || count == 0) {
        bson_destroy(chosen);
        *ret_deleted = 0;
        return ok;
    }
    return mongo_delete_many(store, collection, chosen, ret_deleted, error);
}

bool mongo_bulk(struct view_mongo *store,
                mongoc_bulk_operation_t *bulk,
                const char *what,
                GError **error)
{
    bson_error_t failure = {0};
    bson_t reply;
    bool ok = mongoc_bulk_operation_execute(bulk, &reply, &failure) != 0;
    if (!ok)
        mongo_fail(store, what, &reply, &failure, error);
    bson_destroy(&reply);
    return ok;
}

int64_t mongo_int(const bson_t *doc, const char *field)
{
    bson_iter_t iter;
    if (!bson_iter_init_find(&iter, doc, field))
        return 0;
    return BSON_ITER_HOLDS_DATE_TIME(&iter) ? bson_iter_date_time(&iter)
                                            : bson_iter_as_int64(&iter);
}

const char *mongo_text(const bson_t *doc, const char *field)
{
    bson_iter_t iter;
    return bson_iter_init_find(&iter, doc, field) && BSON_ITER_HOLDS_UTF8(&iter)
               ? bson_iter_utf8(&iter, NULL)
               : "";
}
