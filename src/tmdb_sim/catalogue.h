/* Catalogue: which movies there are, and the facts about them that don't move.
 *
 *   built in   data/catalogue/ (real facts) and movies made up from phrases: more of them where
 *              asked for, and a premiere every second day after the catalogue's own time
 *   capture    a folder with movies.jsonl, reviews.jsonl and genres.json, as TMDB answered
 *
 * Immutable once made; any thread. Everything lives in the catalogue's arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "tmdb_sim/phrases.h"

/* 2026-03-09T12:00:00Z: when the captured numbers were true. */
#define CATALOGUE_TIME_MS INT64_C(1773057600000)
/* Made-up movies have ids from here on, far above TMDB's. */
#define CATALOGUE_MADE_UP_ID_MIN    90000000
#define CATALOGUE_MOVIES_MAX        1000000
#define CATALOGUE_CAPTURE_BYTES_MAX ((size_t)1024 * 1024 * 1024)

struct catalogue_named {
    int32_t id;
    const char *name;
};

struct catalogue_credit {
    int32_t person_id;
    const char *name;
    const char *job, *department; /* of crew; NULL for cast */
};

/* A review of a capture folder. */
struct catalogue_review {
    int64_t created_ms, updated_ms;
    const char *head, *tail; /* JSON around the value of updated_at */
};

struct catalogue_movie {
    int32_t id;
    const char *imdb_id; /* NULL: none */
    const char *language, *title, *original_title, *release_date, *status;
    const char *overview, *tagline, *poster_path, *backdrop_path; /* "" and NULL where built in */
    int32_t runtime, vote_count;
    int64_t budget, revenue;
    double popularity, vote_average;
    int64_t release_ms; /* of release_date; INT64_MIN where there is none */
    int64_t debut_ms;   /* TMDB doesn't know the movie before; INT64_MIN: always there */
    const struct catalogue_named *genres, *keywords;
    const struct catalogue_credit *cast, *crew;
    const char *const *countries;
    const struct catalogue_review *reviews; /* of a capture, by created_ms */
    size_t genres_count, keywords_count, cast_count, crew_count, countries_count, reviews_count;
};

struct catalogue_person {
    int32_t id;
    const char *name, *department;
};

struct catalogue {
    struct arena *arena;
    bool is_capture; /* reviews are the captured ones */
    const struct phrases *phrases;
    struct catalogue_movie *movies; /* by id */
    size_t movies_count;
    struct catalogue_named *genres;
    size_t genres_count;
    GHashTable *people; /* id -> struct catalogue_person */
};

struct catalogue_options {
    const char *capture_dir; /* NULL: built in */
    int movies;     /* 0: as many as there are; else the most popular, or more made-up ones */
    bool premieres; /* made-up movies appear over time; never with a capture */
    uint64_t seed;
    const struct phrases *phrases; /* outlive the catalogue */
};

/* BADDATA or NOTFOUND names file and line of a capture. */
struct catalogue *catalogue_open(const struct catalogue_options *options,
                                 GError **error) MUST_CHECK;
void catalogue_close(struct catalogue *catalogue); /* accepts NULL */

/* Its index in movies; -1 where it is unknown. */
int64_t catalogue_find(const struct catalogue *catalogue, int64_t movie_id);
const struct catalogue_person *catalogue_person(const struct catalogue *catalogue, int64_t id);
