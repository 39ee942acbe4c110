/* The MongoDB view store keeps the contract of view.h on a real replica set, which MARQUEE_MONGODB
 * names (tests/cluster/servers.sh); each test has a database of its own and drops it. Then what
 * only this store can get wrong: a step-down, a connection string with a secret, a standalone. */
#include "view/view_contract.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "view/mongoc_header.h"
#include <glib.h>

#include "base/clock.h"
#include "base/error.h"
#include "view/view_contract_internal.h"

static const char *server;
static GPtrArray *databases; /* made by this process */

/* The server's connection string with a database of its own. */
static char *fresh_uri(void)
{
    char *name = g_strdup_printf("marquee_test_%08x%08x", g_random_int(), g_random_int());
    g_ptr_array_add(databases, name);
    const char *slash = strchr(server + strlen("mongodb://"), '/');
    const char *options = slash ? strchr(slash, '?') : NULL;
    int hosts = (int)(slash ? slash - server : (ptrdiff_t)strlen(server));
    return g_strdup_printf("%.*s/%s%s", hosts, server, name, options ? options : "");
}

static void set_uri(struct config *config, const char *uri)
{
    GError *error = NULL;
    bool ok = config_set(config, "views.uri", uri, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void prepare(struct config *config)
{
    g_autofree char *uri = fresh_uri();
    set_uri(config, uri);
}

static void drop_databases(void)
{
    mongoc_client_t *client = mongoc_client_new(server);
    for (guint i = 0; i < databases->len; i++) {
        mongoc_database_t *database = mongoc_client_get_database(client, databases->pdata[i]);
        mongoc_database_drop(database, NULL);
        mongoc_database_destroy(database);
    }
    mongoc_client_destroy(client);
    g_ptr_array_unref(databases);
}

int main(int argc, char **argv)
{
    static const struct view_contract contract = {.backend = "mongodb", .prepare = prepare};
    server = g_getenv("MARQUEE_MONGODB");
    if (!server || !*server) {
        printf("1..0 # SKIP MARQUEE_MONGODB names no replica set; make test-cluster starts one\n");
        return 0;
    }
    g_test_init(&argc, &argv, NULL);
    mongoc_init();
    databases = g_ptr_array_new_with_free_func(g_free);
    view_contract_add(&contract);
    int status = g_test_run();
    drop_databases();
    return status;
}
