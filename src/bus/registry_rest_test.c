/* Proves against a scripted server: which requests are made, that a write is preceded by our own
 * check and by BACKWARD, what each refusal becomes, that a registry which is away is AGAIN after
 * bounded tries while schemas that were met keep serving. Against a real one, where
 * MARQUEE_REGISTRY names it: the contract, and our contracts' records through it. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/embedded.h"
#include "bus/frame.h"
#include "bus/registry.h"
#include "bus/registry_contract.h"
#include "bus/serde.h"
#include "net/http_server.h"

#define SCHEMA "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}"
#define SCHEMA_QUOTED                                                                              \
    "{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"R\\\",\\\"fields\\\":[{\\\"name\\\":\\\"a\\\"," \
    "\\\"type\\\":\\\"int\\\"}]}"
#define OLDER_QUOTED "{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"R\\\",\\\"fields\\\":[]}"
#define STEPS_MAX    16
#define NOT_THERE    "{\"error_code\":40401,\"message\":\"no subject\"}"

/* What the server expects next, and what it answers. */
struct step {
    /* path NULL: any. body_part: NULL, or a piece of the request's body */
    const char *method, *path, *body_part;
    int status;
    const char *answer;
};

struct world {
    struct config *config;
    struct context context;
    struct http_server *server;
    struct step steps[STEPS_MAX];
    gint taken;
    struct registry *registry;
};

static void *worker_open(void *user, GError **error)
{
    (void)error;
    return user;
}

static void answer(const struct http_request *request, struct http_response *response, void *worker)
{
    struct world *world = worker;
    gint taken = g_atomic_int_add(&world->taken, 1);
    g_assert_cmpint(taken, <, STEPS_MAX);
    const struct step *step = &world->steps[taken];
    size_t len;
    const char *body = http_request_body(request, &len);
    g_autofree char *text = g_strndup(body, len);
    g_assert_cmpstr(http_request_method(request), ==, step->method);
    if (step->path)
        g_assert_cmpstr(http_request_path(request), ==, step->path);
    if (step->body_part) {
        g_assert_nonnull(strstr(text, step->body_part));
        g_assert_cmpstr(http_request_header(request, "Content-Type"), ==,
                        "application/vnd.schemaregistry.v1+json");
    }
    http_reply(response, step->status, "application/vnd.schemaregistry.v1+json", step->answer,
               strlen(step->answer));
}

static const struct http_route routes[] = {
    {"GET", "/*", answer, "get"},
    {"POST", "/*", answer, "post"},
    {"PUT", "/*", answer, "put"},
};

static void set_url(struct world *world, char *url)
{
    g_free(world->config->registry_url);
    world->config->registry_url = url;
}

static void setup(struct world *world, const void *data)
{
    (void)data;
    world->config = config_new_default();
    world->context = (struct context){.config = world->config, .clock = clock_new_real()};
    const struct http_server_options options = {
        .host = "127.0.0.1",
        .threads = 1,
        .connections_max = 4,
        .idle_timeout_ms = 10000,
        .routes = routes,
        .routes_count = G_N_ELEMENTS(routes),
        .worker_open = worker_open,
        .user = world,
    };
    g_autoptr(GError) error = NULL;
    world->server = http_server_start(&world->context, &options, &error);
    g_assert_no_error(error);
    set_url(world, g_strdup_printf("http://127.0.0.1:%d/api/v7/", http_server_port(world->server)));
    world->registry = registry_open(&world->context, &error);
    g_assert_no_error(error);
}

static void teardown(struct world *world, const void *data)
{
    (void)data;
    registry_close(world->registry);
    http_server_stop(world->server);
    clock_free(world->context.clock);
    config_free(world->config);
}

#define SCRIPT(world, ...)                                                                         \
    do {                                                                                           \
        const struct step script[] = {__VA_ARGS__};                                                \
        memcpy((world)->steps, script, sizeof script);                                             \
        g_atomic_int_set(&(world)->taken, 0);                                                      \
    } while (0)

static void assert_taken(struct world *world, int expected)
{
    g_assert_cmpint(g_atomic_int_get(&world->taken), ==, expected);
}

static int32_t add(struct world *world, const char *subject)
{
    int32_t id = 0;
    g_autoptr(GError) error = NULL;
    bool done = registry_register(world->registry, subject, SCHEMA, &id, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    return id;
}

/* Known: one request. A subject's name is one segment of the path. */
static void test_known(struct world *world, const void *data)
{
    (void)data;
    SCRIPT(world, {"POST", "/api/v7/subjects/a b-value", SCHEMA_QUOTED, 200, "{\"id\":7}"});
    g_assert_cmpint(add(world, "a b-value"), ==, 7);
    assert_taken(world, 1);
}

/* New: the subject is made BACKWARD before its first version. */
static void test_new(struct world *world, const void *data)
{
    (void)data;
    SCRIPT(world, {"POST", "/api/v7/subjects/s", NULL, 404, NOT_THERE},
           {"GET", "/api/v7/subjects/s/versions/latest", NULL, 404, NOT_THERE},
           {"GET", "/api/v7/config/s", NULL, 404, NOT_THERE},
           {"PUT", "/api/v7/config/s", "\"BACKWARD\"", 200, "{\"compatibility\":\"BACKWARD\"}"},
           {"POST", "/api/v7/subjects/s/versions", SCHEMA_QUOTED, 200, "{\"id\":8}"});
    g_assert_cmpint(add(world, "s"), ==, 8);
    assert_taken(world, 5);
}

/* Another process sets the level between our look and our request. */
static void test_new_race(struct world *world, const void *data)
{
    (void)data;
    SCRIPT(world, {"POST", "/api/v7/subjects/s", NULL, 404, NOT_THERE},
           {"GET", "/api/v7/subjects/s/versions/latest", NULL, 404, NOT_THERE},
           {"GET", "/api/v7/config/s", NULL, 404, NOT_THERE},
           {"PUT", "/api/v7/config/s", NULL, 409, "{\"message\":\"already exists\"}"},
           {"POST", "/api/v7/subjects/s/versions", NULL, 200, "{\"id\":8}"});
    g_assert_cmpint(add(world, "s"), ==, 8);
    assert_taken(world, 5);
}

/* The same but for its wording: the id that it has. Nothing is written. */
static void test_same(struct world *world, const void *data)
{
    (void)data;
    SCRIPT(world, {"POST", "/api/v7/subjects/s", NULL, 404, NOT_THERE},
           {"GET", "/api/v7/subjects/s/versions/latest", NULL, 200,
            "{\"subject\":\"s\",\"version\":3,\"id\":9,\"schema\":\" " SCHEMA_QUOTED "\"}"});
    g_assert_cmpint(add(world, "s"), ==, 9);
    assert_taken(world, 2);
}

static void
assert_refused(struct world *world, enum marquee_error code, const char *part, int requests)
{
    int32_t id = -1;
    g_autoptr(GError) error = NULL;
    g_assert_false(registry_register(world->registry, "s", SCHEMA, &id, &error));
    g_assert_error(error, MARQUEE_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, part));
    g_assert_cmpint(id, ==, -1);
    assert_taken(world, requests);
}

/* What BACKWARD forbids we refuse ourselves, naming the field; what a stricter level forbids the
 * registry refuses, in its words. That level is left as it is. */
static void test_conflict(struct world *world, const void *data)
{
    (void)data;
    SCRIPT(world, {"POST", "/api/v7/subjects/s", NULL, 404, NOT_THERE},
           {"GET", "/api/v7/subjects/s/versions/latest", NULL, 200,
            "{\"version\":3,\"id\":9,\"schema\":\"" OLDER_QUOTED "\"}"});
    assert_refused(world, MARQUEE_ERROR_CONFLICT, "a: the reader needs it", 2);
    SCRIPT(world, {"POST", "/api/v7/subjects/s", NULL, 404, NOT_THERE},
           {"GET", "/api/v7/subjects/s/versions/latest", NULL, 404, NOT_THERE},
           {"GET", "/api/v7/config/s", NULL, 200, "{\"compatibilityLevel\":\"FULL\"}"},
           {"POST", "/api/v7/subjects/s/versions", NULL, 409,
            "{\"error_code\":409,\"message\":\"not FULL: field a\"}"});
    assert_refused(world, MARQUEE_ERROR_CONFLICT, "not FULL: field a", 4);
}

static void test_refusals(struct world *world, const void *data)
{
    (void)data;
    SCRIPT(world, {"POST", "/api/v7/subjects/s", NULL, 401, "{\"message\":\"who are you\"}"});
    assert_refused(world, MARQUEE_ERROR_DENIED, "who are you", 1);
    SCRIPT(world, {"POST", "/api/v7/subjects/s", NULL, 422,
                   "{\"error_code\":42201,\"message\":\"Invalid schema\"}"});
    assert_refused(world, MARQUEE_ERROR_BADDATA, "Invalid schema", 1);
    SCRIPT(world, {"POST", "/api/v7/subjects/s", NULL, 200, "<html>a proxy</html>"});
    assert_refused(world, MARQUEE_ERROR_FAILED, "status 200", 1);
}

/* 5xx is tried again; away for good it is AGAIN, and what was looked up before still serves. */
static void test_away(struct world *world, const void *data)
{
    (void)data;
    SCRIPT(world, {"GET", "/api/v7/schemas/ids/5", NULL, 503, "later"},
           {"GET", "/api/v7/schemas/ids/5", NULL, 200, "{\"schema\":\"" SCHEMA_QUOTED "\"}"},
           {"GET", "/api/v7/schemas/ids/6", NULL, 500, ""},
           {"GET", "/api/v7/schemas/ids/6", NULL, 500, ""},
           {"GET", "/api/v7/schemas/ids/6", NULL, 500, ""},
           {"GET", "/api/v7/schemas/ids/6", NULL, 500, "{\"message\":\"out of order\"}"});
    g_autoptr(GError) error = NULL;
    const struct schema *schema = registry_schema(world->registry, 5, &error);
    g_assert_no_error(error);
    g_assert_null(registry_schema(world->registry, 6, &error));
    g_assert_true(error_is(error, AGAIN));
    g_assert_nonnull(strstr(error->message, "out of order"));
    assert_taken(world, 6);
    g_clear_error(&error);
    http_server_stop(world->server);
    world->server = NULL;
    g_assert_true(registry_schema(world->registry, 5, &error) == schema);
    g_assert_null(registry_schema(world->registry, 6, &error));
    g_assert_true(error_is(error, AGAIN));
    g_assert_nonnull(strstr(error->message, "registry.url"));
}

/* A GUID (of the frame 0x01) is asked for by its text, once. */
static void test_guid(struct world *world, const void *data)
{
    (void)data;
    static const char guid[] = "\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10";
    SCRIPT(world,
           {"GET", "/api/v7/schemas/guids/01234567-89ab-cdef-fedc-ba9876543210", NULL, 200,
            "{\"schema\":\"" SCHEMA_QUOTED "\"}"},
           {"GET", "/api/v7/schemas/guids/11234567-89ab-cdef-fedc-ba9876543210", NULL, 404,
            NOT_THERE});
    g_autoptr(GError) error = NULL;
    const struct schema *schema = registry_schema_guid(world->registry, guid, &error);
    g_assert_no_error(error);
    g_assert_nonnull(schema);
    g_assert_true(registry_schema_guid(world->registry, guid, &error) == schema);
    char other[sizeof guid];
    memcpy(other, guid, sizeof guid);
    other[0] = 0x11;
    g_assert_null(registry_schema_guid(world->registry, other, &error));
    g_assert_true(error_is(error, NOTFOUND));
    assert_taken(world, 2);
}

/* A record framed by a GUID is decoded with the schema of that name; one that the registry doesn't
 * know is bad, and one that can't be asked for now waits. */
static void test_guid_record(struct world *world, const void *data)
{
    (void)data;
    static const char frame[] = "\x01"
                                "0123456789abcdef";
    static const char guid_path[] = "/api/v7/schemas/guids/30313233-3435-3637-3839-616263646566";
    struct registry *own = registry_new_mem();
    g_autoptr(GError) error = NULL;
    struct serde *writer = serde_new(own, &error);
    const struct rating rating = {.movie_id = 7, .vote_count = 100, .timestamp_ms = 1000};
    g_autoptr(GByteArray) framed = g_byte_array_new(), out = g_byte_array_new();
    serde_encode(writer, TOPIC_RATINGS, &rating, framed);
    g_byte_array_append(out, (const guint8 *)frame, FRAME_GUID_BYTES);
    g_byte_array_append(out, framed->data + FRAME_ID_BYTES, framed->len - FRAME_ID_BYTES);
    const struct span value = {(const char *)out->data, out->len};

    size_t len;
    const char *schema = embedded_text(topic_info(TOPIC_RATINGS)->schema_path, &len);
    json_t *answered = json_pack("{s:s}", "schema", schema);
    char *text = json_dumps(answered, 0);
    static const struct step known = {"POST", NULL, NULL, 200, "{\"id\":7}"};
    struct step script[STEPS_MAX];
    for (int i = 0; i < TOPIC_COUNT; i++)
        script[i] = known;
    script[TOPIC_COUNT] = (struct step){"GET", guid_path, NULL, 200, text};
    memcpy(world->steps, script, sizeof script);
    struct serde *serde = serde_new(world->registry, &error);
    g_assert_no_error(error);

    struct arena *arena = arena_new();
    struct rating back = {0};
    for (int i = 0; i < 2; i++) {
        g_assert_true(serde_decode(serde, TOPIC_RATINGS, value, arena, &back, &error));
        g_assert_cmpint(back.movie_id, ==, 7);
        g_assert_cmpint(back.vote_count, ==, 100);
    }
    assert_taken(world, TOPIC_COUNT + 1);
    g_assert_false(serde_decode(writer, TOPIC_RATINGS, value, arena, &back, &error));
    g_assert_true(error_is(error, BADDATA)); /* the built-in registry knows no GUIDs */
    arena_free(arena);
    free(text);
    json_decref(answered);
    serde_free(serde);
    serde_free(writer);
    registry_close(own);
}

/* ---- a real registry ---- */

static struct registry *open_real(void *user)
{
    g_autoptr(GError) error = NULL;
    struct registry *registry = registry_open(user, &error);
    g_assert_no_error(error);
    return registry;
}

/* New with each test: the names of the last one are taken. */
static char *real_subject(void *user, const char *name)
{
    (void)user;
    static char *prefix;
    static const char *last_path;
    if (last_path != g_test_get_path()) {
        g_free(prefix);
        prefix = g_uuid_string_random();
        last_path = g_test_get_path();
    }
    return g_strdup_printf("%s.%s", prefix, name);
}

/* Our contracts are registered, and a second process finds them; a record written by one is read by
 * the other. */
static void test_serde(const void *data)
{
    g_autoptr(GError) error = NULL;
    struct registry *registries[2];
    struct serde *serdes[2];
    for (int i = 0; i < 2; i++) {
        registries[i] = registry_open(data, &error);
        serdes[i] = serde_new(registries[i], &error);
        g_assert_no_error(error);
    }
    const struct rating rating = {
        .movie_id = 7, .vote_average = 6.5, .vote_count = 100, .timestamp_ms = 1000};
    struct rating back;
    struct arena *arena = arena_new();
    g_autoptr(GByteArray) out = g_byte_array_new();
    serde_encode(serdes[0], TOPIC_RATINGS, &rating, out);
    g_assert_true(serde_decode(serdes[1], TOPIC_RATINGS,
                               (struct span){(const char *)out->data, out->len}, arena, &back,
                               &error));
    g_assert_cmpint(back.movie_id, ==, 7);
    g_assert_cmpint(back.vote_count, ==, 100);
    out->data[1] = 0x7f; /* an id that the registry never gave */
    g_assert_false(serde_decode(serdes[1], TOPIC_RATINGS,
                                (struct span){(const char *)out->data, out->len}, arena, &back,
                                &error));
    g_assert_true(error_is(error, BADDATA));
    arena_free(arena);
    for (int i = 0; i < 2; i++) {
        serde_free(serdes[i]);
        registry_close(registries[i]);
    }
}

static void test_skipped(void)
{
    g_test_skip("MARQUEE_REGISTRY names no registry; make test-kafka starts one");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    static const struct {
        const char *path;
        void (*run)(struct world *world, const void *data);
    } cases[] = {
        {"/registry/scripted/known", test_known},
        {"/registry/scripted/new", test_new},
        {"/registry/scripted/new_race", test_new_race},
        {"/registry/scripted/same", test_same},
        {"/registry/scripted/conflict", test_conflict},
        {"/registry/scripted/refusals", test_refusals},
        {"/registry/scripted/away", test_away},
        {"/registry/scripted/guid", test_guid},
        {"/registry/scripted/guid_record", test_guid_record},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_test_add(cases[i].path, struct world, NULL, setup, cases[i].run, teardown);

    const char *url = g_getenv("MARQUEE_REGISTRY");
    struct config *config = config_new_default();
    struct context context = {.config = config};
    const struct registry_contract contract = {
        .name = "rest", .open = open_real, .subject = real_subject, .user = &context};
    if (url && *url) {
        g_free(config->registry_url);
        config->registry_url = g_strdup(url);
        registry_contract_add(&contract);
        g_test_add_data_func("/registry/rest/serde", &context, test_serde);
    } else {
        g_test_add_func("/registry/rest", test_skipped);
    }
    int status = g_test_run();
    config_free(config);
    return status;
}
