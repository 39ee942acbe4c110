/* Proves that dropping a library's pages lowers the process' resident memory, and that the library
 * works afterwards. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

/* Resident bytes of mappings of the file, by the kernel's account. */
static long resident_kb(const char *file)
{
    g_autofree char *smaps = NULL;
    g_assert_true(g_file_get_contents("/proc/self/smaps", &smaps, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(smaps, "\n", -1);
    long total_kb = 0;
    gboolean inside = FALSE;
    for (char **line = lines; *line; line++) {
        if (g_ascii_isxdigit((*line)[0]) && strchr(*line, '-'))
            inside = strstr(*line, file) != NULL;
        else if (inside && g_str_has_prefix(*line, "Rss:"))
            total_kb += strtol(*line + 4, NULL, 10);
    }
    return total_kb;
}

static void test_drop(void)
{
    g_autofree char *before = g_utf8_casefold("GLib Is Used", -1);
    long before_kb = resident_kb("libglib-2.0");
    if (before_kb == 0) {
        g_test_skip("GLib is not a shared library here");
        return;
    }
    memory_drop_library("libglib-2.0");
    long after_kb = resident_kb("libglib-2.0");
    g_assert_cmpint(after_kb, <, before_kb);
    g_autofree char *after = g_utf8_casefold("GLib Is Used", -1);
    g_assert_cmpstr(before, ==, after);
}

static void test_unknown_library_is_nothing(void)
{
    memory_drop_library("libnothing-of-that-name");
    memory_be_frugal();
    g_autofree char *block = g_malloc(MEMORY_LARGE_BYTES * 2);
    block[0] = 1;
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/memory/drop", test_drop);
    g_test_add_func("/memory/unknown-library", test_unknown_library_is_nothing);
    return g_test_run();
}
