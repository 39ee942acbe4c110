/* Speed query: any text as what a person gives to `marquee query --speed`. It prints rows of well
 * formed JSON or says in printable words why not, ends (the clock that bounds it is moved by a
 * thread of ours) and changes nothing: the store's rows are the same afterwards.
 *
 *   input = the statement; text ends at a byte 0 */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib/gstdio.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "speed/speed.h"
#include "speed/speed_query.h"

#define NOON_MS  INT64_C(1767268800000)
#define MOVIES   20
#define TICK_MS  5 /* ours, for a second of the query's time: 10 s of it are 50 ms */
#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct config *config;
    struct context context;
};

static void *move_clock(void *context)
{
    const struct context *moved = context;
    while (!stop_wait_ms(moved->stop, TICK_MS))
        clock_advance_monotonic(moved->clock, MS_PER_SECOND);
    return NULL;
}

static void fill(const struct context *context)
{
    struct stats_row rows[MOVIES];
    for (int i = 0; i < MOVIES; i++)
        rows[i] = (struct stats_row){.movie_id = i + 1,
                                     .hour_ms = NOON_MS - i % 3 * MS_PER_HOUR,
                                     .title = i % 4 ? "Heat" : NULL,
                                     .popularity_e4 = 10000 * i};
    struct speed *speed = speed_open(context, NULL);
    g_assert(speed);
    bool written =
        speed_write(speed, &(struct speed_batch){.stats = rows, .stats_count = MOVIES}, NULL);
    g_assert(written);
    speed_close(speed);
}

/* The store that all inputs ask: one for the process, removed by whoever empties the system's
 * temporary folder. */
static const struct world *the_world(void)
{
    static struct world world;
    if (world.config)
        return &world;
    world.config = config_new_default();
    g_free(world.config->data_dir);
    world.config->data_dir = g_dir_make_tmp("fuzz-speed-query-XXXXXX", NULL);
    g_assert(world.config->data_dir);
    world.context = (struct context){.config = world.config,
                                     .clock = clock_new_manual(NOON_MS),
                                     .metrics = metrics_new(),
                                     .stop = stop_new()};
    fill(&world.context);
    pthread_t thread;
    int code = pthread_create(&thread, NULL, move_clock, &world.context);
    g_assert(code == 0);
    return &world;
}

static char *ask(const struct world *world, const char *sql, GError **error)
{
    char *text = NULL;
    size_t len = 0;
    int64_t rows = -1;
    FILE *out = open_memstream(&text, &len);
    bool done = speed_query(&world->context, sql, SPEED_QUERY_JSON, out, &rows, error);
    fclose(out);
    g_assert(done ? rows >= 0 : len == 0);
    if (done)
        return text;
    free(text);
    return NULL;
}

static void assert_json_lines(char *text)
{
    for (char *line = text, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        g_assert(end);
        *end = '\0';
        json_t *row = json_loads(line, 0, NULL); /* a name may come twice: the last one stays */
        g_assert(json_is_object(row));
        json_decref(row);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > TEXT_MAX)
        return 0;
    const struct world *world = the_world();
    g_autofree char *sql = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    char *text = ask(world, sql, &error);
    g_assert(!text == !!error);
    if (text)
        assert_json_lines(text);
    else
        g_assert(error_is(error, BADDATA) && g_utf8_validate(error->message, -1, NULL));
    free(text);
    text = ask(world, "SELECT count(*) AS n, sum(popularity) AS p FROM main.movie_stats", NULL);
    g_assert(!g_strcmp0(text, "{\"n\":20,\"p\":190}\n"));
    free(text);
    return 0;
}
