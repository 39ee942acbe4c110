/* contracts/openapi.yaml describes exactly the addresses that the server has, with all their
 * parameters. */
#include <string.h>

#include <curl/curl.h>

#include "api_client.h"
#include "api_views.h"
#include "serve/worker.h"

/* A pattern that takes the rest ("/assets/" and a star) is described as "/assets/{path}". */
static char *described_path(const char *pattern)
{
    return g_str_has_suffix(pattern, "*")
               ? g_strdup_printf("%.*s{path}", (int)strlen(pattern) - 1, pattern)
               : g_strdup(pattern);
}

static void check_parameters(json_t *operation, const char *path, json_t *components)
{
    /* Each {name} of the path is described. */
    for (const char *open = strchr(path, '{'); open; open = strchr(open + 1, '{')) {
        g_autofree char *name = g_strndup(open + 1, strcspn(open + 1, "}"));
        bool described = false;
        size_t index;
        json_t *parameter;
        json_array_foreach(json_object_get(operation, "parameters"), index, parameter)
        {
            const char *reference = json_string_value(json_object_get(parameter, "$ref"));
            if (reference)
                parameter = json_object_get(json_object_get(components, "parameters"),
                                            strrchr(reference, '/') + 1);
            described |=
                g_strcmp0(json_string_value(json_object_get(parameter, "name")), name) == 0;
        }
        if (!described)
            g_error("%s: {%s} is not described", path, name);
    }
}

/* The contract describes exactly the addresses that there are. */
static void test_contract(void)
{
    struct api_views views;
    api_views_open(&views, NULL, false);
    struct api_answer *answer = api_ask(views.port, NULL, "/openapi.json", NULL);
    g_assert_cmpint(answer->status, ==, 200);
    json_t *paths = api_get(answer, "paths"), *components = api_get(answer, "components");
    for (size_t i = 0; i < serve_routes_count; i++) {
        g_autofree char *path = described_path(serve_routes[i].pattern);
        json_t *operation = json_object_get(json_object_get(paths, path), "get");
        if (!operation)
            g_error("contracts/openapi.yaml lacks %s", path);
        g_assert_nonnull(json_object_get(operation, "summary"));
        g_assert_nonnull(json_object_get(json_object_get(operation, "responses"), "200"));
        check_parameters(operation, path, components);
    }
    g_assert_cmpuint(json_object_size(paths), ==, serve_routes_count);
    g_assert_nonnull(strstr(json_string_value(api_get(answer, "info.description")),
                            "not endorsed or certified by TMDB"));
    api_answer_free(answer);
    api_views_close(&views);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    g_test_add_func("/contract/addresses", test_contract);
    int status = g_test_run();
    curl_global_cleanup();
    return status;
}
