/* Prints a view store document by document, so that two of them can be compared by text:
 *
 *   view_dump NOW_MS SECTION.KEY=VALUE...
 *
 *   pointer <generation> <through_ms> <cut_at_ms> <cut>
 *   sync <feed position>
 *   batch <view_type>|<movie_id>|<genre>|<year>|<month>|<window>|<day_ms> <data>     of the served
 * generation speed <view_type>|<movie_id>|<hour_ms> <data>                                    held
 * at NOW_MS
 *
 * in the order of their keys. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/config.h"
#include "view/view.h"

#define PAGE 200

static const char *const batch_types[] = {"movie",
                                          "movie_stats",
                                          "hour_counts",
                                          "top_movies",
                                          "genres",
                                          "movie_sentiment",
                                          "trending_hours",
                                          "trending_scores",
                                          "temporal_analytics",
                                          "revenue_analytics",
                                          "sentiment_trends",
                                          "quality",
                                          "people",
                                          "genre_analytics"};
static const char *const speed_types[] = {"stats", "sentiment", "trending", "hour_counts", "live"};

static void check(bool done, GError *error)
{
    if (done)
        return;
    fprintf(stderr, "view_dump: %s\n", error ? error->message : "?");
    exit(1);
}

static const char *shown(const char *name)
{
    return name ? name : "";
}

static void dump_type(struct view *view, int64_t generation, const char *type)
{
    const struct view_filter filter = {.key = {.view_type = type}};
    struct arena *arena = arena_new();
    g_autofree char *cursor = NULL;
    do {
        GError *error = NULL;
        struct view_doc *docs;
        size_t count;
        const char *next;
        check(view_query(view, generation, &filter, cursor, PAGE, arena, &docs, &count, &next,
                         &error),
              error);
        for (size_t i = 0; i < count; i++) {
            const struct view_key *key = &docs[i].key;
            printf("batch %s|%" PRId64 "|%s|%d|%d|%s|%" PRId64 " %s\n", key->view_type,
                   key->movie_id, shown(key->genre), key->year, key->month, shown(key->window),
                   key->day_ms, docs[i].data);
        }
        g_free(cursor);
        cursor = g_strdup(next);
        arena_reset(arena);
    } while (cursor);
    arena_free(arena);
}

static void dump_batch(struct view *view, struct arena *arena)
{
    GError *error = NULL;
    struct view_generation current;
    check(view_current(view, arena, &current, &error), error);
    printf("pointer %" PRId64 " %" PRId64 " %" PRId64 " %s\n", current.generation,
           current.through_ms, current.cut_at_ms, current.cut);
    for (size_t i = 0; i < G_N_ELEMENTS(batch_types); i++)
        dump_type(view, current.generation, batch_types[i]);
}

static void dump_speed(struct view *view, struct arena *arena)
{
    GError *error = NULL;
    int64_t position, synced_ms;
    check(view_sync_position(view, &position, &synced_ms, &error), error);
    printf("sync %" PRId64 "\n", position);
    for (size_t i = 0; i < G_N_ELEMENTS(speed_types); i++) {
        struct speed_doc *docs;
        size_t count;
        check(view_query_speed(view, speed_types[i], VIEW_ANY_MOVIE, 0, INT64_MAX / 2, arena, &docs,
                               &count, &error),
              error);
        for (size_t d = 0; d < count; d++)
            printf("speed %s|%" PRId64 "|%" PRId64 " %s\n", docs[d].view_type, docs[d].movie_id,
                   docs[d].hour_ms, docs[d].data);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: view_dump NOW_MS SECTION.KEY=VALUE...\n");
        return 2;
    }
    GError *error = NULL;
    struct config *config =
        config_load(NULL, NULL, (const char *const *)(gpointer)(argv + 2), &error);
    check(config != NULL, error);
    struct context context = {.config = config,
                              .clock = clock_new_manual(g_ascii_strtoll(argv[1], NULL, 10))};
    struct view *view = view_open(&context, &error);
    check(view != NULL, error);
    struct arena *arena = arena_new();
    dump_batch(view, arena);
    dump_speed(view, arena);
    arena_free(arena);
    view_close(view);
    clock_free(context.clock);
    config_free(config);
    return 0;
}
