/* Rank: the score of each movie of one window and its place, a pure function of the window's
 * measures (docs/semantics.md, Trending). Robust z-scores: each measure's distance from the median,
 * in units of the median (or else mean) absolute deviation, so that one burst among movies that
 * stand still is found. Source of the factors: Iglewicz and Hoaglin, "How to Detect and Handle
 * Outliers", 1993. */
#pragma once

#include "stream/measure.h"
#include "stream/settings.h"

#define RANK_TOP 100

struct ranked {
    int32_t rank, movie_id;
    double trending_score, velocity, acceleration;
    bool has_acceleration;
};

/* The population is all measures given; ret_ranked has room for RANK_TOP. Returns how many have a
 * rank. */
size_t rank_window(const struct measure *measures,
                   size_t count,
                   const struct stream_settings *settings,
                   struct ranked *ret_ranked);
