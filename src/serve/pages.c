/* The dashboard's files, compiled in: web/ and web/vendor/. */
#include <string.h>

#include "base/embedded.h"
#include "serve/worker.h"

#define ASSETS_PREFIX "web/"

static const char *const no_arguments[] = {NULL};

static const char *content_type(const char *path)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".json", "application/json"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        if (g_str_has_suffix(path, types[i].suffix))
            return types[i].type;
    }
    return "text/plain; charset=utf-8"; /* licences */
}

static void reply_file(const struct http_request *request,
                       struct http_response *response,
                       const struct worker *worker,
                       const char *path)
{
    const struct embedded_file *file = embedded_find(path);
    if (!file) {
        http_problem(request, response, 404, "nothing is at %.512s", http_request_path(request));
        return;
    }
    answer_static(request, response, worker, content_type(path), file->data,
                  (size_t)(file->end - file->data));
}

void page_handler(const struct http_request *request, struct http_response *response, void *worker)
{
    reply_file(request, response, worker, "web/index.html");
}

void docs_handler(const struct http_request *request, struct http_response *response, void *worker)
{
    reply_file(request, response, worker, "web/docs.html");
}

void asset_handler(const struct http_request *request, struct http_response *response, void *worker)
{
    (void)worker;
    if (!answer_arguments(request, response, no_arguments))
        return;
    /* A path that isn't one of ours is simply not found: there is no folder to climb out of. */
    const char *path = arena_printf(http_request_arena(request), ASSETS_PREFIX "%s",
                                    http_request_param(request, "*"));
    reply_file(request, response, worker, path);
}

void openapi_handler(const struct http_request *request, struct http_response *response, void *data)
{
    struct worker *worker = data;
    if (!answer_arguments(request, response, no_arguments))
        return;
    const char *text = worker->serve->openapi;
    answer_static(request, response, worker, "application/json", text, strlen(text));
}
