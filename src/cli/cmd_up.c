/* marquee up: all stages on threads, and at the end what they did. */
#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "cli/stages.h"

#define STAGES_MAX   16
#define BYTES_PER_KB 1024.0
#define BYTES_PER_MB (1024.0 * 1024.0)

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
    if (metrics_total(metrics, METRIC_EVENTS_RECORDS) > 0)
        printf("  made up   %.0f user events\n", metrics_total(metrics, METRIC_EVENTS_RECORDS));
    printf("  windowed  %.0f records used, %.0f duplicate, %.0f expired, %.0f bad; %.0f speed rows "
           "in %.0f commits\n",
           metrics_get(metrics, METRIC_STREAM_RECORDS, "used"),
           metrics_get(metrics, METRIC_STREAM_RECORDS, "duplicate"),
           metrics_get(metrics, METRIC_STREAM_RECORDS, "expired"),
           metrics_get(metrics, METRIC_STREAM_RECORDS, "bad"),
           metrics_total(metrics, METRIC_SPEED_ROWS),
           metrics_get(metrics, METRIC_STREAM_COMMITS, NULL));
    const double runs_done = metrics_get(metrics, METRIC_BATCH_RUNS, "done");
    const double runs_failed = metrics_get(metrics, METRIC_BATCH_RUNS, "failed");
    if (runs_done + runs_failed > 0)
        printf("  batched   %.0f runs done, %.0f failed; the last took %.1f s and %.0f MB\n",
               runs_done, runs_failed, metrics_get(metrics, METRIC_BATCH_SECONDS, NULL),
               metrics_get(metrics, METRIC_BATCH_PEAK_BYTES, NULL) / BYTES_PER_MB);
    else
        printf("  batched   no run ended in this time\n");
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
    memory_be_frugal();
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
        /* Only the batch's child runs DuckDB. */
        memory_drop_library("libduckdb");
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
