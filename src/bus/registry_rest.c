/* The registry over Confluent's REST interface.
 *
 * add:   POST /subjects/S                     is this schema known there? then its id, and no write
 *        GET  /subjects/S/versions/latest     the same but for its wording: its id. Else BACKWARD
 *                                             by our own rules, whose text names the field
 *        GET  /config/S, PUT /config/S        BACKWARD, unless the subject has a level of its own:
 *                                             a registry may begin at NONE
 *        POST /subjects/S/versions            the registry's own check: 409 is CONFLICT
 * read:  GET  /schemas/ids/N, GET /schemas/guids/G
 *
 * Of two processes that bring the same schema, the registry gives both the same id. */
#include <string.h>

#include "base/config.h"
#include "bus/registry_backend.h"
#include "bus/registry_http.h"

#define STATUS_OK        200
#define STATUS_NOT_FOUND 404
#define STATUS_CONFLICT  409
#define STATUS_INVALID   422

struct registry_rest {
    struct registry registry;
    struct registry_http *http;
};

static const struct registry_ops registry_rest_ops;

static struct registry_rest *self(struct registry *registry)
{
    g_assert(registry->ops == &registry_rest_ops);
    return (struct registry_rest *)registry;
}

static void rest_close(struct registry *registry)
{
    registry_http_free(self(registry)->http);
    g_free(registry);
}

struct registry *registry_rest_open(const struct context *context, GError **error)
{
    struct registry_http *http = registry_http_new(context, context->config->registry_url, error);
    if (!http)
        return NULL;
    struct registry_rest *rest = g_new0(struct registry_rest, 1);
    rest->registry.ops = &registry_rest_ops;
    rest->http = http;
    return &rest->registry;
}

/* An answer that was neither right nor expected. Always false. */
static bool unexpected(const char *what, const struct registry_answer *answer, GError **error)
{
    error_set(error, FAILED, "registry: %s: status %d, code %d: %s", what, answer->status,
              answer->error_code, answer->message);
    return false;
}

static char *subject_path(const char *before, const char *subject, const char *after)
{
    g_autofree char *escaped = g_uri_escape_string(subject, NULL, FALSE);
    return g_strconcat(before, escaped, after, NULL);
}

/* *ret_id 0: the subject or the schema isn't there. */
static bool
take_id(const char *subject, const struct registry_answer *answer, int32_t *ret_id, GError **error)
{
    json_int_t id = json_integer_value(json_object_get(answer->body, "id"));
    if (answer->status == STATUS_OK && id > 0 && id <= INT32_MAX) {
        *ret_id = (int32_t)id;
        return true;
    }
    if (answer->status == STATUS_CONFLICT) {
        error_set(error, CONFLICT, "registry: %s: %s", subject, answer->message);
        return false;
    }
    if (answer->status == STATUS_INVALID) {
        error_set(error, BADDATA, "registry: %s: the registry can't read the schema: %s", subject,
                  answer->message);
        return false;
    }
    *ret_id = 0;
    return answer->status == STATUS_NOT_FOUND || unexpected(subject, answer, error);
}

/* Posts the schema to a path of its subject and takes the id of the answer. */
static bool post_schema(struct registry_rest *rest,
                        const char *subject,
                        const char *path_end,
                        const char *schema_json,
                        int32_t *ret_id,
                        GError **error)
{
    g_autofree char *path = subject_path("/subjects/", subject, path_end);
    json_t *body = json_pack("{s:s}", "schema", schema_json);
    struct registry_answer answer;
    bool done = registry_http_run(rest->http, "POST", path, body, &answer, error);
    json_decref(body);
    if (!done)
        return false;
    done = take_id(subject, &answer, ret_id, error);
    registry_answer_clear(&answer);
    return done;
}

static bool check_latest(const char *subject,
                         const struct registry_answer *latest,
                         const struct schema *schema,
                         int32_t *ret_id,
                         GError **error)
{
    const char *json = json_string_value(json_object_get(latest->body, "schema"));
    int version = (int)json_integer_value(json_object_get(latest->body, "version"));
    if (latest->status != STATUS_OK || !json)
        return latest->status == STATUS_NOT_FOUND || unexpected(subject, latest, error);
    struct schema *before = schema_parse(json, strlen(json), NULL);
    bool same = before && strcmp(schema_canonical(before), schema_canonical(schema)) == 0;
    schema_free(before);
    return same ? take_id(subject, latest, ret_id, error)
                : registry_check_backward(subject, version, json, schema, error);
}

/* *ret_id as take_id's; CONFLICT where schema can't follow the latest version. */
static bool compare_latest(struct registry_rest *rest,
                           const char *subject,
                           const struct schema *schema,
                           int32_t *ret_id,
                           GError **error)
{
    g_autofree char *path = subject_path("/subjects/", subject, "/versions/latest");
    struct registry_answer answer;
    if (!registry_http_run(rest->http, "GET", path, NULL, &answer, error))
        return false;
    bool done = check_latest(subject, &answer, schema, ret_id, error);
    registry_answer_clear(&answer);
    return done;
}

static bool put_backward(struct registry_rest *rest, const char *path, GError **error)
{
    json_t *body = json_pack("{s:s}", "compatibility", "BACKWARD");
    struct registry_answer answer;
    bool done = registry_http_run(rest->http, "PUT", path, body, &answer, error);
    json_decref(body);
    if (!done)
        return false;
    /* 409: another process has set a level meanwhile. */
    done = answer.status == STATUS_OK || answer.status == STATUS_CONFLICT ||
           unexpected(path, &answer, error);
    registry_answer_clear(&answer);
    return done;
}

static bool ensure_backward(struct registry_rest *rest, const char *subject, GError **error)
{
    g_autofree char *path = subject_path("/config/", subject, NULL);
    struct registry_answer answer;
    if (!registry_http_run(rest->http, "GET", path, NULL, &answer, error))
        return false;
    const char *level = json_string_value(json_object_get(answer.body, "compatibilityLevel"));
    bool set = answer.status == STATUS_OK && level && strcmp(level, "NONE") != 0;
    registry_answer_clear(&answer);
    return set || put_backward(rest, path, error);
}

static bool rest_add(struct registry *registry,
                     const char *subject,
                     const char *schema_json,
                     const struct schema *schema,
                     int32_t *ret_id,
                     GError **error)
{
    struct registry_rest *rest = self(registry);
    int32_t id = 0;
    if (!post_schema(rest, subject, "", schema_json, &id, error) ||
        (id == 0 && !compare_latest(rest, subject, schema, &id, error)))
        return false;
    if (id == 0) {
        if (!ensure_backward(rest, subject, error) ||
            !post_schema(rest, subject, "/versions", schema_json, &id, error))
            return false;
        if (id == 0) {
            error_set(error, FAILED, "registry: %s: the registry didn't take the schema", subject);
            return false;
        }
    }
    *ret_id = id;
    return true;
}

/* What: "the id 7", for the error. */
static char *
read_schema(struct registry *registry, const char *path, const char *what, GError **error)
{
    struct registry_answer answer;
    if (!registry_http_run(self(registry)->http, "GET", path, NULL, &answer, error))
        return NULL;
    const char *json = json_string_value(json_object_get(answer.body, "schema"));
    char *copy = answer.status == STATUS_OK ? g_strdup(json) : NULL;
    if (!copy) {
        if (answer.status == STATUS_NOT_FOUND)
            error_set(error, NOTFOUND, "registry: there is no schema with the %s", what);
        else
            unexpected(path, &answer, error);
    }
    registry_answer_clear(&answer);
    return copy;
}

static char *rest_read(struct registry *registry, int32_t id, GError **error)
{
    char path[64], what[32];
    g_snprintf(path, sizeof path, "/schemas/ids/%" G_GINT32_FORMAT, id);
    g_snprintf(what, sizeof what, "id %" G_GINT32_FORMAT, id);
    return read_schema(registry, path, what, error);
}

static char *rest_read_guid(struct registry *registry, const char *guid, GError **error)
{
    g_autofree char *path = g_strconcat("/schemas/guids/", guid, NULL);
    g_autofree char *what = g_strconcat("GUID ", guid, NULL);
    return read_schema(registry, path, what, error);
}

static const struct registry_ops registry_rest_ops = {
    .close = rest_close,
    .add = rest_add,
    .read = rest_read,
    .read_guid = rest_read_guid,
};
