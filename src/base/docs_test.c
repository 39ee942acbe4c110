/* Proves that marquee.yaml, docs/CONFIGURATION.md and docs/METRICS.md are what config.def and
 * metrics.def say today, and that the example marquee.yaml reads as the defaults, every key in it.
 * With --write it writes them instead (`ninja docs`). */
#include <stdlib.h>
#include <string.h>

#include "base/config_table.h"
#include "base/metrics.h"

static const struct {
    const char *path;
    void (*write)(GString *out);
} documents[] = {
    {"marquee.yaml", config_write_example},
    {"docs/CONFIGURATION.md", config_write_reference},
    {"docs/METRICS.md", metrics_write_reference},
};

static char *document_path(size_t i)
{
    const char *root = getenv("MARQUEE_SOURCE_ROOT");
    if (!root)
        g_error(
            "MARQUEE_SOURCE_ROOT must name the source tree: run this by meson test or ninja docs");
    return g_build_filename(root, documents[i].path, NULL);
}

static char *document_text(size_t i)
{
    GString *out = g_string_new(NULL);
    documents[i].write(out);
    return g_string_free(out, FALSE);
}

static int write_documents(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(documents); i++) {
        g_autofree char *path = document_path(i), *text = document_text(i);
        g_autoptr(GError) error = NULL;
        if (!g_file_set_contents(path, text, -1, &error)) {
            g_printerr("%s\n", error->message);
            return 1;
        }
    }
    return 0;
}

static void test_fresh(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(documents); i++) {
        g_autofree char *path = document_path(i), *text = document_text(i), *found = NULL;
        if (!g_file_get_contents(path, &found, NULL, NULL) || !g_str_equal(found, text)) {
            g_test_message("%s is stale: run `ninja docs`", documents[i].path);
            g_test_fail();
        }
    }
}

static void test_example_is_the_defaults(void)
{
    g_autofree char *text = document_text(0);
    g_autoptr(GError) error = NULL;
    struct config *config = config_load_text("marquee.yaml", text, strlen(text), &error);
    g_assert_no_error(error);
    struct config *defaults = config_new_default();
    for (size_t i = 0; i < config_rows_count; i++) {
        g_autofree char *value = config_value_text(config, &config_rows[i]);
        g_autofree char *wanted = config_value_text(defaults, &config_rows[i]);
        g_assert_cmpstr(value, ==, wanted);
        g_assert_nonnull(config->origins[i].where); /* it stands in the file */
    }
    config_free(defaults);
    config_free(config);
}

static void test_reference_is_complete(void)
{
    g_autofree char *text = document_text(1);
    for (size_t i = 0; i < config_rows_count; i++) {
        g_autofree char *section = g_strdup_printf("\n## %s\n", config_rows[i].section);
        const char *found = strstr(text, section);
        g_assert_nonnull(found);
        g_assert_null(strstr(found + 1, section)); /* a section's rows stand together */
        g_autofree char *key = g_strdup_printf("\n| `%s` |", config_rows[i].key);
        g_assert_nonnull(strstr(found, key));
        g_autofree char *variable = config_variable(&config_rows[i]);
        g_assert_nonnull(strstr(found, variable));
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return write_documents();
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/docs/fresh", test_fresh);
    g_test_add_func("/docs/example-is-the-defaults", test_example_is_the_defaults);
    g_test_add_func("/docs/reference-is-complete", test_reference_is_complete);
    return g_test_run();
}
