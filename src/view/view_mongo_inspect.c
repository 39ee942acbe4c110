/* What marquee doctor asks MongoDB: whether its indexes are those of the contract, whether its
 * clock is ours (its TTL monitor goes by its own), and whether losing one server loses the views.
 * It makes nothing: mongo_ready isn't called. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/embedded.h"
#include "view/view_mongo.h"

#define CONTRACT        "contracts/views.mongodb.json"
#define SKEW_WARN_MS    2000
#define MEMBERS_DURABLE 3

static void look_at_clock(struct view_mongo *store, const bson_t *hello, struct findings *findings)
{
    static const char check[] = "views.clock";
    const struct context *context = store->view.context;
    bson_iter_t local;
    if (clock_speed(context->clock) != 1 || *context->config->clock_start) {
        findings_add(findings, FINDING_NOTE, check, NULL,
                     "marquee's clock is made up: MongoDB expires nothing, readers filter by time");
        return;
    }
    if (!bson_iter_init_find(&local, hello, "localTime") || !BSON_ITER_HOLDS_DATE_TIME(&local))
        return;
    int64_t ahead_ms = bson_iter_date_time(&local) - clock_now_ms(context->clock);
    if (ABS(ahead_ms) > SKEW_WARN_MS)
        findings_add(findings, FINDING_WARN, check,
                     "let both machines follow a time server: leases and expiry go by the clock",
                     "MongoDB's clock is %+.1f s beside ours",
                     (double)ahead_ms / (double)MS_PER_SECOND);
    else
        findings_add(findings, FINDING_OK, check, NULL, "within %d s of ours",
                     SKEW_WARN_MS / (int)MS_PER_SECOND);
}

/* Whether the driver had an answer from it when it looked for the primary; of others it tells
 * nothing. */
static bool answers(mongoc_server_description_t *const *servers, size_t count, const char *host)
{
    for (size_t i = 0; i < count; i++) {
        if (g_str_equal(mongoc_server_description_host(servers[i])->host_and_port, host))
            return true;
    }
    return false;
}

static void
look_at_members(struct view_mongo *store, const bson_t *hello, struct findings *findings)
{
    static const char check[] = "views.members";
    bson_iter_t hosts, each;
    int members = 0;
    size_t count = 0;
    mongoc_server_description_t **servers =
        mongoc_client_get_server_descriptions(store->client, &count);
    if (bson_iter_init_find(&hosts, hello, "hosts") && bson_iter_recurse(&hosts, &each))
        for (; bson_iter_next(&each); members++)
            if (!answers(servers, count, bson_iter_utf8(&each, NULL)))
                findings_add(findings, FINDING_WARN, check,
                             "start it again: while a majority is away nothing is written",
                             "%s doesn't answer", bson_iter_utf8(&each, NULL));
    mongoc_server_descriptions_destroy_all(servers, count);
    if (members < MEMBERS_DURABLE)
        findings_add(findings, FINDING_NOTE, check,
                     "three members survive the loss of one; views can be computed again from the "
                     "log and the lake",
                     "the replica set has %d member%s that hold data", members,
                     members == 1 ? "" : "s");
    else
        findings_add(findings, FINDING_OK, check, NULL, "%d members hold data", members);
}

/* Names of the indexes that the collection has; empty where it isn't there. */
static GHashTable *index_names(struct view_mongo *store, const char *collection)
{
    GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    mongoc_collection_t *handle =
        mongoc_client_get_collection(store->client, store->database, collection);
    g_autoptr(mongoc_cursor_t) cursor = mongoc_collection_find_indexes_with_opts(handle, NULL);
    const bson_t *index;
    while (mongoc_cursor_next(cursor, &index))
        g_hash_table_add(names, g_strdup(mongo_text(index, "name")));
    mongoc_collection_destroy(handle);
    return names;
}

static void
look_at_indexes(struct view_mongo *store, const bson_t *wanted, struct findings *findings)
{
    const char *collection = mongo_text(wanted, "name");
    GHashTable *names = index_names(store, collection);
    bson_iter_t indexes, each;
    if (bson_iter_init_find(&indexes, wanted, "indexes") && bson_iter_recurse(&indexes, &each)) {
        while (bson_iter_next(&each)) {
            uint32_t len;
            const uint8_t *bytes;
            bson_t index;
            bson_iter_document(&each, &len, &bytes);
            if (bson_init_static(&index, bytes, len) &&
                !g_hash_table_contains(names, mongo_text(&index, "name")))
                findings_add(findings, FINDING_WARN, "views.indexes",
                             "any start of marquee makes it; until then reads scan the collection",
                             "%s.%s has no index \"%s\"", store->database, collection,
                             mongo_text(&index, "name"));
        }
    }
    g_hash_table_unref(names);
}

static void look_at_collections(struct view_mongo *store, struct findings *findings)
{
    bson_error_t failure;
    size_t size;
    const char *text = embedded_text(CONTRACT, &size);
    g_autoptr(bson_t) contract = bson_new_from_json((const uint8_t *)text, (ssize_t)size, &failure);
    g_assert(contract);
    bson_iter_t iter, each;
    if (!bson_iter_init_find(&iter, contract, "collections") || !bson_iter_recurse(&iter, &each))
        return;
    while (bson_iter_next(&each)) {
        uint32_t len;
        const uint8_t *bytes;
        bson_t wanted;
        bson_iter_document(&each, &len, &bytes);
        if (bson_init_static(&wanted, bytes, len))
            look_at_indexes(store, &wanted, findings);
    }
    if (findings_worst(findings, "views.indexes") == FINDING_OK)
        findings_add(findings, FINDING_OK, "views.indexes", NULL, "all that " CONTRACT " names");
}

static bool look(struct view_mongo *store, struct findings *findings, GError **error)
{
    bson_error_t failure = {0};
    bson_t reply;
    g_autoptr(bson_t) hello = BCON_NEW("hello", BCON_INT32(1));
    bool answered =
        mongoc_client_command_simple(store->client, "admin", hello, NULL, &reply, &failure);
    if (answered) {
        look_at_clock(store, &reply, findings);
        look_at_members(store, &reply, findings);
        look_at_collections(store, findings);
    } else {
        mongo_fail(store, "hello", &reply, &failure, error);
    }
    bson_destroy(&reply);
    return answered;
}

bool view_mongo_inspect(const struct context *context, struct findings *findings, GError **error)
{
    struct view_mongo store = {.view = {.ops = &view_mongo_ops, .context = context}};
    bool looked = mongo_connect(&store, error) && look(&store, findings, error);
    mongo_disconnect(&store);
    return looked;
}
