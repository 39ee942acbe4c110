/* A manifest reads back as it was written, byte for byte, and nothing unsound is accepted. */
#include "lake/manifest.h"

#include <string.h>

static struct manifest *example(void)
{
    struct manifest *manifest = manifest_new("run-000007-20260303T040000Z");
    manifest->previous = g_strdup("run-000006-20260303T000000Z");
    manifest->generation = 7;
    manifest->cut_at_ms = 1772510400000;
    manifest->through_ms = 1772510400000;
    manifest->bronze_from_ms = -5;
    manifest_cut(manifest, "movie.ratings", 2)->offsets[1] = 41;
    struct manifest_file file = {
        .name = "bronze/ratings/a.parquet", .rows = 3, .size_bytes = 99, .sha256 = "00ff"};
    manifest_add_file(manifest, "bronze/ratings", &file);
    file.from_ms = 1772323200000;
    file.to_ms = 1775001600000;
    manifest_add_file(manifest, "bronze/ratings", &file);
    manifest_table(manifest, "gold/empty");
    struct manifest_step step = {.name = "archive", .rows = 3, .size_bytes = 99, .seconds = 0.25};
    manifest_add_step(manifest, &step);
    return manifest;
}

static void test_round_trip(void)
{
    struct manifest *manifest = example();
    g_autofree char *json = manifest_to_json(manifest);
    GError *error = NULL;
    struct manifest *back = manifest_parse(json, strlen(json), &error);
    g_assert_no_error(error);
    g_autofree char *again = manifest_to_json(back);
    g_assert_cmpstr(json, ==, again);
    g_assert_cmpint(manifest_find_cut(back, "movie.ratings")->offsets[1], ==, 41);
    g_assert_cmpint(back->bronze_from_ms, ==, -5);
    g_assert_null(manifest_find_cut(back, "movie.reviews"));
    g_assert_true(manifest_step_done(back, "archive"));
    g_assert_false(manifest_step_done(back, "publish"));
    const struct manifest_table *table = manifest_find_table(back, "bronze/ratings");
    g_assert_cmpuint(table->files->len, ==, 2);
    const struct manifest_file *file = table->files->pdata[0];
    g_assert_cmpint(file->to_ms, ==, 0);
    file = table->files->pdata[1];
    g_assert_cmpint(file->to_ms, ==, 1775001600000);
    g_assert_cmpuint(manifest_find_table(back, "gold/empty")->files->len, ==, 0);
    g_autofree char *cut = manifest_cut_json(back);
    g_assert_cmpstr(cut, ==, "{\"movie.ratings\":[0,41]}");
    manifest_free(manifest);
    manifest_free(back);
}

static void test_refuses(void)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"version\":2,\"run_id\":\"a\"}",
        "{\"version\":1,\"run_id\":\"../a\",\"generation\":1,\"cut_at\":1,\"through\":1}",
        "{\"version\":1,\"run_id\":\"a\",\"generation\":1,\"cut_at\":1,\"through\":1,\"cut\":{"
        "\"t\":[-1]},"
        "\"tables\":{},\"steps\":[]}",
        "{\"version\":1,\"run_id\":\"a\",\"generation\":1,\"cut_at\":1,\"through\":1,\"cut\":{},"
        "\"tables\":{\"x\":[{\"name\":\"n\"}]},\"steps\":[]}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        GError *error = NULL;
        g_assert_null(manifest_parse(bad[i], strlen(bad[i]), &error));
        g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
        g_clear_error(&error);
    }
    /* Cut short anywhere, it is refused, never read in part. */
    struct manifest *manifest = example();
    g_autofree char *json = manifest_to_json(manifest);
    for (size_t len = 0; len < strlen(json); len++) {
        GError *error = NULL;
        g_assert_null(manifest_parse(json, len, &error));
        g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
        g_clear_error(&error);
    }
    manifest_free(manifest);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/manifest/round_trip", test_round_trip);
    g_test_add_func("/manifest/refuses", test_refuses);
    return g_test_run();
}
