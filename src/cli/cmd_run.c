/* marquee run ROLE, marquee up: stages on threads. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/stages.h"
#include "ingest/ingest.h"

#define BACKFILL_DAYS_MAX 3650.0

#define STAGES_MAX   16
#define BYTES_PER_KB 1024.0
#define BYTES_PER_MB (1024.0 * 1024.0)

static void draw_backfill(const struct ingest_progress *state, void *user)
{
    char note[64];
    g_snprintf(note, sizeof note, "%" G_GINT64_FORMAT " records", state->records);
    progress_draw(user, (double)state->done_ms, (double)state->total_ms, note);
}

static int run_backfill(struct app *app, double days)
{
    struct progress progress;
    g_autoptr(GError) error = NULL;
    int64_t from_ms = clock_now_ms(app->context.clock) - (int64_t)(days * (double)MS_PER_DAY);
    progress_start(&progress, app->context.clock, "backfill");
    bool done = ingest_backfill(&app->context, from_ms, draw_backfill, &progress, &error);
    progress_end(&progress);
    return done ? EXIT_DONE : app_fail(error);
}

static bool parse_days(const char *text, double *ret_days)
{
    char *end;
    double days = g_ascii_strtod(text, &end);
    if (end == text || *end || !(days > 0 && days <= BACKFILL_DAYS_MAX))
        return false;
    *ret_days = days;
    return true;
}

static char *role_names(void)
{
    GString *names = g_string_new(NULL);
    for (const struct stage *stage = stages; stage->name; stage++)
        g_string_append_printf(names, "%s%s", names->len ? ", " : "", stage->name);
    return g_string_free(names, FALSE);
}

int cmd_run(int argc, char **argv)
{
    struct app app = {0};
    g_autofree char *backfill = NULL;
    const GOptionEntry extra[] = {
        {"backfill", 0, 0, G_OPTION_ARG_STRING, &backfill,
         "ingest: first fill in the last DAYS from the simulator, then end", "DAYS"},
        G_OPTION_ENTRY_NULL,
    };
    g_autofree char *names = role_names();
    g_autofree char *summary = g_strdup_printf("Runs one role until SIGTERM or Ctrl-C: %s.", names);
    int code = EXIT_USAGE;
    if (app_parse(&app, &argc, &argv, "ROLE", summary, extra)) {
        const struct stage *stage = argc == 2 ? stage_find(argv[1]) : NULL;
        double backfill_days = 0;
        if (!stage)
            app_usage("run", "expected one role of %s", names);
        else if (backfill && !g_str_equal(stage->name, "ingest"))
            app_usage("run", "--backfill goes with ingest");
        else if (backfill && !parse_days(backfill, &backfill_days))
            app_usage("run", "--backfill: expected a number of days above 0 and up to %g",
                      BACKFILL_DAYS_MAX);
        else if (app_start(&app)) {
            g_autoptr(GError) error = NULL;
            if (backfill)
                code = run_backfill(&app, backfill_days);
            else
                code = stages_run(&app.context, app_settings(&app), &stage, 1, &error)
                           ? EXIT_DONE
                           : app_fail(error);
        }
    }
    app_end(&app);
    return code;
}

/* What this process did, from its own metrics. */
static void print_summary(const struct app *app, int64_t started_ms, int64_t started_world_ms)
{
    struct metrics *metrics = app->context.metrics;
    double real_s =
        (double)(clock_monotonic_ms(app->context.clock) - started_ms) / (double)MS_PER_SECOND;
    double world_h =
        (double)(clock_now_ms(app->context.clock) - started_world_ms) / (double)MS_PER_HOUR;
    double served = metrics_total(metrics, METRIC_HTTP_REQUESTS);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("\nIn %.0f s, which were %.1f h of marquee's clock:\n", real_s, world_h);
    printf("  ingested  %.0f observations, %.0f facts, %.0f reviews, by %.0f requests to TMDB\n",
           metrics_get(metrics, METRIC_INGEST_RECORDS, "movie.ratings"),
           metrics_get(metrics, METRIC_INGEST_RECORDS, "movie.metadata"),
           metrics_get(metrics, METRIC_INGEST_RECORDS, "movie.reviews"),
           metrics_total(metrics, METRIC_INGEST_REQUESTS));
    printf("  windowed  %.0f records used, %.0f duplicate, %.0f expired, %.0f bad; %.0f speed rows "
           "in %.0f commits\n",
           metrics_get(metrics, METRIC_STREAM_RECORDS, "used"),
           metrics_get(metrics, METRIC_STREAM_RECORDS, "duplicate"),
           metrics_get(metrics, METRIC_STREAM_RECORDS, "expired"),
           metrics_get(metrics, METRIC_STREAM_RECORDS, "bad"),
           metrics_total(metrics, METRIC_SPEED_ROWS),
           metrics_get(metrics, METRIC_STREAM_COMMITS, NULL));
    printf("  batched   %.0f runs done, %.0f failed; the last took %.1f s and %.0f MB\n",
           metrics_get(metrics, METRIC_BATCH_RUNS, "done"),
           metrics_get(metrics, METRIC_BATCH_RUNS, "failed"),
           metrics_get(metrics, METRIC_BATCH_SECONDS, NULL),
           metrics_get(metrics, METRIC_BATCH_PEAK_BYTES, NULL) / BYTES_PER_MB);
    printf("  served    %.0f requests\n", served);
    printf("  memory    %.0f MB at most\n", (double)usage.ru_maxrss * BYTES_PER_KB / BYTES_PER_MB);
}

int cmd_up(int argc, char **argv)
{
    struct app app = {0};
    gboolean summary = FALSE;
    const GOptionEntry extra[] = {
        {"summary", 0, 0, G_OPTION_ARG_NONE, &summary,
         "At the end, print what was ingested, windowed, batched and served", NULL},
        G_OPTION_ENTRY_NULL,
    };
    int code = EXIT_USAGE;
    bool parsed = app_parse(&app, &argc, &argv, NULL,
                            "Runs all roles in this process until SIGTERM or Ctrl-C.", extra);
    if (parsed && argc != 1)
        app_usage("up", "takes no argument, found \"%s\"", argv[1]);
    else if (parsed && app_start(&app)) {
        const struct stage *wanted[STAGES_MAX];
        size_t count = 0;
        for (const struct stage *stage = stages; stage->name; stage++) {
            g_assert(count < G_N_ELEMENTS(wanted));
            if (!stage->wanted || stage->wanted(app.config))
                wanted[count++] = stage;
        }
        g_autoptr(GError) error = NULL;
        int64_t started_ms = clock_monotonic_ms(app.context.clock),
                started_world_ms = clock_now_ms(app.context.clock);
        log_info(app.context.log, "up", "starting", LOG_STR("version", MARQUEE_VERSION),
                 LOG_STR("data_dir", app.config->data_dir));
        code = stages_run(&app.context, app_settings(&app), wanted, count, &error)
                   ? EXIT_DONE
                   : app_fail(error);
        log_info(app.context.log, "up", "ended", LOG_INT("exit_code", code));
        if (summary)
            print_summary(&app, started_ms, started_world_ms);
    }
    app_end(&app);
    return code;
}
