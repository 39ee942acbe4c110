/* marquee: one binary, subcommands. They pick stages; the logic is theirs. */
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "cli/app.h"
#include "cli/cmd_sentiment.h"
#include "cli/cmd_tmdb_sim.h"
#include "cli/commands.h"

const struct command commands[] = {
    {"up", "", "run everything in this process: ingest, stream, sync, batch, serve", cmd_up},
    {"run", "ROLE", "run one role: ingest, events, stream, sync, batch, serve", cmd_run},
    {"tmdb-sim", "", "serve TMDB's API from a built-in catalogue, on a clock of its own",
     cmd_tmdb_sim},
    {"topics", "[list | describe | tail | dump | reset]", "look into the bus", cmd_topics},
    {"batch", "run | step NAME | backfill | status | drift | verify",
     "run one batch now or a step of it, show the last ones", cmd_batch},
    {"query", "SQL", "ask the lake, read-only", cmd_query},
    {"status", "", "what runs, how far it is, what waits", cmd_status},
    {"doctor", "", "find what will hurt, and say what to do", cmd_doctor},
    {"sentiment", "", "score texts from standard input with VADER", cmd_sentiment},
    {"config", "check | reference | metrics | example",
     "check the settings, or print what there is to set", cmd_config},
    {"version", "", "print the version", cmd_version},
    {0},
};

static const struct command *command_find(const char *name)
{
    for (const struct command *command = commands; command->name; command++)
        if (g_str_equal(command->name, name))
            return command;
    return NULL;
}

static void print_help(FILE *out)
{
    fputs("marquee turns The Movie Database into answers.\n\nUsage: marquee COMMAND [OPTIONS]\n\n",
          out);
    for (const struct command *command = commands; command->name; command++) {
        g_autofree char *left = g_strdup_printf("%s %s", command->name, command->arguments);
        fprintf(out, "  %-58s %s\n", left, command->summary);
    }
    fputs("\nAll take --config FILE, --set KEY=VALUE (repeatable), --json where an answer can be "
          "read by a program, and --help.\n"
          "Settings: marquee.yaml, then the environment, then --set; `marquee config reference` "
          "lists them.\n"
          "Exit codes: 0 done, 1 failed, 2 usage or settings.\n\n"
          "This product uses the TMDB API but is not endorsed or certified by TMDB.\n",
          out);
}

static int run_command(const struct command *command, int argc, char **argv)
{
    g_autofree char *name = g_strdup_printf("marquee %s", command->name);
    g_set_prgname(name);
    return command->run(argc, argv);
}

static int unknown_command(const char *name)
{
    fprintf(stderr, "marquee: there is no command \"%s\"; see marquee help\n", name);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (g_str_equal(name, "help") || g_str_equal(name, "--help") || g_str_equal(name, "-h")) {
        const struct command *command = argc > 2 ? command_find(argv[2]) : NULL;
        if (command) {
            char *help_argv[] = {argv[2], (char *)"--help", NULL};
            return run_command(command, 2, help_argv);
        }
        if (argc > 2)
            return unknown_command(argv[2]);
        print_help(stdout);
        return EXIT_DONE;
    }
    if (g_str_equal(name, "--version"))
        return cmd_version(1, (char *[]){(char *)"version", NULL});
    const struct command *command = command_find(name);
    if (!command)
        return unknown_command(name);
    return run_command(command, argc - 1, argv + 1);
}
