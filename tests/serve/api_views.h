/* Views for tests of the API: a store with both sides filled, and a server over it.
 *
 * now 2026-03-10 12:30; the batch run "run-7" (generation 7) is complete below 12:00, so the
 * boundary is 03-08 13:00. Movie 603 has an hour each full hour from 03-08 00:00 to 03-10 12:00:
 * popularity 100 in the batch, 200 in the speed views (all hours on both sides where they hold
 * them). Movie 8 is known to the speed views only, movie 550 to the batch only. Movie 603 has
 * reviews on both sides of the boundary; ranks and live minutes are in the last two hours. */
#pragma once

#include "base/arena.h"
#include "base/config.h"
#include "serve/serve.h"
#include "view/view.h"

struct api_views {
    struct context context;
    struct config *config;
    struct arena *arena;
    struct view *view;
    struct serve *serve;
    int port;
    char *folder;
};

#define API_NOW "2026-03-10T12:30:00Z"

/* The ranks of hour 12:00 in the speed views; 11:00 there and in the batch has movie 550 alone. */
#define API_RANKS                                                                                  \
    "{\"window_end\":\"2026-03-10T12:25:00Z\",\"movies\":[{\"rank\":1,\"movie_id\":8,\"title\":"   \
    "null,"                                                                                        \
    "\"trending_score\":6.5,\"velocity\":5.5,\"acceleration\":null},{\"rank\":2,\"movie_id\":603," \
    "\"title\":null,\"trending_score\":3.25,\"velocity\":2,\"acceleration\":1.5},{\"rank\":3,"     \
    "\"movie_id\":550,\"title\":\"Fight "                                                          \
    "Club\",\"trending_score\":1,\"velocity\":0.5,\"acceleration\":-0.5}]}"

/* prepare may change the config before anything is opened; filled: with data. */
void api_views_open(struct api_views *views, void (*prepare)(struct config *config), bool filled);
void api_views_close(struct api_views *views);

void api_views_publish(struct api_views *views,
                       int64_t generation,
                       const char *run_id,
                       const char *through);
void api_views_put(struct api_views *views,
                   int64_t generation,
                   struct view_key key,
                   const char *data);
void api_views_put_speed(struct api_views *views,
                         const char *view_type,
                         int64_t movie_id,
                         int64_t hour_ms,
                         const char *data,
                         int64_t position);
/* {"hour":...,"title":...,"popularity":...} as docs/views.md has it. */
char *api_views_point(int64_t hour_ms, const char *title, int popularity);
