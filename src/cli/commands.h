/* The subcommands. argv[0] is the subcommand's name; the return value is the exit code. */
#pragma once

struct command {
    const char *name, *arguments, *summary;
    int (*run)(int argc, char **argv);
};

extern const struct command commands[]; /* ends with {0} */

int cmd_up(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_batch(int argc, char **argv);
int cmd_query(int argc, char **argv);
int cmd_topics(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_version(int argc, char **argv);
