#include "base/failpoint.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

/* Constant after failpoint_init but for the countdown: a test's switch, not the product's state. */
static char chosen[64];
static atomic_long passages_left;
static int chosen_signal = SIGKILL;

void failpoint_init(void)
{
    const char *setting = getenv("MARQUEE_FAILPOINT");
    if (!setting)
        return;
    const char *colon = strchr(setting, ':');
    size_t len = colon ? (size_t)(colon - setting) : strlen(setting);
    if (len >= sizeof chosen)
        return;
    memcpy(chosen, setting, len);
    chosen[len] = '\0';
    if (g_str_has_suffix(setting, ":stop"))
        chosen_signal = SIGSTOP;
    atomic_store(&passages_left, colon ? (long)g_ascii_strtoll(colon + 1, NULL, 10) : 1);
}

void failpoint(const char *name)
{
    if (G_LIKELY(!chosen[0]) || strcmp(chosen, name) != 0)
        return;
    if (atomic_fetch_sub(&passages_left, 1) == 1)
        kill(getpid(), chosen_signal);
}
