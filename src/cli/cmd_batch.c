/* marquee batch run | status | drift, marquee query. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "batch/batch_run.h"
#include "batch/drift.h"
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

static void print_drift_rows(const struct drift *drift)
{
    char hour[CLOCK_ISO_BYTES], at[CLOCK_ISO_BYTES];
    int64_t total = 0;
    for (int i = 0; i < DRIFT_CAUSE_COUNT; i++)
        total += drift->counts[i];
    printf("%s, %s: %lld rows compared, %lld differ (missing_speed %lld, missing_batch %lld, value "
           "%lld), %lld repaired\n",
           drift->run_id, clock_iso8601(drift->at_ms, at), (long long)drift->compared,
           (long long)total, (long long)drift->counts[DRIFT_MISSING_SPEED],
           (long long)drift->counts[DRIFT_MISSING_BATCH], (long long)drift->counts[DRIFT_VALUE],
           (long long)drift->repaired);
    if (drift->rows->len)
        printf("%-18s %-14s %12s  %-20s %-20s %s\n", "TABLE", "CAUSE", "MOVIE", "HOUR", "WINDOW",
               "REPAIRED");
    for (guint i = 0; i < drift->rows->len; i++) {
        const struct drift_row *row = &g_array_index(drift->rows, struct drift_row, i);
        char window[CLOCK_ISO_BYTES];
        printf("%-18s %-14s %12d  %-20s %-20s %s\n", speed_table_name(row->table),
               drift_cause_name(row->cause), row->movie_id, clock_iso8601(row->hour_ms, hour),
               clock_iso8601(row->window_start_ms, window), row->repaired ? "yes" : "no");
    }
}

static int print_drift(struct app *app)
{
    g_autoptr(GError) error = NULL;
    struct lake *lake = lake_open(&app->context, &error);
    struct drift *drift = lake ? drift_load(lake, &error) : NULL;
    lake_close(lake);
    if (!drift && error_is(error, NOTFOUND)) {
        g_clear_error(&error);
        error_set(&error, NOTFOUND, "no batch run has compared lake and speed tables yet");
    }
    if (!drift)
        return app_fail(error);
    if (app->options.json) {
        g_autofree char *text = drift_to_json(drift);
        puts(text);
    } else {
        print_drift_rows(drift);
    }
    drift_free(drift);
    return EXIT_DONE;
}

int cmd_batch(int argc, char **argv)
{
    struct app app = {0};
    int code = EXIT_USAGE;
    bool parsed = app_parse(&app, &argc, &argv, "run | status | drift",
                            "run: one batch now: archive, silver, gold, views. The old views are "
                            "served until it is done.\n"
                            "status: the last runs.\n"
                            "drift: where the last run found lake and speed tables to disagree.",
                            NULL);
    const char *verb = argc == 2 ? argv[1] : "";
    bool run = g_str_equal(verb, "run"), status = g_str_equal(verb, "status");
    bool drift = g_str_equal(verb, "drift");
    if (parsed && !run && !status && !drift)
        app_usage("batch", "expected run, status or drift");
    else if (parsed && drift && app_start(&app))
        code = print_drift(&app);
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
