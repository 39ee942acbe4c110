/* App: what every subcommand begins and ends with: options, settings, clock, log, metrics, the wish
 * to stop. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "base/config.h"
#include "base/context.h"
#include "base/error.h"

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Options that all subcommands share. */
struct app_options {
    char *config_path; /* --config FILE */
    char **overrides;  /* --set key=value, repeatable */
    gboolean json;     /* --json */
};

struct app {
    struct app_options options;
    struct config *config;
    struct context context;
    struct signals *signals;
    GPtrArray *settings; /* of char *, NULL-terminated: see app_settings */
};

/* One positional argument a subcommand takes, for its help: "TOPIC". NULL: none. extra may be NULL.
 * On failure the reason stands on stderr and the return value is false: exit with EXIT_USAGE. argv
 * is left with the positional arguments. */
bool app_parse(struct app *app,
               int *argc,
               char ***argv,
               const char *arguments,
               const char *summary,
               const GOptionEntry *extra);

/* Loads and checks the settings, starts clock, log and metrics; from here on SIGTERM and SIGINT ask
 * to stop. false: the reason stands on stderr, exit with EXIT_USAGE. */
bool app_start(struct app *app);
/* The arguments that make another marquee read the same settings and clock: --config FILE, --set
 * KEY=VALUE ... Owned by the app, after app_start. */
const char *const *app_settings(const struct app *app);
void app_end(struct app *app);

/* "marquee: TEXT" on stderr, and the exit code that the error's code means. */
int app_fail(const GError *error);

/* True where argv holds at most `taken` words (the command's own name counts); else the first that
 * is too many is named on stderr, and the exit code is EXIT_USAGE. */
bool app_takes_no_more(int argc, char *const *argv, int taken);

/* Usage mistakes: "marquee COMMAND: TEXT; see marquee help COMMAND". Returns EXIT_USAGE. */
int app_usage(const char *command, const char *format, ...) G_GNUC_PRINTF(2, 3);
