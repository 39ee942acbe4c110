#include "batch/verify.h"

#include "base/stop.h"
#include "lake/lake.h"

/* Ingest's, on their way into bronze: they are removed or replaced. */
#define SPOOL_PREFIX "spool/"

static bool is_kept(const struct manifest_table *table)
{
    return !g_str_has_prefix(table->name, SPOOL_PREFIX);
}

static void measure(const struct manifest *manifest, struct verify_report *report)
{
    for (guint i = 0; i < manifest->tables->len; i++) {
        const struct manifest_table *table = manifest->tables->pdata[i];
        for (guint j = 0; is_kept(table) && j < table->files->len; j++) {
            report->files++;
            report->size_bytes +=
                ((const struct manifest_file *)table->files->pdata[j])->size_bytes;
        }
    }
}

struct verifier {
    const struct context *context;
    struct lake *lake;
    verify_file_fn file;
    void *user;
    struct verify_report report;
    int64_t done_bytes;
};

static bool verify_file(struct verifier *verifier, const struct manifest_file *file, GError **error)
{
    g_autoptr(GError) trouble = NULL;
    if (verifier->context->stop && stop_requested(verifier->context->stop)) {
        error_set(error, AGAIN, "batch: stopped");
        return false;
    }
    if (!manifest_check_file(verifier->lake, file, &trouble)) {
        if (!error_is(trouble, BADDATA) && !error_is(trouble, NOTFOUND)) {
            g_propagate_error(error, g_steal_pointer(&trouble));
            return false;
        }
        verifier->report.damaged++;
    }
    verifier->done_bytes += file->size_bytes;
    verifier->file(verifier->user, trouble ? trouble->message : NULL, verifier->done_bytes,
                   verifier->report.size_bytes);
    return true;
}

static bool
verify_tables(struct verifier *verifier, const struct manifest *manifest, GError **error)
{
    for (guint i = 0; i < manifest->tables->len; i++) {
        const struct manifest_table *table = manifest->tables->pdata[i];
        for (guint j = 0; is_kept(table) && j < table->files->len; j++) {
            if (!verify_file(verifier, table->files->pdata[j], error))
                return false;
        }
    }
    return true;
}

bool batch_verify(const struct context *context,
                  verify_file_fn file,
                  void *user,
                  struct verify_report *ret_report,
                  GError **error)
{
    struct verifier verifier = {.context = context, .file = file, .user = user};
    struct manifest *manifest = NULL;
    verifier.lake = lake_open(context, error);
    bool done = verifier.lake && manifest_load_current(verifier.lake, &manifest, error);
    if (done && !manifest) {
        error_set(error, NOTFOUND,
                  "batch: nothing is published yet: run `marquee batch run` first");
        done = false;
    }
    if (done) {
        measure(manifest, &verifier.report);
        done = verify_tables(&verifier, manifest, error);
    }
    if (done) {
        g_strlcpy(verifier.report.run_id, manifest->run_id, sizeof verifier.report.run_id);
        *ret_report = verifier.report;
    }
    manifest_free(manifest);
    lake_close(verifier.lake);
    return done;
}
