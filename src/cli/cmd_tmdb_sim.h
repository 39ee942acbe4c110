/* marquee tmdb-sim: runs the TMDB simulator until SIGTERM or SIGINT. docs/simulator.md lists its
 * flags. argv[0] is the subcommand's name; the return value is the exit code (0, 1, 2). */
#pragma once

int cmd_tmdb_sim(int argc, char **argv);
