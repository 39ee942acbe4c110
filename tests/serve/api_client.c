#include "api_client.h"

#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

static size_t take_body(char *data, size_t size, size_t count, void *user)
{
    g_string_append_len(user, data, (gssize)(size * count));
    return size * count;
}

static size_t take_header(char *data, size_t size, size_t count, void *user)
{
    g_autofree char *line = g_strndup(data, size * count);
    char *colon = strchr(line, ':');
    if (colon) {
        *colon = '\0';
        g_hash_table_insert(user, g_ascii_strdown(line, -1), g_strdup(g_strstrip(colon + 1)));
    }
    return size * count;
}

static struct api_answer *
ask(int port, const char *method, const char *path, const char *const *headers, bool unpack)
{
    struct api_answer *answer = g_new0(struct api_answer, 1);
    answer->headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    answer->body = g_string_new(NULL);
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d%s", port, path);
    CURL *curl = curl_easy_init();
    struct curl_slist *list = NULL;
    for (size_t i = 0; headers && headers[i]; i++)
        list = curl_slist_append(list, headers[i]);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer->body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer->headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 20000L);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    if (unpack)
        curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (method && strcmp(method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else if (method)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK)
        g_error("%s: %s", url, curl_easy_strerror(code));
    long status;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (int)status;
    curl_slist_free_all(list);
    curl_easy_cleanup(curl);
    const char *type = api_header(answer, "content-type");
    if (type && strstr(type, "json") && answer->body->len)
        answer->json = json_loads(answer->body->str, JSON_REJECT_DUPLICATES, NULL);
    return answer;
}

struct api_answer *
api_ask(int port, const char *method, const char *path, const char *const *headers)
{
    return ask(port, method, path, headers, false);
}

struct api_answer *api_ask_unpacked(int port, const char *path)
{
    return ask(port, NULL, path, NULL, true);
}

void api_answer_free(struct api_answer *answer)
{
    g_hash_table_unref(answer->headers);
    g_string_free(answer->body, TRUE);
    json_decref(answer->json);
    g_free(answer);
}

const char *api_header(const struct api_answer *answer, const char *name)
{
    return g_hash_table_lookup(answer->headers, name);
}

json_t *api_get(const struct api_answer *answer, const char *path)
{
    g_auto(GStrv) names = g_strsplit(path, ".", -1);
    json_t *value = answer->json;
    for (size_t i = 0; names[i] && value; i++)
        value = json_is_array(value)
                    ? json_array_get(value, (size_t)g_ascii_strtoull(names[i], NULL, 10))
                    : json_object_get(value, names[i]);
    return value;
}

struct listening {
    GString *buffer;
    bool (*fn)(void *user, const char *event, json_t *data);
    void *user;
    bool done;
};

/* One event's lines. */
static void take_event(struct listening *listening, char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    const char *event = "message", *data = NULL;
    for (size_t i = 0; lines[i]; i++) {
        if (g_str_has_prefix(lines[i], "event: "))
            event = lines[i] + strlen("event: ");
        else if (g_str_has_prefix(lines[i], "data: "))
            data = lines[i] + strlen("data: ");
    }
    if (!data)
        return;
    json_t *json = json_loads(data, 0, NULL);
    g_assert_nonnull(json);
    listening->done = !listening->fn(listening->user, event, json);
    json_decref(json);
}

static size_t take_events(char *data, size_t size, size_t count, void *user)
{
    struct listening *listening = user;
    g_string_append_len(listening->buffer, data, (gssize)(size * count));
    for (char *end; !listening->done && (end = strstr(listening->buffer->str, "\n\n"));) {
        *end = '\0';
        take_event(listening, listening->buffer->str);
        g_string_erase(listening->buffer, 0, end + 2 - listening->buffer->str);
    }
    return listening->done ? 0 : size * count;
}

bool api_listen(int port,
                const char *path,
                bool (*fn)(void *user, const char *event, json_t *data),
                void *user,
                long timeout_ms)
{
    struct listening listening = {.buffer = g_string_new(NULL), .fn = fn, .user = user};
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d%s", port, path);
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_events);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &listening);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    g_string_free(listening.buffer, TRUE);
    return listening.done;
}
