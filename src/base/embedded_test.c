/* Proves that what is compiled in is what lies in the source tree, byte for byte, ends with a NUL,
 * stands in order, and that a path which isn't there is not found. */
#include "base/embedded.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

static void test_same_as_source(void)
{
    const char *root = getenv("MARQUEE_SOURCE_ROOT");
    g_assert_nonnull(root);
    g_assert_cmpuint(embedded_files_count, >, 0);
    for (unsigned i = 0; i < embedded_files_count; i++) {
        const struct embedded_file *file = &embedded_files[i];
        if (i)
            g_assert_cmpstr(embedded_files[i - 1].path, <, file->path);
        g_assert_true(embedded_find(file->path) == file);
        g_assert_cmpint(*file->end, ==, '\0');
        size_t size = 0;
        g_assert_true(embedded_text(file->path, &size) == file->data);
        g_assert_cmpuint(size, ==, (size_t)(file->end - file->data));
        if (g_str_has_prefix(file->path, "web/vendor/"))
            continue; /* from deps_dir, not from the tree */
        g_autofree char *path = g_build_filename(root, file->path, NULL);
        g_autofree char *bytes = NULL;
        size_t len = 0;
        g_autoptr(GError) error = NULL;
        g_file_get_contents(path, &bytes, &len, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(size, ==, len);
        g_assert_true(memcmp(file->data, bytes, len) == 0);
    }
    g_assert_null(embedded_files[embedded_files_count].path);
}

static void test_absent(void)
{
    g_assert_null(embedded_find("contracts"));
    g_assert_null(embedded_find(""));
    g_assert_null(embedded_find("web/../meson.build"));
    g_assert_null(embedded_find("zzz"));
}

/* A path of ours that is missing is our mistake: it must not pass in silence. */
static void test_missing_aborts(void)
{
    if (g_test_subprocess()) {
        embedded_text("contracts/absent.sql", NULL);
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*contracts/absent.sql is not compiled in*");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/embedded/same-as-source", test_same_as_source);
    g_test_add_func("/embedded/absent", test_absent);
    g_test_add_func("/embedded/missing-aborts", test_missing_aborts);
    return g_test_run();
}
