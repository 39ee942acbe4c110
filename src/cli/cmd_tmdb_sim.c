#include "cli/cmd_tmdb_sim.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "cli/app.h"
#include "cli/signals.h"
#include "tmdb_sim/sim.h"

#define NAME            "marquee tmdb-sim"
#define CLOCK_SPEED_MAX 1e6
#define STOP_WAIT_MS    (60 * MS_PER_SECOND)

/* As they stand on the command line. */
struct flags {
    int port, movies;
    gint64 seed;
    double clock_speed;
    gboolean no_premieres;
    char *capture, *clock_start, *clock_anchor, *fault, *request_log, *require_key;
    char **bursts;
};

static void flags_clear(struct flags *flags)
{
    g_free(flags->capture);
    g_free(flags->clock_start);
    g_free(flags->clock_anchor);
    g_free(flags->fault);
    g_free(flags->request_log);
    g_free(flags->require_key);
    g_strfreev(flags->bursts);
}

static bool parse_flags(struct flags *flags, int *argc, char ***argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"port", 'p', 0, G_OPTION_ARG_INT, &flags->port, "Port on 127.0.0.1; 0 takes a free one",
         "P"},
        {"capture", 0, 0, G_OPTION_ARG_FILENAME, &flags->capture,
         "Serve a capture folder instead of the built-in catalogue", "DIR"},
        {"clock-start", 0, 0, G_OPTION_ARG_STRING, &flags->clock_start,
         "The world's time at the start: ISO 8601 UTC or ms since the epoch; now without it", "T"},
        {"clock-anchor", 0, 0, G_OPTION_ARG_STRING, &flags->clock_anchor,
         "The real time at which it is --clock-start, shared by several processes", "T"},
        {"clock-speed", 0, 0, G_OPTION_ARG_DOUBLE, &flags->clock_speed,
         "World seconds in a real second; 1 without it", "X"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &flags->seed, "What chance is thrown from; 1 without it",
         "N"},
        {"movies", 0, 0, G_OPTION_ARG_INT, &flags->movies,
         "So many movies: the most popular, or made-up ones besides", "N"},
        {"no-premieres", 0, 0, G_OPTION_ARG_NONE, &flags->no_premieres,
         "No made-up movie appears over time", NULL},
        {"burst", 0, 0, G_OPTION_ARG_STRING_ARRAY, &flags->bursts,
         "Plant a burst of popularity; repeatable", "MOVIE_ID@T"},
        {"fault", 0, 0, G_OPTION_ARG_STRING, &flags->fault,
         "Misbehave: error=0.3,latency=200ms@0.1,truncate=0.05,html=0.02,missing_block=0.05,"
         "storm=60s/600s,rate=40,retry_after=0|none|N",
         "SPEC"},
        {"request-log", 0, 0, G_OPTION_ARG_FILENAME, &flags->request_log,
         "Write one JSON line a request", "F"},
        {"require-key", 0, 0, G_OPTION_ARG_STRING, &flags->require_key,
         "Answer 401 without this key (api_key= or Bearer)", "K"},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_summary(
        context, "Serves TMDB's API at http://127.0.0.1:P/3 from a simulated world.");
    g_option_context_add_main_entries(context, entries, NULL);
    return g_option_context_parse(context, argc, argv, error);
}

/* Milliseconds since the epoch, or ISO 8601. */
static bool read_time(const char *text, int64_t *ret_ms)
{
    char *end;
    int64_t number = g_ascii_strtoll(text, &end, 10);
    if (end != text && *end == '\0' && number >= 0) {
        *ret_ms = number;
        return true;
    }
    *ret_ms = clock_parse_iso8601(text);
    return *ret_ms >= 0;
}

static struct clock *make_clock(const struct flags *flags, GError **error)
{
    double speed = flags->clock_speed;
    int64_t start_ms = 0, anchor_ms = 0;
    if (!(speed > 0 && speed <= CLOCK_SPEED_MAX)) {
        error_set(error, CONFIG, "--clock-speed: expected a number above 0, at most %g",
                  CLOCK_SPEED_MAX);
        return NULL;
    }
    if (flags->clock_start && !read_time(flags->clock_start, &start_ms)) {
        error_set(error, CONFIG, "--clock-start: \"%s\": expected 2026-03-09T12:00:00Z or ms",
                  flags->clock_start);
        return NULL;
    }
    if (flags->clock_anchor && !read_time(flags->clock_anchor, &anchor_ms)) {
        error_set(error, CONFIG, "--clock-anchor: \"%s\": expected 2026-03-09T12:00:00Z or ms",
                  flags->clock_anchor);
        return NULL;
    }
    if (flags->clock_anchor && !flags->clock_start) {
        error_set(error, CONFIG, "--clock-anchor: expected --clock-start with it");
        return NULL;
    }
    if (flags->clock_anchor)
        return clock_new_anchored(start_ms, anchor_ms, speed);
    struct clock *real = clock_new_real();
    if (!flags->clock_start && speed == 1)
        return real;
    if (!flags->clock_start)
        start_ms = clock_now_ms(real);
    clock_free(real);
    return clock_new_scaled(start_ms, speed);
}

/* "603@2026-03-09T12:00:00Z" */
static bool read_burst(const char *text, struct planted_burst *ret_burst, GError **error)
{
    char *end;
    int64_t id = g_ascii_strtoll(text, &end, 10);
    int64_t at_ms;
    if (end == text || *end != '@' || id <= 0 || id > INT32_MAX || !read_time(end + 1, &at_ms)) {
        error_set(error, CONFIG, "--burst: \"%s\": expected MOVIE_ID@TIME", text);
        return false;
    }
    *ret_burst = (struct planted_burst){(int32_t)id, at_ms};
    return true;
}

static bool make_options(const struct flags *flags,
                         struct planted_burst bursts[PLANTED_BURSTS_MAX],
                         struct tmdb_sim_options *ret_options,
                         GError **error)
{
    struct tmdb_sim_options options = {
        .port = flags->port,
        .capture_dir = flags->capture,
        .seed = (uint64_t)flags->seed,
        .movies = flags->movies,
        .premieres = !flags->no_premieres,
        .fault = flags->fault,
        .request_log = flags->request_log,
        .require_key = flags->require_key,
        .bursts = bursts,
    };
    if (flags->port < 0 || flags->port > 65535) {
        error_set(error, CONFIG, "--port: expected a number from 0 to 65535");
        return false;
    }
    if (flags->movies < 0 || flags->movies > CATALOGUE_MOVIES_MAX) {
        error_set(error, CONFIG, "--movies: expected a number from 0 to %d", CATALOGUE_MOVIES_MAX);
        return false;
    }
    for (char **text = flags->bursts; text && *text; text++) {
        if (options.bursts_count == PLANTED_BURSTS_MAX) {
            error_set(error, CONFIG, "--burst: at most %d bursts can be planted",
                      PLANTED_BURSTS_MAX);
            return false;
        }
        if (!read_burst(*text, &bursts[options.bursts_count++], error))
            return false;
    }
    *ret_options = options;
    return true;
}

static int usage(const GError *error)
{
    fprintf(stderr, "%s: %s; see marquee help tmdb-sim\n", NAME, error->message);
    return EXIT_USAGE;
}

static int fail(const GError *error)
{
    bool is_usage = error_is(error, CONFIG) || error_is(error, NOTFOUND);
    fprintf(stderr, "%s: %s\n", NAME, error->message);
    return is_usage ? EXIT_USAGE : EXIT_FAILED;
}

static int run(const struct tmdb_sim_options *options, struct clock *clock)
{
    g_autoptr(GError) error = NULL;
    struct stop *stop = stop_new();
    struct signals *signals = signals_watch(stop);
    struct log *log = log_new(STDERR_FILENO, LOG_LEVEL_INFO, LOG_FORMAT_AUTO, clock);
    struct context context = {.clock = clock, .log = log, .stop = stop};
    struct tmdb_sim *sim = tmdb_sim_start(&context, options, &error);
    int code = EXIT_DONE;
    if (sim) {
        printf("listening on %s\n", tmdb_sim_url(sim));
        if (fflush(stdout) != 0)
            stop_request(stop); /* nobody can learn the port */
        while (!stop_wait_ms(stop, STOP_WAIT_MS))
            ;
        tmdb_sim_stop(sim);
    } else {
        code = fail(error);
    }
    log_free(log);
    signals_end(signals);
    stop_free(stop);
    return code;
}

static int run_flags(const struct flags *flags)
{
    g_autoptr(GError) error = NULL;
    struct planted_burst bursts[PLANTED_BURSTS_MAX];
    struct tmdb_sim_options options;
    if (!make_options(flags, bursts, &options, &error))
        return usage(error);
    struct clock *clock = make_clock(flags, &error);
    if (!clock)
        return usage(error);
    int code = run(&options, clock);
    clock_free(clock);
    return code;
}

int cmd_tmdb_sim(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    struct flags flags = {.seed = 1, .clock_speed = 1};
    int code;
    if (!parse_flags(&flags, &argc, &argv, &error)) {
        code = usage(error);
    } else if (argc > 1) {
        fprintf(stderr, "%s: \"%s\": expected flags only; see marquee help tmdb-sim\n", NAME,
                argv[1]);
        code = EXIT_USAGE;
    } else {
        code = run_flags(&flags);
    }
    flags_clear(&flags);
    return code;
}
