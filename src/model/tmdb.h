/* TMDB: the answers of its API (version 3) as plain C structs, checked.
 *
 * A parser copies what it keeps into the arena. BADDATA says which field of which answer is wrong;
 * a field that TMDB itself often lacks ("release_date": "") is optional here. Pure functions; any
 * thread. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "model/record.h"

#define TMDB_PAGE_ITEMS_MAX 200
#define TMDB_GENRES_MAX     64
#define TMDB_PAGE_MAX       500 /* error 22 beyond it */

/* One movie of /movie/{id}. */
struct tmdb_movie {
    struct metadata metadata; /* timestamp and event_type are the caller's */
    struct rating rating;     /* timestamp is the caller's */
    const char *original_language;
    bool has_credits, has_keywords; /* the blocks of append_to_response */
};

/* One movie of a list: enough for an observation. */
struct tmdb_item {
    struct rating rating;
    const char *original_language; /* "" where absent */
    bool adult;
};

/* Entries of an answer that can't be used; the others can: one broken entry must not hide nineteen
 * good ones behind it, again at each reading. */
struct tmdb_skipped {
    size_t count;
    const char *why; /* of the first one: "results[3]: popularity: expected ..."; NULL: none */
};

struct tmdb_page {
    int32_t page, total_pages;
    struct tmdb_item *items;
    size_t items_count;
    struct tmdb_skipped skipped;
};

/* Ids of /movie/changes. */
struct tmdb_changes {
    int32_t page, total_pages;
    int32_t *ids;
    size_t ids_count;
};

/* One page of /movie/{id}/reviews. */
struct tmdb_reviews {
    int32_t movie_id, page, total_pages;
    struct review *reviews;
    size_t reviews_count;
    struct tmdb_skipped skipped;
};

bool tmdb_movie_parse(const char *json,
                      size_t len,
                      struct arena *arena,
                      struct tmdb_movie *ret_movie,
                      GError **error) MUST_CHECK;
bool tmdb_page_parse(const char *json,
                     size_t len,
                     struct arena *arena,
                     struct tmdb_page *ret_page,
                     GError **error) MUST_CHECK;
/* One movie of which little is known yet, as /movie/latest gives it: what an observation needs. */
bool tmdb_item_parse(const char *json,
                     size_t len,
                     struct arena *arena,
                     struct tmdb_item *ret_item,
                     GError **error) MUST_CHECK;
bool tmdb_changes_parse(const char *json,
                        size_t len,
                        struct arena *arena,
                        struct tmdb_changes *ret_changes,
                        GError **error) MUST_CHECK;
bool tmdb_reviews_parse(const char *json,
                        size_t len,
                        struct arena *arena,
                        struct tmdb_reviews *ret_reviews,
                        GError **error) MUST_CHECK;

/* The text is one JSON object from its first to its last byte. */
bool tmdb_is_object(const char *json, size_t len);

/* The status_code of an error answer (7: invalid key, 25: rate limit, 34: not found ...), 0 where
 * there is none. */
int tmdb_error_code(const char *json, size_t len);

/* Codes that time mends: 9, 24, 25, 43, 46. */
bool tmdb_error_is_temporary(int code);
