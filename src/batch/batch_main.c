/* `marquee batch run` in the process that does it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json_writer.h"
#include "base/log.h"
#include "base/stop.h"
#include "batch/batch_run.h"

#define EXIT_DONE   0
#define EXIT_FAILED 1
#define EXIT_USAGE  2
#define BAR_WIDTH   24

static void show_progress(void *user, size_t step, size_t steps_count, const char *name)
{
    FILE *out = user;
    size_t filled = step * BAR_WIDTH / steps_count;
    fprintf(out, "\r\033[K[");
    for (size_t i = 0; i < BAR_WIDTH; i++)
        fputc(i < filled ? '#' : '.', out);
    fprintf(out, "] %zu/%zu %s", step + 1, steps_count, name);
    fflush(out);
}

static void print_report(const struct batch_report *report, bool json)
{
    if (!json) {
        printf("%s: published in %.1f s, peak memory %.0f MB%s\n", report->run_id, report->seconds,
               (double)report->peak_bytes / 1e6,
               report->resumed ? " (an unfinished run, continued)" : "");
        return;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    json_write_object(text);
    json_add_string(text, "run_id", report->run_id);
    json_add_int(text, "generation", report->generation);
    json_add_time(text, "through", report->through_ms);
    json_add_double(text, "seconds", report->seconds);
    json_add_int(text, "peak_bytes", report->peak_bytes);
    json_add_bool(text, "resumed", report->resumed);
    json_write_object_end(text);
    puts(text->str);
}

int batch_child_main(const struct context *context, int argc, char **argv)
{
    bool json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") != 0) {
            fprintf(stderr, "marquee batch run: %s: expected nothing or --json\n", argv[i]);
            return EXIT_USAGE;
        }
        json = true;
    }
    bool terminal = isatty(STDERR_FILENO);
    struct batch_report report;
    g_autoptr(GError) error = NULL;
    bool done = batch_run(context, terminal ? show_progress : NULL, stderr, &report, &error);
    if (terminal)
        fprintf(stderr, "\r\033[K");
    if (done) {
        print_report(&report, json);
        return EXIT_DONE;
    }
    if (stop_requested(context->stop))
        log_info(context->log, "batch", "the run was stopped", LOG_STR("why", error->message));
    else
        log_error(context->log, "batch", "the run failed", LOG_STR("error", error->message));
    fprintf(stderr, "marquee batch run: %s\n", error->message);
    return EXIT_FAILED;
}
