/* An easy handle of libcurl that keeps its connection. A registry is asked at the start and when a
 * new schema turns up, so one request at a time is enough. */
#include "bus/registry_http.h"

#include <string.h>

#include <curl/curl.h>

#include "base/stop.h"
#include "net/retry.h"

#define CONTENT_TYPE       "application/vnd.schemaregistry.v1+json"
#define CONNECT_TIMEOUT_MS 3000L
#define REQUEST_TIMEOUT_MS 5000L
#define RETRY_MAX          3
#define RETRY_BASE_MS      INT64_C(100)
#define RETRY_CAP_MS       INT64_C(1000)
#define ANSWER_BYTES_MAX   ((size_t)4 * 1024 * 1024)

struct registry_http {
    CURL *curl;
    struct curl_slist *headers;
    char *base_url;
    struct stop *stop, *own_stop; /* own_stop: where the context has none, so that we can wait */
    struct retry retry;
    GString *answer;
    char why[CURL_ERROR_SIZE];
};

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    GString *answer = user;
    if (size * count > ANSWER_BYTES_MAX - answer->len)
        return 0; /* libcurl ends the transfer with an error */
    g_string_append_len(answer, data, (gssize)(size * count));
    return size * count;
}

struct registry_http *
registry_http_new(const struct context *context, const char *base_url, GError **error)
{
    CURL *curl = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
    if (!curl) {
        error_set(error, FAILED, "registry: libcurl can't start");
        return NULL;
    }
    struct registry_http *http = g_new0(struct registry_http, 1);
    http->curl = curl;
    http->base_url = g_strdup(base_url);
    size_t len = strlen(http->base_url);
    while (len > 0 && http->base_url[len - 1] == '/')
        http->base_url[--len] = '\0';
    http->headers = curl_slist_append(NULL, "Accept: " CONTENT_TYPE ", application/json");
    http->headers = curl_slist_append(http->headers, "Content-Type: " CONTENT_TYPE);
    http->own_stop = context->stop ? NULL : stop_new();
    http->stop = context->stop ? context->stop : http->own_stop;
    http->retry = (struct retry){.base_ms = RETRY_BASE_MS,
                                 .cap_ms = RETRY_CAP_MS,
                                 .tries_max = RETRY_MAX,
                                 .random = g_str_hash(base_url)};
    http->answer = g_string_new(NULL);
    return http;
}

void registry_http_free(struct registry_http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->curl);
    curl_slist_free_all(http->headers);
    stop_free(http->own_stop);
    g_string_free(http->answer, TRUE);
    g_free(http->base_url);
    g_free(http);
    curl_global_cleanup();
}

void registry_answer_clear(struct registry_answer *answer)
{
    json_decref(answer->body);
    g_free(answer->message);
    *answer = (struct registry_answer){0};
}

/* The status, or 0 for none (http->why says why). */
static int
perform(struct registry_http *http, const char *method, const char *url, const char *body)
{
    CURL *curl = http->curl;
    long status = 0;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, http->headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, http->answer);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->why);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, REQUEST_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    g_string_truncate(http->answer, 0);
    http->why[0] = '\0';
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    else if (!http->why[0])
        g_strlcpy(http->why, curl_easy_strerror(code), sizeof http->why);
    return (int)status;
}

static void take_answer(struct registry_http *http, int status, struct registry_answer *ret_answer)
{
    json_t *body = json_loadb(http->answer->str, http->answer->len, JSON_DECODE_ANY, NULL);
    const char *message = json_string_value(json_object_get(body, "message"));
    *ret_answer = (struct registry_answer){
        .status = status,
        .error_code = (int)json_integer_value(json_object_get(body, "error_code")),
        .body = body,
        .message = g_strdup(message ? message : ""),
    };
}

bool registry_http_run(struct registry_http *http,
                       const char *method,
                       const char *path,
                       const json_t *body,
                       struct registry_answer *ret_answer,
                       GError **error)
{
    g_autofree char *url = g_strconcat(http->base_url, path, NULL);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    int status, tries = 0;
    int64_t wait_ms = 0;
    do {
        status = perform(http, method, url, text);
        if (status != 0 && !retry_status(status))
            break;
        wait_ms = retry_delay_ms(&http->retry, ++tries, -1);
    } while (wait_ms >= 0 && !stop_wait_ms(http->stop, wait_ms));
    free(text);
    if (status == 0) {
        error_set(error, AGAIN, "registry: %s %s: %s; is it up, and registry.url its address?",
                  method, url, http->why);
        return false;
    }
    struct registry_answer answer;
    take_answer(http, status, &answer);
    if (status != 401 && status != 403 && !retry_status(status)) {
        *ret_answer = answer;
        return true;
    }
    if (retry_status(status))
        error_set(error, AGAIN, "registry: %s %s: status %d %s", method, url, status,
                  answer.message);
    else
        error_set(error, DENIED, "registry: %s %s: status %d %s: the registry lets us not", method,
                  url, status, answer.message);
    registry_answer_clear(&answer);
    return false;
}
