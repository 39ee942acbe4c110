/* Judges a Parquet file by a suite and prints the validation result: for tests beside the real
 * Great Expectations, not part of the product.
 *
 *   quality_check SUITE.json /FOLDER/FILE.parquet        exit 0 judged, 1 not */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "batch/quality_run.h"

#define RELATION "given"

static struct quality_suite *read_suite(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gsize len;
    if (!g_file_get_contents(path, &text, &len, error))
        return NULL;
    return quality_suite_parse(path, text, len, error);
}

static bool run(const struct context *context,
                const struct quality_suite *suite,
                const char *file,
                GError **error)
{
    g_autofree char *folder = g_path_get_dirname(file);
    g_autofree char *root = g_strconcat(folder, "/", NULL);
    struct engine *engine = engine_open(context, root, error);
    struct quality_result *result = NULL;
    if (engine && engine_view(engine, RELATION, "sql/silver/movies_columns.sql", &file, 1, error))
        result = quality_check(engine, suite, RELATION, "run-1", 0, error);
    if (result) {
        g_autoptr(GString) out = g_string_new(NULL);
        g_string_append_printf(
            out, "{\"rows\":%" G_GINT64_FORMAT ",\"passed\":%" G_GINT64_FORMAT ",\"validation\":",
            result->rows, result->passed);
        quality_result_write(out, result->document);
        printf("%s}\n", out->str);
    }
    quality_result_free(result);
    engine_close(engine);
    return result != NULL;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: quality_check SUITE.json /FOLDER/FILE.parquet\n");
        return 2;
    }
    g_autoptr(GError) error = NULL;
    struct config *config = config_new_default();
    g_free(config->data_dir);
    config->data_dir = g_dir_make_tmp("marquee-quality-XXXXXX", NULL);
    struct context context = {.config = config, .clock = clock_new_manual(0)};
    struct quality_suite *suite = read_suite(argv[1], &error);
    bool done = suite && run(&context, suite, argv[2], &error);
    if (!done)
        fprintf(stderr, "quality_check: %s\n", error->message);
    quality_suite_free(suite);
    g_autofree char *tmp = g_build_filename(config->data_dir, "tmp", NULL);
    (void)g_rmdir(tmp);
    (void)g_rmdir(config->data_dir);
    clock_free(context.clock);
    config_free(config);
    return done ? 0 : 1;
}
