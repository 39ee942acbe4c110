#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include <glib.h>

#define BAR_WIDTH        30
#define DRAW_INTERVAL_MS 100
#define ERASE_LINE       "\r\033[K"

void progress_start(struct progress *progress, const struct clock *clock, const char *what)
{
    *progress = (struct progress){.clock = clock,
                                  .what = what,
                                  .shown = isatty(STDERR_FILENO) != 0,
                                  .started_ms = clock_monotonic_ms(clock)};
}

void progress_draw(struct progress *progress, double done, double total, const char *note)
{
    int64_t now_ms = clock_monotonic_ms(progress->clock);
    if (!progress->shown || (done < total && now_ms - progress->drawn_ms < DRAW_INTERVAL_MS))
        return;
    progress->drawn_ms = now_ms;
    double share = total > 0 ? CLAMP(done / total, 0, 1) : 0;
    char bar[BAR_WIDTH + 1];
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < (int)(share * BAR_WIDTH) ? '#' : '-';
    bar[BAR_WIDTH] = '\0';
    double passed_s = (double)(now_ms - progress->started_ms) / (double)MS_PER_SECOND;
    fprintf(stderr, ERASE_LINE "%s [%s] %3.0f %%", progress->what, bar, share * 100);
    if (share > 0.02 && share < 1)
        fprintf(stderr, "  %.0f s left", passed_s / share - passed_s);
    if (note)
        fprintf(stderr, "  %s", note);
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->shown && progress->drawn_ms)
        fputs(ERASE_LINE, stderr);
}
