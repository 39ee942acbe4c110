/* `marquee batch run | step` in the process that does it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/stop.h"
#include "batch/as_of.h"
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

static void print_text(const struct batch_report *report, const struct batch_ask *ask)
{
    const char *what = ask->step ? ask->step : ask->as_of ? "computed" : "published";
    printf("%s: %s %s %.1f s, peak memory %.0f MB%s\n", report->run_id, what,
           ask->step ? "done in" : "in", report->seconds, (double)report->peak_bytes / 1e6,
           report->resumed && !ask->step ? " (an unfinished run, continued)" : "");
}

static void print_report(const struct batch_report *report, const struct batch_ask *ask)
{
    if (!ask->json) {
        print_text(report, ask);
        return;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    json_write_object(text);
    json_add_string(text, "run_id", report->run_id);
    if (ask->step)
        json_add_string(text, "step", ask->step);
    json_add_int(text, "generation", report->generation);
    json_add_time(text, "through", report->through_ms);
    json_add_double(text, "seconds", report->seconds);
    json_add_int(text, "peak_bytes", report->peak_bytes);
    json_add_bool(text, "resumed", report->resumed);
    json_write_object_end(text);
    puts(text->str);
}

/* Mistakes that the caller made, told before anything is opened. */
static bool check_ask(const struct batch_ask *ask, int64_t *ret_as_of_ms)
{
    if (ask->as_of && (*ret_as_of_ms = clock_parse_iso8601(ask->as_of)) < 0) {
        fprintf(stderr,
                "marquee batch run: --as-of %s: expected a time such as "
                "2026-03-03T04:00:00Z\n",
                ask->as_of);
        return false;
    }
    bool known = !ask->step || batch_has_step(ask->step);
    if (!known)
        fprintf(stderr,
                "marquee batch step: there is no step %s; --list and --list --dags print them\n",
                ask->step);
    return known;
}

/* A run that was stopped has not failed, but a step that was stopped isn't done: who asked for it
 * must not go on. */
static int tell_why(const struct context *context, const struct batch_ask *ask, const GError *error)
{
    int code = EXIT_FAILED;
    if (stop_requested(context->stop) && error_is(error, AGAIN)) {
        log_info(context->log, "batch", "the run was stopped", LOG_STR("why", error->message));
        code = ask->step ? EXIT_FAILED : EXIT_DONE;
    } else if (error_is(error, CONFLICT)) {
        log_info(context->log, "batch", "no run was begun", LOG_STR("why", error->message));
        code = BATCH_EXIT_SKIPPED;
    } else {
        log_error(context->log, "batch", "the run failed", LOG_STR("error", error->message));
    }
    fprintf(stderr, "marquee batch %s: %s\n", ask->step ? "step" : "run", error->message);
    return code;
}

int batch_child_main(const struct context *context, const struct batch_ask *ask)
{
    int64_t as_of_ms = 0;
    if (!check_ask(ask, &as_of_ms))
        return EXIT_USAGE;
    bool terminal = isatty(STDERR_FILENO);
    batch_progress_fn progress = terminal ? show_progress : NULL;
    struct batch_report report;
    g_autoptr(GError) error = NULL;
    bool done;
    if (ask->step)
        done = batch_step(context, ask->step, &report, &error);
    else if (ask->as_of)
        done = batch_as_of(context, as_of_ms, progress, stderr, &report, &error);
    else if (ask->if_due)
        done = batch_run_if_due(context, progress, stderr, &report, &error);
    else
        done = batch_run(context, progress, stderr, &report, &error);
    if (terminal)
        fprintf(stderr, "\r\033[K");
    if (done) {
        print_report(&report, ask);
        return EXIT_DONE;
    }
    return tell_why(context, ask, error);
}
