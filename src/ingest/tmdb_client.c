#include "ingest/tmdb_client.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "model/tmdb.h"

/* 32 hexadecimal digits are a v3 key, which goes into the query; anything else is a v4 token, a
 * Bearer header. */
#define V3_KEY_LEN 32

#define DATE_LEN (sizeof "2026-03-03" - 1)

struct tmdb_client {
    const struct context *context;
    struct http_client *http;
    tmdb_answer_fn fn;
    void *user;
    int64_t as_of_ms;
    char *base_url;      /* without a slash at its end */
    GHashTable *pending; /* set of struct pending: owns them */
};

/* One request under way. */
struct pending {
    struct tmdb_client *client;
    struct ask ask;
    char *endpoint;
};

static void pending_free(void *data)
{
    struct pending *pending = data;
    g_free(pending->endpoint);
    g_free(pending);
}

static bool is_v3_key(const char *key)
{
    return strlen(key) == V3_KEY_LEN && strspn(key, "0123456789abcdefABCDEF") == V3_KEY_LEN;
}

/* What goes into a header must not end it. The text never shows the key. */
static bool key_check(const char *key, GError **error)
{
    for (const char *c = key; *c; c++)
        if (!g_ascii_isgraph(*c)) {
            error_set(error, CONFIG,
                      "tmdb.api_key: character %td is a space, a line end or no ASCII; expected "
                      "TMDB's read access token (or v3 key) and nothing else",
                      c - key + 1);
            return false;
        }
    return true;
}

static bool looks_like_json(const struct http_answer *answer)
{
    size_t i = 0;
    while (i < answer->body_len && g_ascii_isspace(answer->body[i]))
        i++;
    return i < answer->body_len && answer->body[i] == '{';
}

/* TMDB has been seen to answer 200 with HTML, and to cut bodies short: both are worth another try.
 */
static enum http_verdict judge(const struct http_answer *answer, void *user)
{
    (void)user;
    if (answer->status == 200)
        return tmdb_is_object(answer->body, answer->body_len) ? HTTP_DONE : HTTP_RETRY;
    return tmdb_error_is_temporary(tmdb_error_code(answer->body, answer->body_len)) ? HTTP_RETRY
                                                                                    : HTTP_DONE;
}

struct tmdb_client *tmdb_client_new(
    const struct context *context, double rate_per_s, tmdb_answer_fn fn, void *user, GError **error)
{
    const struct config *config = context->config;
    const char *key = config->tmdb_api_key ? config->tmdb_api_key : "";
    bool v3 = is_v3_key(key);
    if (!key_check(key, error))
        return NULL;
    g_autofree char *bearer = *key && !v3 ? g_strdup_printf("Authorization: Bearer %s", key) : NULL;
    g_autofree char *query = v3 ? g_strdup_printf("api_key=%s", key) : NULL;
    const char *const headers[] = {"Accept: application/json", bearer, NULL};
    struct http_client_options options = {
        .rate_per_s = rate_per_s,
        .burst = (int)config->ingest_burst,
        .starts_empty = true,
        .concurrency = (int)config->ingest_concurrency,
        .retry_max = (int)config->ingest_retry_max,
        .retry_base_ms = config->ingest_retry_base_ms,
        .retry_cap_ms = config->ingest_retry_cap_ms,
        .timeout_ms = config->tmdb_timeout_ms,
        .jitter_seed = (uint64_t)clock_monotonic_us(context->clock) + 1,
        .headers = headers,
        .secret_query = query,
        .judge = judge,
    };
    struct http_client *http = http_client_new(context, &options, error);
    if (!http)
        return NULL;
    struct tmdb_client *client = g_new0(struct tmdb_client, 1);
    client->context = context;
    client->http = http;
    client->fn = fn;
    client->user = user;
    client->base_url = g_strdup(config->tmdb_base_url);
    for (size_t len = strlen(client->base_url); len && client->base_url[len - 1] == '/';)
        client->base_url[--len] = '\0';
    client->pending = g_hash_table_new_full(NULL, NULL, pending_free, NULL);
    return client;
}

void tmdb_client_free(struct tmdb_client *client)
{
    if (!client)
        return;
    http_client_free(client->http);
    g_hash_table_unref(client->pending);
    g_free(client->base_url);
    g_free(client);
}

void tmdb_client_set_as_of(struct tmdb_client *client, int64_t as_of_ms)
{
    client->as_of_ms = as_of_ms;
}

/* TMDB takes days, the end exclusive: the day after until_ms. */
static char *changes_endpoint(const struct ask *ask)
{
    char since[CLOCK_ISO_BYTES], until[CLOCK_ISO_BYTES];
    if (!ask->since_ms)
        return g_strdup_printf("/movie/changes?page=%d", ask->page);
    clock_iso8601(ask->since_ms, since);
    clock_iso8601(ask->until_ms + MS_PER_DAY, until);
    return g_strdup_printf("/movie/changes?page=%d&start_date=%.*s&end_date=%.*s", ask->page,
                           (int)DATE_LEN, since, (int)DATE_LEN, until);
}

static char *ask_endpoint(const struct ask *ask)
{
    static const char *const list_paths[LIST_COUNT] = {"/movie/popular", "/trending/movie/day",
                                                       "/movie/now_playing", "/movie/top_rated"};
    switch (ask->kind) {
    case ASK_LIST:
        return g_strdup_printf("%s?page=%d", list_paths[ask->list], ask->page);
    case ASK_LATEST:
        return g_strdup("/movie/latest");
    case ASK_CHANGES:
        return changes_endpoint(ask);
    case ASK_MOVIE:
        return g_strdup_printf("/movie/%d%s", ask->movie_id,
                               ask->whole ? "?append_to_response=credits,keywords" : "");
    case ASK_CREDITS:
        return g_strdup_printf("/movie/%d/credits", ask->movie_id);
    case ASK_KEYWORDS:
        return g_strdup_printf("/movie/%d/keywords", ask->movie_id);
    case ASK_REVIEWS:
        break;
    }
    return g_strdup_printf("/movie/%d/reviews?page=%d", ask->movie_id, ask->page);
}

static enum tmdb_result result_of(const struct http_answer *http)
{
    switch (http->status) {
    case 200:
        return looks_like_json(http) ? TMDB_OK : TMDB_FAILED;
    case 404:
        return TMDB_MISSING;
    case 401:
    case 403:
        return TMDB_DENIED;
    default:
        return TMDB_FAILED;
    }
}

static void answered(const struct http_answer *http, void *user)
{
    struct pending *pending = user;
    struct tmdb_client *client = pending->client;
    struct tmdb_answer answer = {.result = result_of(http),
                                 .status = http->status,
                                 .endpoint = pending->endpoint,
                                 .body = http->body,
                                 .body_len = http->body_len};
    g_autofree char *why = NULL;
    if (answer.result != TMDB_OK) {
        const char *but = http->status == 200 ? " but no JSON object" : "";
        why = http->status ? g_strdup_printf("%s: status %d%s after %d tries", pending->endpoint,
                                             http->status, but, http->tries)
                           : g_strdup_printf("%s: %s after %d tries", pending->endpoint,
                                             http->error, http->tries);
        answer.error = why;
    }
    g_hash_table_steal(client->pending, pending);
    client->fn(&pending->ask, &answer, client->user);
    pending_free(pending);
}

bool tmdb_client_ask(struct tmdb_client *client, const struct ask *ask, GError **error)
{
    g_autofree char *endpoint = ask_endpoint(ask);
    g_autofree char *as_of =
        client->as_of_ms ? g_strdup_printf("%sas_of=%" G_GINT64_FORMAT,
                                           strchr(endpoint, '?') ? "&" : "?", client->as_of_ms)
                         : NULL;
    g_autofree char *url = g_strconcat(client->base_url, endpoint, as_of, NULL);
    struct pending *pending = g_new0(struct pending, 1);
    pending->client = client;
    pending->ask = *ask;
    pending->endpoint = g_steal_pointer(&endpoint);
    if (!http_client_get(client->http, url, answered, pending, error)) {
        pending_free(pending);
        return false;
    }
    g_hash_table_add(client->pending, pending);
    return true;
}

void tmdb_client_run(struct tmdb_client *client, int64_t timeout_ms)
{
    http_client_run(client->http, timeout_ms);
}

size_t tmdb_client_pending(const struct tmdb_client *client)
{
    return http_client_pending(client->http);
}
