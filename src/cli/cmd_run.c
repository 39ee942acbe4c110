/* marquee run ROLE: one stage on a thread; for ingest also the past, which ends by itself. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/memory.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "cli/metrics_server.h"
#include "cli/progress.h"
#include "cli/stages.h"
#include "ingest/exports.h"
#include "ingest/ingest.h"
#include "stream/stream.h"

#define BACKFILL_DAYS_MAX 3650.0

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

static void draw_exports(const struct exports_progress *state, void *user)
{
    char note[64];
    g_snprintf(note, sizeof note, "%" G_GINT64_FORMAT " lines", state->lines);
    progress_draw(user, (double)state->bytes, (double)state->total_bytes, note);
}

/* One of TMDB's daily ID export files: its day stands in its name. */
static int run_exports(struct app *app, const char *source)
{
    struct progress progress;
    g_autoptr(GError) error = NULL;
    progress_start(&progress, app->context.clock, "exports");
    bool done = ingest_exports(&app->context, source, -1, draw_exports, &progress, &error);
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

/* serve answers /metrics by itself. */
static int run_role(struct app *app, const struct stage *stage)
{
    g_autoptr(GError) error = NULL;
    struct http_server *metrics = NULL;
    bool done =
        g_str_equal(stage->name, "serve") || metrics_server_start(&app->context, &metrics, &error);
    if (done)
        done = stages_run(&app->context, app_settings(app), &stage, 1, &error);
    http_server_stop(metrics);
    return done ? EXIT_DONE : app_fail(error);
}

static int run_until_caught_up(struct app *app)
{
    g_autoptr(GError) error = NULL;
    return stream_catch_up(&app->context, &error) ? EXIT_DONE : app_fail(error);
}

static void set_instance(struct app *app, char **instance)
{
    if (!*instance)
        return;
    g_free(app->config->stream_instance);
    app->config->stream_instance = g_steal_pointer(instance);
}

int cmd_run(int argc, char **argv)
{
    struct app app = {0};
    memory_be_frugal();
    g_autofree char *backfill = NULL, *exports = NULL, *instance = NULL;
    gboolean until_caught_up = FALSE;
    const GOptionEntry extra[] = {
        {"backfill", 0, 0, G_OPTION_ARG_STRING, &backfill,
         "ingest: first fill in the last DAYS from the simulator, then end", "DAYS"},
        {"exports", 0, 0, G_OPTION_ARG_STRING, &exports,
         "ingest: read a daily ID export of TMDB (movie_ids_MM_DD_YYYY.json.gz), then end",
         "FILE-OR-URL"},
        {"instance", 0, 0, G_OPTION_ARG_STRING, &instance,
         "stream on Kafka: this process's name, instead of stream.instance", "NAME"},
        {"until-caught-up", 0, 0, G_OPTION_ARG_NONE, &until_caught_up,
         "stream: end when everything on the bus is read and committed", NULL},
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
        else if ((backfill || exports) && !g_str_equal(stage->name, "ingest"))
            app_usage("run", "%s goes with ingest", backfill ? "--backfill" : "--exports");
        else if ((instance || until_caught_up) && !g_str_equal(stage->name, "stream"))
            app_usage("run", "%s goes with stream", instance ? "--instance" : "--until-caught-up");
        else if (backfill && exports)
            app_usage("run", "--backfill and --exports are two runs");
        else if (backfill && !parse_days(backfill, &backfill_days))
            app_usage("run", "--backfill: expected a number of days above 0 and up to %g",
                      BACKFILL_DAYS_MAX);
        else if (app_start(&app)) {
            set_instance(&app, &instance);
            if (!g_str_equal(stage->name, "batch"))
                memory_drop_library("libduckdb");
            if (until_caught_up)
                code = run_until_caught_up(&app);
            else if (backfill)
                code = run_backfill(&app, backfill_days);
            else if (exports)
                code = run_exports(&app, exports);
            else
                code = run_role(&app, stage);
        }
    }
    app_end(&app);
    return code;
}
