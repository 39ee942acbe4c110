/* marquee batch run | status, marquee query. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "batch/batch_run.h"
#include "batch/query.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "view/view.h"

#define RUNS_SHOWN 20

static void print_run(const struct view_run *run, bool json, GString *line)
{
    char started[CLOCK_ISO_BYTES];
    g_string_truncate(line, 0);
    clock_iso8601(run->started_ms, started);
    if (!json) {
        g_string_printf(line, "%-36s %-22s %-8s %8.1f min\n", run->run_id, started, run->state,
                        run->ended_ms
                            ? (double)(run->ended_ms - run->started_ms) / (double)MS_PER_MINUTE
                            : 0.0);
    } else {
        json_write_object(line);
        json_add_string(line, "run_id", run->run_id);
        json_add_time(line, "started", run->started_ms);
        if (run->ended_ms)
            json_add_time(line, "ended", run->ended_ms);
        json_add_string(line, "state", run->state);
        if (run->detail) {
            json_write_key(line, "detail");
            json_write_raw(line, run->detail, strlen(run->detail));
        }
        json_write_object_end(line);
        g_string_append_c(line, '\n');
    }
    fputs(line->str, stdout);
}

static int print_runs(struct app *app)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) line = g_string_new(NULL);
    struct arena *arena = arena_new();
    struct view *view = view_open(&app->context, &error);
    struct view_run *runs;
    size_t count = 0;
    bool done = view && view_runs(view, RUNS_SHOWN, arena, &runs, &count, &error);
    if (done && !app->options.json)
        printf("%-36s %-22s %-8s %12s\n", "RUN", "STARTED", "STATE", "WORLD TIME");
    for (size_t i = 0; done && i < count; i++)
        print_run(&runs[i], app->options.json, line);
    view_close(view);
    arena_free(arena);
    return done ? EXIT_DONE : app_fail(error);
}

int cmd_batch(int argc, char **argv)
{
    struct app app = {0};
    int code = EXIT_USAGE;
    bool parsed = app_parse(&app, &argc, &argv, "run | status",
                            "run: one batch now: archive, silver, gold, views. The old views are "
                            "served until it is done.\n"
                            "status: the last runs.",
                            NULL);
    const char *verb = argc == 2 ? argv[1] : "";
    bool run = g_str_equal(verb, "run"), status = g_str_equal(verb, "status");
    if (parsed && !run && !status)
        app_usage("batch", "expected run or status");
    else if (parsed && app_start(&app))
        code = run ? batch_child_main(&app.context, app.options.json ? 2 : 1,
                                      (char *[]){argv[0], (char *)"--json", NULL})
                   : print_runs(&app);
    app_end(&app);
    return code;
}

int cmd_query(int argc, char **argv)
{
    struct app app = {0};
    int code = EXIT_USAGE;
    bool parsed = app_parse(&app, &argc, &argv, "SQL",
                            "One SELECT over the published lake: bronze.ratings, silver.movies, "
                            "gold.genre_analytics ...\n"
                            "Read-only; nothing outside the data folder can be reached.",
                            NULL);
    if (parsed && argc != 2)
        app_usage("query", "expected one SQL text (put it in quotes)");
    else if (parsed && app_start(&app)) {
        g_autoptr(GError) error = NULL;
        int64_t rows;
        enum query_format format = app.options.json ? QUERY_JSON : QUERY_TABLE;
        code = batch_query(&app.context, argv[1], format, stdout, &rows, &error) ? EXIT_DONE
                                                                                 : app_fail(error);
    }
    app_end(&app);
    return code;
}
