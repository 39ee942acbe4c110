/* Bodies: a movie's JSON with holes for what moves. Built once, so that an answer is a few copies:
 *
 *   details  {..., "popularity": ▢, ..., "revenue": ▢, ..., "status": ▢, ..., "vote_average": ▢,
 *             "vote_count": ▢ (appended blocks) }
 *   item     {..., "popularity": ▢, ..., "vote_average": ▢, "vote_count": ▢}
 *
 * Immutable after body_init; any thread. */
#pragma once

#include "tmdb_sim/evolution.h"

struct fragment {
    const char *text;
    size_t len;
};

struct body {
    struct fragment item_head, item_tail;                         /* a list's item */
    struct fragment head, to_revenue, to_status, to_vote_average; /* the details */
    struct fragment credits, keywords; /* members, without the braces: "cast":[...],"crew":[...] */
};

/* Fragments live in the arena. */
void body_init(struct body *body,
               const struct catalogue_movie *movie,
               uint64_t seed,
               struct arena *arena);

void body_write_item(const struct body *body, const struct movie_state *state, GString *out);
/* Without the closing brace: blocks may be appended. */
void body_write_details(const struct body *body, const struct movie_state *state, GString *out);
void body_write_person(const struct catalogue_person *person, uint64_t seed, GString *out);
/* The ids of credits: 24 hex digits, the same in the movie and at the person. */
void body_write_credit_id(
    uint64_t seed, int64_t movie_id, int64_t person_id, const char *job, GString *out);
