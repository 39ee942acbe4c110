/* One list of requests that wait (for a token, or for their back-off to end) in the order in which
 * they were asked for, and curl's multi handle for those under way. Easy handles are kept for
 * reuse, so connections stay open. */
#include "net/http_client.h"

#include <string.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "net/rate_limit.h"
#include "net/retry.h"

#define POLL_MS_MAX            200 /* how late a wish to stop may be seen */
#define CONNECT_TIMEOUT_MS_MAX 10000L

struct request {
    struct http_client *client;
    char *url;
    http_answer_fn fn;
    void *user;
    int tries;
    int64_t queued_us;     /* for the wait metric */
    int64_t not_before_ms; /* monotonic */
    char *retry_after;     /* the header as it came */
    int64_t date_ms; /* of the answer: a Retry-After that is a date is on that clock, not on ours */
    CURL *easy;      /* while under way */
    GString *body;
    bool too_large;
    char curl_error[CURL_ERROR_SIZE];
};

struct http_client {
    const struct context *context;
    struct http_client_options options;
    char *secret_query;
    struct curl_slist *headers;
    CURLM *multi;
    GQueue waiting;  /* struct request */
    GPtrArray *idle; /* CURL, for reuse */
    size_t under_way;
    size_t called_back; /* during this run */
    struct rate_limit limit;
    struct retry retry;
    int64_t hold_until_ms; /* monotonic: the server asked for a pause */
};

static void request_free(struct request *request)
{
    g_free(request->url);
    g_free(request->retry_after);
    if (request->body)
        g_string_free(request->body, TRUE);
    g_free(request);
}

struct http_client *http_client_new(const struct context *context,
                                    const struct http_client_options *options,
                                    GError **error)
{
    CURLM *multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
    if (!multi) {
        error_set(error, FAILED, "libcurl can't be started");
        return NULL;
    }
    struct http_client *client = g_new0(struct http_client, 1);
    client->context = context;
    client->options = *options;
    client->options.headers = NULL;
    client->secret_query = g_strdup(options->secret_query);
    for (const char *const *header = options->headers; header && *header; header++)
        client->headers = curl_slist_append(client->headers, *header);
    client->multi = multi;
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)options->concurrency);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)options->concurrency);
    g_queue_init(&client->waiting);
    client->idle = g_ptr_array_new_with_free_func((GDestroyNotify)curl_easy_cleanup);
    if (options->rate_per_s > 0)
        rate_limit_init(&client->limit, options->rate_per_s, options->burst,
                        clock_monotonic_us(context->clock));
    if (options->starts_empty)
        client->limit.tokens = 0;
    client->retry = (struct retry){options->retry_base_ms, options->retry_cap_ms,
                                   options->retry_max, options->jitter_seed};
    return client;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    /* Only easy handles know their requests: take them off one by one. */
    for (GList *link = client->waiting.head; link; link = link->next) {
        struct request *request = link->data;
        if (request->easy) {
            curl_multi_remove_handle(client->multi, request->easy);
            curl_easy_cleanup(request->easy);
        }
        request_free(request);
    }
    g_queue_clear(&client->waiting);
    g_ptr_array_unref(client->idle);
    curl_multi_cleanup(client->multi);
    curl_slist_free_all(client->headers);
    curl_global_cleanup();
    g_free(client->secret_query);
    g_free(client);
}

bool http_client_get(
    struct http_client *client, const char *url, http_answer_fn fn, void *user, GError **error)
{
    if (client->waiting.length >= HTTP_PENDING_MAX) {
        error_set(error, AGAIN, "%d requests wait already", HTTP_PENDING_MAX);
        return false;
    }
    struct request *request = g_new0(struct request, 1);
    request->client = client;
    request->url = g_strdup(url);
    request->fn = fn;
    request->user = user;
    request->queued_us = clock_monotonic_us(client->context->clock);
    g_queue_push_tail(&client->waiting, request);
    return true;
}

size_t http_client_pending(const struct http_client *client)
{
    return client->waiting.length;
}

static size_t body_append(char *data, size_t size, size_t count, void *user)
{
    struct request *request = user;
    if (request->body->len + size * count > HTTP_ANSWER_BYTES_MAX) {
        request->too_large = true;
        return 0;
    }
    g_string_append_len(request->body, data, (gssize)(size * count));
    return size * count;
}

/* The value of the header called name (with its colon) in this line, or NULL. */
static char *header_value(const char *line, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    if (len <= name_len || g_ascii_strncasecmp(line, name, name_len) != 0)
        return NULL;
    return g_strstrip(g_strndup(line + name_len, len - name_len));
}

static size_t header_seen(char *data, size_t size, size_t count, void *user)
{
    struct request *request = user;
    size_t len = size * count;
    char *value;
    if ((value = header_value(data, len, "retry-after:"))) {
        g_free(request->retry_after);
        request->retry_after = value;
    } else if ((value = header_value(data, len, "date:"))) {
        request->date_ms = retry_after_parse(value, 0);
        g_free(value);
    }
    return len;
}

static void request_start(struct http_client *client, struct request *request)
{
    CURL *easy = client->idle->len
                     ? g_ptr_array_steal_index_fast(client->idle, client->idle->len - 1)
                     : curl_easy_init();
    g_assert(easy); /* only out of memory */
    curl_easy_reset(easy);
    if (!request->body)
        request->body = g_string_new(NULL);
    g_string_truncate(request->body, 0);
    request->too_large = false;
    g_clear_pointer(&request->retry_after, g_free);
    request->date_ms = 0;
    request->curl_error[0] = '\0';
    request->tries++;
    request->easy = easy;
    g_autofree char *url = client->secret_query
                               ? g_strconcat(request->url, strchr(request->url, '?') ? "&" : "?",
                                             client->secret_query, NULL)
                               : NULL;
    curl_easy_setopt(easy, CURLOPT_URL, url ? url : request->url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* A look-up that hangs must not keep the end of the process waiting. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)client->options.timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     MIN(CONNECT_TIMEOUT_MS_MAX, (long)client->options.timeout_ms));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_append);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_seen);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->curl_error);
    curl_multi_add_handle(client->multi, easy);
    client->under_way++;
    if (request->tries == 1)
        metrics_observe(client->context->metrics, METRIC_INGEST_WAIT_SECONDS, NULL,
                        (double)(clock_monotonic_us(client->context->clock) - request->queued_us) /
                            1e6);
}

/* Starts what may start now. Returns the ms until more may, at most timeout_ms. */
static int64_t start_waiting(struct http_client *client, int64_t timeout_ms)
{
    int64_t now_ms = clock_monotonic_ms(client->context->clock);
    if (now_ms < client->hold_until_ms)
        return MIN(timeout_ms, client->hold_until_ms - now_ms);
    for (GList *link = client->waiting.head; link; link = link->next) {
        if (client->under_way >= (size_t)client->options.concurrency)
            break;
        struct request *request = link->data;
        if (request->easy)
            continue;
        if (request->not_before_ms > now_ms) {
            timeout_ms = MIN(timeout_ms, request->not_before_ms - now_ms);
            continue;
        }
        if (client->options.rate_per_s > 0) {
            int64_t wait_us =
                rate_limit_take(&client->limit, clock_monotonic_us(client->context->clock));
            if (wait_us > 0)
                return MIN(timeout_ms, wait_us / 1000 + 1);
        }
        request_start(client, request);
    }
    return timeout_ms;
}

/* Gives the answer away, or puts the request back to wait for its next try. */
static void request_finish(struct http_client *client, struct request *request, CURLcode code)
{
    long status = 0;
    char *content_type = NULL;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(request->easy, CURLINFO_CONTENT_TYPE, &content_type);
    g_autofree char *type = g_strdup(content_type ? content_type : "");
    struct http_answer answer = {
        .status = code == CURLE_OK ? (int)status : 0,
        .body = request->body->str,
        .body_len = request->body->len,
        .content_type = type,
        .url = request->url,
        .tries = request->tries,
    };
    if (code != CURLE_OK)
        answer.error = request->too_large       ? "the answer is larger than the limit"
                       : request->curl_error[0] ? request->curl_error
                                                : curl_easy_strerror(code);
    char label[16] = "error";
    if (answer.status)
        g_snprintf(label, sizeof label, "%d", answer.status);
    metrics_add(client->context->metrics, METRIC_INGEST_REQUESTS, label, 1);
    curl_multi_remove_handle(client->multi, request->easy);
    g_ptr_array_add(client->idle, request->easy);
    request->easy = NULL;
    client->under_way--;

    bool again = !request->too_large &&
                 (answer.status == 0 || retry_status(answer.status) ||
                  (client->options.judge &&
                   client->options.judge(&answer, client->options.user) == HTTP_RETRY));
    int64_t retry_after_ms = retry_after_parse(request->retry_after, request->date_ms);
    if ((answer.status == 429 || answer.status == 503) && retry_after_ms > 0)
        client->hold_until_ms =
            MAX(client->hold_until_ms, clock_monotonic_ms(client->context->clock) +
                                           MIN(retry_after_ms, client->retry.cap_ms));
    int64_t delay_ms = again ? retry_delay_ms(&client->retry, request->tries, retry_after_ms) : -1;
    if (delay_ms >= 0) {
        request->not_before_ms = clock_monotonic_ms(client->context->clock) + delay_ms;
        metrics_add(client->context->metrics, METRIC_INGEST_RETRIES, NULL, 1);
        return;
    }
    g_queue_remove(&client->waiting, request);
    client->called_back++;
    request->fn(&answer, request->user);
    request_free(request);
}

/* True where a transfer has ended. */
static bool finish_all(struct http_client *client)
{
    const CURLMsg *message;
    int left_in_queue = 0;
    bool finished = false;
    while ((message = curl_multi_info_read(client->multi, &left_in_queue))) {
        struct request *request = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
        request_finish(client, request, code);
        finished = true;
    }
    return finished;
}

void http_client_run(struct http_client *client, int64_t timeout_ms)
{
    int64_t deadline_ms = clock_monotonic_ms(client->context->clock) + timeout_ms;
    client->called_back = 0;
    while (client->waiting.length && !client->called_back &&
           !(client->context->stop && stop_requested(client->context->stop))) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms(client->context->clock);
        if (left_ms < 0)
            break;
        int64_t wait_ms = start_waiting(client, MIN(left_ms, POLL_MS_MAX));
        int running = 0;
        curl_multi_perform(client->multi, &running);
        bool finished = finish_all(client);
        if (client->called_back || left_ms == 0)
            break;
        /* What has just become free or due again must not wait for the next thing to happen. */
        if (finished)
            continue;
        curl_multi_poll(client->multi, NULL, 0, (int)MAX(1, wait_ms), NULL);
    }
}
