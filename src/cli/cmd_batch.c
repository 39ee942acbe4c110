/* marquee batch run | step | backfill | status | drift | verify, marquee query. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/stop.h"
#include "batch/backfill.h"
#include "batch/batch_run.h"
#include "batch/drift.h"
#include "batch/query.h"
#include "batch/verify.h"
#include "cli/app.h"
#include "cli/batch_dag.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "speed/speed_query.h"
#include "view/view.h"

#define RUNS_SHOWN 20
#define EXPECTED   "expected run, step NAME, backfill, status, drift or verify"

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

static void show_file(void *user, const char *why, int64_t done, int64_t total)
{
    progress_draw(user, (double)done, (double)MAX(total, 1), NULL);
    if (why)
        fprintf(stderr, "%s\n", why);
}

static int run_verify(struct app *app)
{
    struct progress progress;
    struct verify_report report;
    g_autoptr(GError) error = NULL;
    progress_start(&progress, app->context.clock, "verify");
    bool done = batch_verify(&app->context, show_file, &progress, &report, &error);
    progress_end(&progress);
    if (!done)
        return app_fail(error);
    if (!app->options.json) {
        printf("%s: %lld files, %lld bytes, %lld damaged\n", report.run_id, (long long)report.files,
               (long long)report.size_bytes, (long long)report.damaged);
    } else {
        g_autoptr(GString) text = g_string_new(NULL);
        json_write_object(text);
        json_add_string(text, "run_id", report.run_id);
        json_add_int(text, "files", report.files);
        json_add_int(text, "bytes", report.size_bytes);
        json_add_int(text, "damaged", report.damaged);
        json_write_object_end(text);
        puts(text->str);
    }
    return report.damaged ? EXIT_FAILED : EXIT_DONE;
}

static int list_steps(const struct app *app, bool dags)
{
    if (dags) {
        batch_dag_list(app->options.json);
        return EXIT_DONE;
    }
    if (!app->options.json) {
        for (size_t i = 0; i < batch_steps_count(); i++)
            puts(batch_step_name(i));
        return EXIT_DONE;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    json_write_array(text);
    for (size_t i = 0; i < batch_steps_count(); i++)
        json_write_string(text, batch_step_name(i));
    json_write_array_end(text);
    puts(text->str);
    return EXIT_DONE;
}

enum verb { VERB_RUN, VERB_STEP, VERB_BACKFILL, VERB_STATUS, VERB_DRIFT, VERB_VERIFY, VERB_COUNT };

static enum verb verb_of(const char *word)
{
    static const char *const names[VERB_COUNT] = {"run",    "step",  "backfill",
                                                  "status", "drift", "verify"};
    int verb = 0;
    while (verb < VERB_COUNT && strcmp(names[verb], word) != 0)
        verb++;
    return (enum verb)verb;
}

struct batch_options {
    char *as_of, *start, *end;
    gboolean list, dags, if_due;
    int64_t start_ms, end_ms;
};

static void options_clear(struct batch_options *options)
{
    g_free(options->as_of);
    g_free(options->start);
    g_free(options->end);
}

/* A time, or a day: its beginning. */
static bool read_time(const char *text, int64_t *ret_time_ms)
{
    g_autofree char *whole =
        strchr(text, 'T') ? g_strdup(text) : g_strconcat(text, "T00:00:00Z", NULL);
    return (*ret_time_ms = clock_parse_iso8601(whole)) >= 0;
}

static const char *check_backfill(struct batch_options *options)
{
    if (!options->start || !options->end)
        return "backfill: expected --start TIME and --end TIME";
    if (!read_time(options->start, &options->start_ms) ||
        !read_time(options->end, &options->end_ms))
        return "backfill: expected times such as 2026-03-03 or 2026-03-03T04:00:00Z";
    return options->start_ms > options->end_ms ? "backfill: --start is after --end" : NULL;
}

/* Whether words and options go together; else why stands on stderr. */
static bool check_words(enum verb verb, int argc, struct batch_options *options)
{
    int words = verb == VERB_STEP && !options->list ? 3 : 2;
    const char *wrong = NULL;
    if (verb == VERB_COUNT)
        wrong = EXPECTED;
    else if ((options->list || options->dags) && verb != VERB_STEP)
        wrong = options->list ? "--list goes with step" : "--dags goes with step --list";
    else if (options->dags && !options->list)
        wrong = "--dags goes with step --list";
    else if ((options->as_of || options->if_due) && verb != VERB_RUN)
        wrong = options->as_of ? "--as-of goes with run" : "--if-due goes with run";
    else if (options->as_of && options->if_due)
        wrong = "--as-of and --if-due are two runs";
    else if ((options->start || options->end) && verb != VERB_BACKFILL)
        wrong = "--start and --end go with backfill";
    else if (argc != words)
        wrong = words == 3 ? "step: expected the name of one step (--list prints them)" : EXPECTED;
    else if (verb == VERB_BACKFILL)
        wrong = check_backfill(options);
    if (wrong)
        app_usage("batch", "%s", wrong);
    return !wrong;
}

static void draw_instants(const struct backfill_progress *state, void *user)
{
    char at[CLOCK_ISO_BYTES];
    progress_draw(user, (double)state->done, (double)state->total, clock_iso8601(state->at_ms, at));
}

static int run_backfill(struct app *app, const struct batch_options *options)
{
    struct progress progress;
    struct backfill_progress state;
    g_autoptr(GError) error = NULL;
    progress_start(&progress, app->context.clock, "backfill");
    bool done = batch_backfill(&app->context, options->start_ms, options->end_ms, draw_instants,
                               &progress, &state, &error);
    progress_end(&progress);
    if (!done) {
        bool stopped = stop_requested(app->context.stop) && error_is(error, AGAIN);
        int code = app_fail(error);
        return stopped ? EXIT_DONE : code;
    }
    if (!app->options.json) {
        printf("%lld instants, %lld computed now\n", (long long)state.total,
               (long long)state.computed);
        return EXIT_DONE;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    json_write_object(text);
    json_add_int(text, "instants", state.total);
    json_add_int(text, "computed", state.computed);
    json_write_object_end(text);
    puts(text->str);
    return EXIT_DONE;
}

static int run_verb(struct app *app, enum verb verb, char **argv, struct batch_options *options)
{
    const struct batch_ask ask = {.step = verb == VERB_STEP ? argv[2] : NULL,
                                  .as_of = options->as_of,
                                  .if_due = options->if_due,
                                  .json = app->options.json};
    const struct dag_step *dag = ask.step && !batch_has_step(ask.step) ? dag_find(ask.step) : NULL;
    switch (verb) {
    case VERB_RUN:
    case VERB_STEP:
        if (dag)
            return batch_dag_main(app, dag);
        return batch_child_main(&app->context, &ask);
    case VERB_BACKFILL:
        return run_backfill(app, options);
    case VERB_STATUS:
        return print_runs(app);
    case VERB_DRIFT:
        return print_drift(app);
    case VERB_VERIFY:
        return run_verify(app);
    case VERB_COUNT:
        break;
    }
    g_assert_not_reached();
}

int cmd_batch(int argc, char **argv)
{
    struct app app = {0};
    struct batch_options options = {0};
    const GOptionEntry extra[] = {
        {"as-of", 0, 0, G_OPTION_ARG_STRING, &options.as_of,
         "run: compute what was there at TIME into runs/asof-TIME, publish nothing", "TIME"},
        {"if-due", 0, 0, G_OPTION_ARG_NONE, &options.if_due,
         "run: only where one is due since the last; else exit 99", NULL},
        {"list", 0, 0, G_OPTION_ARG_NONE, &options.list, "step: print the steps, in order", NULL},
        {"dags", 0, 0, G_OPTION_ARG_NONE, &options.dags,
         "step --list: the names for an orchestrator's graphs instead, and what each does", NULL},
        {"start", 0, 0, G_OPTION_ARG_STRING, &options.start, "backfill: the first instant", "TIME"},
        {"end", 0, 0, G_OPTION_ARG_STRING, &options.end, "backfill: the last instant", "TIME"},
        G_OPTION_ENTRY_NULL,
    };
    int code = EXIT_USAGE;
    bool parsed = app_parse(
        &app, &argc, &argv, "run | step NAME | backfill | status | drift | verify",
        "run: one batch now: archive, silver, gold, views. The old views are served until it is "
        "done.\n"
        "step: one step of a run, or one of an orchestrator's graph, such as transform.sentiment; "
        "the "
        "first one begins the run.\n"
        "backfill: all past instants at which a run was due from --start to --end, into "
        "runs/asof-TIME; goes on where it was stopped.\n"
        "status: the last runs.\n"
        "drift: where the last run found lake and speed tables to disagree.\n"
        "verify: whether the published lake's files are what was written, by their checksums.\n"
        "Exit codes: 0 done, 1 failed, 2 usage, 99 not begun: another run is under way, or none is "
        "due.",
        extra);
    enum verb verb = parsed && argc >= 2 ? verb_of(argv[1]) : VERB_COUNT;
    if (parsed && check_words(verb, argc, &options)) {
        if (options.list)
            code = list_steps(&app, options.dags);
        else if (app_start(&app))
            code = run_verb(&app, verb, argv, &options);
    }
    options_clear(&options);
    app_end(&app);
    return code;
}

static bool ask(const struct app *app, const char *sql, bool speed, GError **error)
{
    int64_t rows;
    if (speed)
        return speed_query(&app->context, sql,
                           app->options.json ? SPEED_QUERY_JSON : SPEED_QUERY_TABLE, stdout, &rows,
                           error);
    return batch_query(&app->context, sql, app->options.json ? QUERY_JSON : QUERY_TABLE, stdout,
                       &rows, error);
}

int cmd_query(int argc, char **argv)
{
    struct app app = {0};
    gboolean speed = FALSE;
    const GOptionEntry extra[] = {
        {"speed", 0, 0, G_OPTION_ARG_NONE, &speed,
         "over the speed tables instead: movie_stats, review_sentiments, trending_movies, "
         "real_time_stats, hour_counts",
         NULL},
        G_OPTION_ENTRY_NULL,
    };
    int code = EXIT_USAGE;
    bool parsed = app_parse(&app, &argc, &argv, "SQL",
                            "One SELECT over the published lake: bronze.ratings, silver.movies, "
                            "gold.genre_analytics ...\n"
                            "Read-only; nothing outside the data folder can be reached.",
                            extra);
    if (parsed && argc != 2)
        app_usage("query", "expected one SQL text (put it in quotes)");
    else if (parsed && app_start(&app)) {
        g_autoptr(GError) error = NULL;
        code = ask(&app, argv[1], speed, &error) ? EXIT_DONE : app_fail(error);
    }
    app_end(&app);
    return code;
}
