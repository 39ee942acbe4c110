#include <stdio.h>

#include "base/metrics.h"
#include "cli/app.h"
#include "cli/commands.h"

static int config_check_command(struct app *app)
{
    if (!app_start(app))
        return EXIT_USAGE;
    g_autoptr(GString) text = g_string_new(NULL);
    config_write_values(app->config, text);
    fputs(text->str, stdout);
    return EXIT_DONE;
}

int cmd_config(int argc, char **argv)
{
    struct app app = {0};
    int code = EXIT_USAGE;
    g_autoptr(GString) text = g_string_new(NULL);
    if (app_parse(&app, &argc, &argv, "check | reference | metrics | example",
                  "check: read all settings and print them with where each came from.\n"
                  "reference, metrics: print CONFIGURATION.md, METRICS.md.\n"
                  "example: print a marquee.yaml with every default.",
                  NULL)) {
        const char *what = argc == 2 ? argv[1] : "";
        if (g_str_equal(what, "check"))
            code = config_check_command(&app);
        else if (g_str_equal(what, "reference"))
            config_write_reference(text);
        else if (g_str_equal(what, "metrics"))
            metrics_write_reference(text);
        else if (g_str_equal(what, "example"))
            config_write_example(text);
        else
            code = app_usage("config", "expected one of check, reference, metrics, example");
    }
    if (text->len) {
        fputs(text->str, stdout);
        code = EXIT_DONE;
    }
    app_end(&app);
    return code;
}

int cmd_version(int argc, char **argv)
{
    struct app app = {0};
    int code = EXIT_USAGE;
    if (app_parse(&app, &argc, &argv, NULL, "Prints the version.", NULL) &&
        app_takes_no_more(argc, argv, 1)) {
        puts("marquee " MARQUEE_VERSION);
        code = EXIT_DONE;
    }
    app_end(&app);
    return code;
}
