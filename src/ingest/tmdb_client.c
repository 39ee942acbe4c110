#include "ingest/tmdb_client.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "model/tmdb.h"

/* 32 hexadecimal digits are a v3 key, which goes into the query; anything else is a v4 token, a
 * Bearer header. */
#define V3_KEY_LEN 32

struct tmdb_client {
    const struct context *context;
    struct http_client *http;
    tmdb_answer_fn fn;
    void *user;
    int64_t as_of_ms;
};

/* One request under way. */
struct pending {
    struct tmdb_client *client;
    struct ask ask;
    char *endpoint;
};

static bool is_v3_key(const char *key)
{
    return strlen(key) == V3_KEY_LEN && strspn(key, "0123456789abcdefABCDEF") == V3_KEY_LEN;
}

static bool looks_like_json(const struct http_answer *answer)
{
    size_t i = 0;
    while (i < answer->body_len && g_ascii_isspace(answer->body[i]))
        i++;
    size_t end = answer->body_len;
    while (end > i && g_ascii_isspace(answer->body[end - 1]))
        end--;
    return end > i + 1 && answer->body[i] == '{' && answer->body[end - 1] == '}';
}

/* TMDB has been seen to answer 200 with HTML, and to cut bodies short: both are worth another try.
 */
static enum http_verdict judge(const struct http_answer *answer, void *user)
{
    (void)user;
    if (answer->status == 200)
        return looks_like_json(answer) ? HTTP_DONE : HTTP_RETRY;
    return tmdb_error_is_temporary(tmdb_error_code(answer->body, answer->body_len)) ? HTTP_RETRY
                                                                                    : HTTP_DONE;
}

struct tmdb_client *tmdb_client_new(
    const struct context *context, double rate_per_s, tmdb_answer_fn fn, void *user, GError **error)
{
    const struct config *config = context->config;
    const char *key = config->tmdb_api_key;
    bool v3 = key && is_v3_key(key);
    g_autofree char *bearer = key && !v3 ? g_strdup_printf("Authorization: Bearer %s", key) : NULL;
    g_autofree char *query = v3 ? g_strdup_printf("api_key=%s", key) : NULL;
    const char *const headers[] = {"Accept: application/json", bearer, NULL};
    struct http_client_options options = {
        .rate_per_s = rate_per_s,
        .burst = (int)config->ingest_burst,
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
    return client;
}

void tmdb_client_free(struct tmdb_client *client)
{
    if (!client)
        return;
    http_client_free(client->http);
    g_free(client);
}

void tmdb_client_set_as_of(struct tmdb_client *client, int64_t as_of_ms)
{
    client->as_of_ms = as_of_ms;
}

static char *ask_endpoint(const struct ask *ask)
{
    static const char *const list_paths[LIST_COUNT] = {"/movie/popular", "/trending/movie/day",
                                                       "/movie/now_playing", "/movie/top_rated"};
    switch (ask->kind) {
    case ASK_LIST:
        return g_strdup_printf("%s?page=%d", list_paths[ask->list], ask->page);
    case ASK_CHANGES:
        return g_strdup_printf("/movie/changes?page=%d", ask->page);
    case ASK_MOVIE:
        return g_strdup_printf("/movie/%d?append_to_response=credits,keywords", ask->movie_id);
    case ASK_CREDITS:
        return g_strdup_printf("/movie/%d/credits?", ask->movie_id);
    case ASK_KEYWORDS:
        return g_strdup_printf("/movie/%d/keywords?", ask->movie_id);
    case ASK_REVIEWS:
        break;
    }
    return g_strdup_printf("/movie/%d/reviews?page=%d", ask->movie_id, ask->page);
}

static void answered(const struct http_answer *http, void *user)
{
    struct pending *pending = user;
    struct tmdb_answer answer = {
        .endpoint = pending->endpoint, .body = http->body, .body_len = http->body_len};
    g_autofree char *why = NULL;
    if (http->status == 200 && looks_like_json(http)) {
        answer.result = TMDB_OK;
    } else {
        answer.result = http->status == 404                          ? TMDB_MISSING
                        : http->status == 401 || http->status == 403 ? TMDB_DENIED
                                                                     : TMDB_FAILED;
        why =
            http->status
                ? g_strdup_printf("%s: status %d%s after %d tries", pending->endpoint, http->status,
                                  http->status == 200 ? " but no JSON object" : "", http->tries)
                : g_strdup_printf("%s: %s after %d tries", pending->endpoint, http->error,
                                  http->tries);
        answer.error = why;
    }
    pending->client->fn(&pending->ask, &answer, pending->client->user);
    g_free(pending->endpoint);
    g_free(pending);
}

bool tmdb_client_ask(struct tmdb_client *client, const struct ask *ask, GError **error)
{
    g_autofree char *endpoint = ask_endpoint(ask);
    g_autofree char *as_of =
        client->as_of_ms ? g_strdup_printf("&as_of=%" G_GINT64_FORMAT, client->as_of_ms) : NULL;
    g_autofree char *url =
        g_strconcat(client->context->config->tmdb_base_url, endpoint, as_of, NULL);
    struct pending *pending = g_new0(struct pending, 1);
    pending->client = client;
    pending->ask = *ask;
    if (!http_client_get(client->http, url, answered, pending, error)) {
        g_free(pending);
        return false;
    }
    pending->endpoint = g_steal_pointer(&endpoint);
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
