/* marquee run ROLE, marquee up: stages on threads. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/stages.h"
#include "ingest/ingest.h"

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

int cmd_up(int argc, char **argv)
{
    struct app app = {0};
    int code = EXIT_USAGE;
    if (app_parse(&app, &argc, &argv, NULL,
                  "Runs all roles in this process until SIGTERM or Ctrl-C.", NULL) &&
        app_takes_no_more(argc, argv, 1) && app_start(&app)) {
        const struct stage *wanted[16];
        size_t count = 0;
        for (const struct stage *stage = stages; stage->name; stage++) {
            g_assert(count < G_N_ELEMENTS(wanted));
            wanted[count++] = stage;
        }
        g_autoptr(GError) error = NULL;
        log_info(app.context.log, "up", "starting", LOG_STR("version", MARQUEE_VERSION),
                 LOG_STR("data_dir", app.config->data_dir));
        code = stages_run(&app.context, app_settings(&app), wanted, count, &error)
                   ? EXIT_DONE
                   : app_fail(error);
        log_info(app.context.log, "up", "ended", LOG_INT("exit_code", code));
    }
    app_end(&app);
    return code;
}
