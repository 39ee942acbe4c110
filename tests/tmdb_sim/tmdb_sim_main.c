/* The subcommand as a program of its own, for tests that need a simulator in another process. */
#include "cli/cmd_tmdb_sim.h"

int main(int argc, char **argv)
{
    return cmd_tmdb_sim(argc, argv);
}
