/* What contracts/views.mongodb.json asks for: collections and indexes, made or compared at the
 * first use of a handle. */
#include <string.h>

#include "base/embedded.h"
#include "view/view_mongo.h"

#define CONTRACT "contracts/views.mongodb.json"

/* MongoDB's codes (its error_codes.yml). */
enum schema_code {
    CODE_NAMESPACE_EXISTS = 48,
    CODE_INDEX_OPTIONS_CONFLICT = 85,
    CODE_INDEX_KEY_SPECS_CONFLICT = 86,
};

/* ret_code: the server's, where it refused. */
static bool command(struct view_mongo *store,
                    const char *what,
                    const bson_t *text,
                    uint32_t *ret_code,
                    GError **error)
{
    bson_error_t failure = {0};
    bson_t reply;
    bool ok = mongoc_client_write_command_with_opts(store->client, store->database, text, NULL,
                                                    &reply, &failure);
    *ret_code = !ok && failure.domain == MONGOC_ERROR_SERVER ? failure.code : 0;
    if (!ok)
        mongo_fail(store, what, &reply, &failure, error);
    bson_destroy(&reply);
    return ok;
}

static bool check_topology(struct view_mongo *store, GError **error)
{
    bson_error_t failure = {0};
    bson_t reply;
    g_autoptr(bson_t) hello = BCON_NEW("hello", BCON_INT32(1));
    bool ok = mongoc_client_command_simple(store->client, "admin", hello, NULL, &reply, &failure);
    if (!ok)
        mongo_fail(store, "hello", &reply, &failure, error);
    bool transactions =
        bson_has_field(&reply, "setName") || strcmp(mongo_text(&reply, "msg"), "isdbgrid") == 0;
    bson_destroy(&reply);
    if (ok && !transactions) {
        error_set(error, CONFIG,
                  "views.uri: this MongoDB is a standalone server, and publishing needs "
                  "transactions; start mongod with --replSet and run rs.initiate() once (a replica "
                  "set of one will do)");
        return false;
    }
    return ok;
}

/* mongod expires by its own clock: right only where ours is that one too. */
static bool clock_is_real(const struct context *context)
{
    return clock_speed(context->clock) == 1 && !*context->config->clock_start;
}

static void append_index(bson_t *out, const char *place, const bson_t *index, bool expires)
{
    bson_t copy;
    bson_append_document_begin(out, place, -1, &copy);
    if (expires)
        bson_concat(&copy, index);
    else
        bson_copy_to_excluding_noinit(index, &copy, "expireAfterSeconds", NULL);
    bson_append_document_end(out, &copy);
}

/* The array of indexes as the command takes it; how many there are. */
static uint32_t append_indexes(struct view_mongo *store, bson_t *out, const bson_iter_t *indexes)
{
    bool expires = clock_is_real(store->view.context);
    uint32_t count = 0;
    bson_iter_t each;
    bool array = bson_iter_recurse(indexes, &each);
    g_assert(array);
    for (; bson_iter_next(&each); count++) {
        uint32_t len;
        const uint8_t *bytes;
        bson_t index;
        g_autofree char *place = g_strdup_printf("%u", count);
        bson_iter_document(&each, &len, &bytes);
        bool read = bson_init_static(&index, bytes, len);
        g_assert(read);
        append_index(out, place, &index, expires);
    }
    return count;
}

static bool
make_indexes(struct view_mongo *store, const char *name, const bson_iter_t *indexes, GError **error)
{
    g_autoptr(bson_t) text = BCON_NEW("createIndexes", BCON_UTF8(name));
    bson_t array;
    BSON_APPEND_ARRAY_BEGIN(text, "indexes", &array);
    uint32_t count = append_indexes(store, &array, indexes), code = 0;
    bson_append_array_end(text, &array);
    GError *failure = NULL;
    if (count == 0 || command(store, name, text, &code, &failure))
        return true;
    if (code != CODE_INDEX_OPTIONS_CONFLICT && code != CODE_INDEX_KEY_SPECS_CONFLICT) {
        g_propagate_error(error, failure);
        return false;
    }
    error_set(error, CONFIG,
              "views.uri: an index of %s.%s differs from " CONTRACT
              ": %s; drop that index, or take another database (one that was made on a made-up "
              "clock has no expiry)",
              store->database, name, failure->message);
    g_clear_error(&failure);
    return false;
}

static bool make_collection(struct view_mongo *store, const bson_t *wanted, GError **error)
{
    const char *name = mongo_text(wanted, "name");
    g_autoptr(bson_t) create = BCON_NEW("create", BCON_UTF8(name));
    bson_iter_t indexes;
    bool found = bson_iter_init_find(&indexes, wanted, "indexes");
    g_assert(found);
    GError *failure = NULL;
    uint32_t code;
    if (!command(store, name, create, &code, &failure) && code != CODE_NAMESPACE_EXISTS) {
        g_propagate_error(error, failure);
        return false;
    }
    g_clear_error(&failure);
    return make_indexes(store, name, &indexes, error);
}

static bool make_collections(struct view_mongo *store, GError **error)
{
    bson_error_t failure;
    size_t size;
    const char *text = embedded_text(CONTRACT, &size);
    g_autoptr(bson_t) contract = bson_new_from_json((const uint8_t *)text, (ssize_t)size, &failure);
    g_assert(contract);
    bson_iter_t iter, each;
    bool found =
        bson_iter_init_find(&iter, contract, "collections") && bson_iter_recurse(&iter, &each);
    g_assert(found);
    while (bson_iter_next(&each)) {
        uint32_t len;
        const uint8_t *bytes;
        bson_t wanted;
        bson_iter_document(&each, &len, &bytes);
        if (!bson_init_static(&wanted, bytes, len) || !make_collection(store, &wanted, error))
            return false;
    }
    return true;
}

bool mongo_ready(struct view_mongo *store, GError **error)
{
    if (!store->ready)
        store->ready = check_topology(store, error) && make_collections(store, error);
    return store->ready;
}
