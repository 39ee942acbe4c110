/* YAML becomes the JSON that jansson reads as meant; our own contract converts. */
#include "serve/openapi.h"

#include <string.h>

#include <jansson.h>

#include "base/embedded.h"

static char *convert(const char *yaml)
{
    GError *error = NULL;
    char *json = openapi_from_yaml(yaml, strlen(yaml), &error);
    g_assert_no_error(error);
    return json;
}

static void test_scalars(void)
{
    g_autofree char *json =
        convert("a: 1\nb: '1'\nc: true\nd: \"true\"\ne:\nf: 1.5e3\ng: 007\nh: -3\ni: 1.2.3\n"
                "j: 2026-03-03\nk: [x, {y: null}]\nl: |\n  two\n  \"lines\"\nm: 200 OK\nn: {}\n");
    g_assert_cmpstr(json, ==,
                    "{\"a\":1,\"b\":\"1\",\"c\":true,\"d\":\"true\",\"e\":null,\"f\":1.5e3,\"g\":"
                    "\"007\",\"h\":-3,"
                    "\"i\":\"1.2.3\",\"j\":\"2026-03-03\",\"k\":[\"x\",{\"y\":null}],"
                    "\"l\":\"two\\n\\\"lines\\\"\\n\",\"m\":\"200 OK\",\"n\":{}}");
    json_t *parsed = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    g_assert_nonnull(parsed);
    json_decref(parsed);
}

static void test_broken(void)
{
    static const char *const cases[] = {"a: [1\n", "", "? [a]\n: b\n", "a: b: c\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        g_assert_null(openapi_from_yaml(cases[i], strlen(cases[i]), &error));
        g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
        g_clear_error(&error);
    }
}

static void test_contract(void)
{
    g_autofree char *json = convert(embedded_text("contracts/openapi.yaml", NULL));
    json_t *parsed = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    g_assert_nonnull(parsed);
    g_assert_true(g_str_has_prefix(json_string_value(json_object_get(parsed, "openapi")), "3."));
    g_assert_cmpstr(json_string_value(json_object_get(json_object_get(parsed, "info"), "version")),
                    ==, MARQUEE_VERSION);
    json_decref(parsed);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openapi/scalars", test_scalars);
    g_test_add_func("/openapi/broken", test_broken);
    g_test_add_func("/openapi/contract", test_contract);
    return g_test_run();
}
