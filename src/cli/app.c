#include "cli/app.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "cli/signals.h"

bool app_parse(struct app *app,
               int *argc,
               char ***argv,
               const char *arguments,
               const char *summary,
               const GOptionEntry *extra)
{
    const GOptionEntry shared[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &app->options.config_path,
         "Settings to read (default: ./marquee.yaml where it exists)", "FILE"},
        {"set", 's', 0, G_OPTION_ARG_STRING_ARRAY, &app->options.overrides,
         "One setting, above file and environment", "KEY=VALUE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &app->options.json, "Answer as JSON, for programs", NULL},
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *options = g_option_context_new(arguments);
    g_option_context_set_summary(options, summary);
    g_option_context_add_main_entries(options, shared, NULL);
    if (extra)
        g_option_context_add_main_entries(options, extra, NULL);
    g_autoptr(GError) error = NULL;
    bool parsed = g_option_context_parse(options, argc, argv, &error);
    g_option_context_free(options);
    if (!parsed)
        fprintf(stderr, "%s: %s; see --help\n", g_get_prgname(), error->message);
    return parsed;
}

/* The clock that the settings describe; start and anchor were checked with them. */
static struct clock *clock_from(const struct config *config)
{
    bool scaled = config->clock_start[0] != '\0';
    if (!scaled)
        return clock_new_real();
    int64_t start_ms = clock_parse_iso8601(config->clock_start);
    if (!config->clock_anchor[0])
        return clock_new_scaled(start_ms, config->clock_speed);
    return clock_new_anchored(start_ms, clock_parse_iso8601(config->clock_anchor),
                              config->clock_speed);
}

/* A clock that starts with this process must go on in its children, not start again: its anchor
 * becomes a setting. */
static bool anchor_clock(struct app *app, GError **error)
{
    if (!app->config->clock_start[0] || app->config->clock_anchor[0])
        return true;
    struct clock *real = clock_new_real();
    int64_t now_ms = clock_now_ms(real);
    clock_free(real);
    char seconds[CLOCK_ISO_BYTES];
    g_autofree char *anchor = g_strdup_printf("%.19s.%03dZ", clock_iso8601(now_ms, seconds),
                                              (int)(now_ms % MS_PER_SECOND));
    g_ptr_array_add(app->settings, g_strdup("--set"));
    g_ptr_array_add(app->settings, g_strdup_printf("clock.anchor=%s", anchor));
    return config_set(app->config, "clock.anchor", anchor, error);
}

static void collect_settings(struct app *app)
{
    app->settings = g_ptr_array_new_with_free_func(g_free);
    if (app->options.config_path) {
        g_ptr_array_add(app->settings, g_strdup("--config"));
        g_ptr_array_add(app->settings, g_strdup(app->options.config_path));
    }
    for (char **override = app->options.overrides; override && *override; override++) {
        g_ptr_array_add(app->settings, g_strdup("--set"));
        g_ptr_array_add(app->settings, g_strdup(*override));
    }
}

const char *const *app_settings(const struct app *app)
{
    return (const char *const *)(void *)app->settings->pdata;
}

static enum log_level log_level_from(const char *name)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (int level = 0; level < (int)G_N_ELEMENTS(names); level++)
        if (g_str_equal(name, names[level]))
            return (enum log_level)level;
    return LOG_LEVEL_INFO;
}

static enum log_format log_format_from(const char *name)
{
    return g_str_equal(name, "text")   ? LOG_FORMAT_TEXT
           : g_str_equal(name, "json") ? LOG_FORMAT_JSON
                                       : LOG_FORMAT_AUTO;
}

bool app_start(struct app *app)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) environment = g_get_environ();
    failpoint_init();
    app->config = config_load(app->options.config_path, environment,
                              (const char *const *)app->options.overrides, &error);
    collect_settings(app);
    if (!app->config || !config_check(app->config, &error) || !anchor_clock(app, &error)) {
        fprintf(stderr, "marquee: %s\n", error->message);
        return false;
    }
    g_ptr_array_add(app->settings, NULL);
    app->context.config = app->config;
    app->context.clock = clock_from(app->config);
    app->context.log = log_new(STDERR_FILENO, log_level_from(app->config->log_level),
                               log_format_from(app->config->log_format), app->context.clock);
    app->context.metrics = metrics_new();
    app->context.stop = stop_new();
    app->signals = signals_watch(app->context.stop);
    return true;
}

void app_end(struct app *app)
{
    signals_end(app->signals);
    stop_free(app->context.stop);
    metrics_free(app->context.metrics);
    log_free(app->context.log);
    clock_free(app->context.clock);
    config_free(app->config);
    if (app->settings)
        g_ptr_array_unref(app->settings);
    g_strfreev(app->options.overrides);
    g_free(app->options.config_path);
}

int app_fail(const GError *error)
{
    fprintf(stderr, "marquee: %s\n", error->message);
    return error_is(error, CONFIG) ? EXIT_USAGE : EXIT_FAILED;
}

int app_usage(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(stderr, "marquee %s: %s; see marquee help %s\n", command, text, command);
    return EXIT_USAGE;
}

bool app_takes_no_more(int argc, char *const *argv, int taken)
{
    if (argc <= taken)
        return true;
    app_usage(argv[0], "expected nothing more, found \"%s\"", argv[taken]);
    return false;
}
