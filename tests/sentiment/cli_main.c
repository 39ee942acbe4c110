/* cli_main.c: `marquee sentiment` alone, for the tests of this folder. */
#include "cli/cmd_sentiment.h"

int main(int argc, char **argv)
{
    return cmd_sentiment(argc, argv);
}
