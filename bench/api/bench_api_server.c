/* The servers that bench/api measures, each until standard input ends; the port is printed.
 *
 *   bench_api_server api FOLDER CACHE_BYTES   marquee's API over MOVIES movies, batch and speed
 * side bench_api_server constant FILE            the same HTTP wrapper with one constant body: the
 * floor */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "net/http_server.h"
#include "serve/serve.h"
#include "view/view.h"

#define MOVIES      1000
#define SPEED_HOURS 48
#define THREADS     2

static void must(bool ok, GError **error)
{
    if (!ok)
        g_error("%s", *error ? (*error)->message : "failed");
}

/* As long as real ones: ten actors, twenty keywords. */
static char *movie_document(int movie_id)
{
    GString *out = g_string_new(NULL);
    g_string_printf(
        out,
        "{\"movie_id\":%d,\"title\":\"Movie number %d\",\"original_title\":\"Movie number "
        "%d\",\"release_date\":\"2008-07-16\",\"genres\":[\"Action\",\"Drama\"],\"runtime\":"
        "142,\"budget\":55000000,\"revenue\":677387716,\"cast\":[",
        movie_id, movie_id, movie_id);
    for (int i = 0; i < 10; i++)
        g_string_append_printf(out,
                               "%s{\"id\":%d,\"name\":\"Actor Number %d\",\"character\":\"Somebody "
                               "%d\",\"order\":%d}",
                               i ? "," : "", i, movie_id * 10 + i, i, i);
    g_string_append(out, "],\"directors\":[\"Some Director\"],\"keywords\":[");
    for (int i = 0; i < 20; i++)
        g_string_append_printf(out, "%s\"keyword %d\"", i ? "," : "", i);
    g_string_append(out, "],\"popularity\":23.7133,\"vote_average\":8.463,\"vote_count\":30080}");
    return g_string_free(out, FALSE);
}

static char *point(int64_t hour_ms, int movie_id)
{
    char hour[CLOCK_ISO_BYTES], last[CLOCK_ISO_BYTES];
    return g_strdup_printf("{\"hour\":\"%s\",\"title\":\"Movie number %d\",\"vote_average\":8.463,"
                           "\"vote_count\":30080,\"popularity\":23.7133,\"rating_velocity\":null,"
                           "\"last_updated\":\"%s\"}",
                           clock_iso8601(hour_ms, hour), movie_id,
                           clock_iso8601(hour_ms + 20 * MS_PER_MINUTE, last));
}

static void fill_batch(struct view *view, int64_t through_ms)
{
    GError *error = NULL;
    struct view_doc docs[MOVIES];
    for (int i = 0; i < MOVIES; i++)
        docs[i] = (struct view_doc){.key = {.view_type = "movie", .movie_id = i + 1},
                                    .data = movie_document(i + 1)};
    must(view_put(view, 1, docs, MOVIES, &error), &error);
    for (int i = 0; i < MOVIES; i++)
        g_free((char *)docs[i].data);
    struct view_lease lease;
    must(view_lease_acquire(view, "batch", "bench", MS_PER_HOUR, &lease, &error), &error);
    struct view_generation pointer = {.generation = 1,
                                      .batch_run_id = "run-1",
                                      .through_ms = through_ms,
                                      .cut_at_ms = through_ms,
                                      .computed_at_ms = through_ms,
                                      .cut = "{}"};
    must(view_publish(view, &pointer, lease.epoch, &error), &error);
}

static void fill_speed(struct view *view, int64_t now_ms, int64_t last_hour_ms)
{
    GError *error = NULL;
    struct speed_doc docs[SPEED_HOURS];
    for (int movie_id = 1; movie_id <= MOVIES; movie_id++) {
        for (int i = 0; i < SPEED_HOURS; i++) {
            int64_t hour_ms = last_hour_ms - i * MS_PER_HOUR;
            docs[i] = (struct speed_doc){.view_type = "stats",
                                         .movie_id = movie_id,
                                         .hour_ms = hour_ms,
                                         .data = point(hour_ms, movie_id),
                                         .synced_at_ms = now_ms};
        }
        must(view_put_speed(view, docs, SPEED_HOURS, movie_id, now_ms, &error), &error);
        for (int i = 0; i < SPEED_HOURS; i++)
            g_free((char *)docs[i].data);
    }
}

static void until_input_ends(int port)
{
    printf("%d\n", port);
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
}

static void run_api(struct context *context, struct config *config, char **argv)
{
    GError *error = NULL;
    must(config_set(config, "data.dir", argv[2], &error), &error);
    must(config_set(config, "cache.size", argv[3], &error), &error);
    config->serve_port = 0;
    config->serve_threads = THREADS;
    struct view *view = view_open(context, &error);
    must(view != NULL, &error);
    struct view_generation current;
    struct arena *arena = arena_new();
    must(view_current(view, arena, &current, &error), &error);
    if (current.generation == 0) {
        int64_t now_ms = clock_now_ms(context->clock);
        int64_t hour_ms = now_ms / MS_PER_HOUR * MS_PER_HOUR;
        fill_batch(view, hour_ms);
        fill_speed(view, now_ms, hour_ms);
    }
    arena_free(arena);
    view_close(view);
    struct serve *serve = serve_start(context, &error);
    must(serve != NULL, &error);
    until_input_ends(serve_port(serve));
    serve_stop(serve);
}

static char *constant_body;
static size_t constant_len;

static void
constant(const struct http_request *request, struct http_response *response, void *worker)
{
    (void)request, (void)worker;
    http_reply(response, 200, "application/json", constant_body, constant_len);
    response->body_static = true;
}

static void run_constant(struct context *context, const char *path)
{
    static const struct http_route routes[] = {{"GET", "/*", constant, "constant"}};
    GError *error = NULL;
    must(g_file_get_contents(path, &constant_body, &constant_len, &error), &error);
    struct http_server_options options = {.host = "127.0.0.1",
                                          .threads = THREADS,
                                          .connections_max = 1000,
                                          .idle_timeout_ms = 10000,
                                          .routes = routes,
                                          .routes_count = 1};
    struct http_server *server = http_server_start(context, &options, &error);
    must(server != NULL, &error);
    until_input_ends(http_server_port(server));
    http_server_stop(server);
    g_free(constant_body);
}

int main(int argc, char **argv)
{
    bool api = argc == 4 && strcmp(argv[1], "api") == 0;
    if (!api && !(argc == 3 && strcmp(argv[1], "constant") == 0)) {
        fputs("usage: bench_api_server api FOLDER CACHE_BYTES | constant FILE\n", stderr);
        return 2;
    }
    struct config *config = config_new_default();
    struct context context = {
        .config = config, .clock = clock_new_real(), .metrics = metrics_new()};
    if (api)
        run_api(&context, config, argv);
    else
        run_constant(&context, argv[2]);
    metrics_free(context.metrics);
    clock_free(context.clock);
    config_free(config);
    return 0;
}
