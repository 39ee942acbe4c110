/* Call: one request under way in the simulator, and what its handlers share. Internal to tmdb_sim/.
 */
#pragma once

#include "net/http_route.h"
#include "net/http_server.h"
#include "tmdb_sim/faults.h"
#include "tmdb_sim/world.h"

#define LIST_PAGE_ITEMS    20
#define CHANGES_PAGE_ITEMS 100
#define PAGE_MAX           500

/* TMDB's status codes that the simulator gives. */
enum tmdb_code {
    TMDB_CODE_PARAMETERS = 5,
    TMDB_CODE_KEY = 7,
    TMDB_CODE_INTERNAL = 11,
    TMDB_CODE_DATE_RANGE = 20,
    TMDB_CODE_PAGE = 22,
    TMDB_CODE_LIMIT = 25,
    TMDB_CODE_APPEND = 27,
    TMDB_CODE_MISSING = 34,
};

struct call {
    const struct world *world;
    struct worlds *worlds;
    const struct http_request *request;
    struct http_response *response;
    struct http_path_params params;
    struct fault_plan *plan; /* handlers clear what they couldn't do */
    bool lost_block;         /* FAULT_MISSING_BLOCK was done */
    int64_t time_ms;         /* of the state that is asked for */
    GString *out;            /* the body; the worker's */
};

const char *call_param(const struct call *call, const char *name);
/* The whole decimal number in text; false where it is none or out of [min, max]. */
bool call_read_int(const char *text, int64_t min, int64_t max, int64_t *ret_value) MUST_CHECK;
/* The query's page, 1 where absent; false: the error is answered. */
bool call_page(struct call *call, int64_t *ret_page) MUST_CHECK;

/* Answers 200 with what is in out. */
void call_reply(struct call *call);
void call_error(struct call *call, enum tmdb_code code);

/* Begins and ends a page: {"page":1,"results":[ ... ],"total_pages":1,"total_results":2}. */
void call_results_begin(struct call *call, int64_t page);
void call_results_end(struct call *call, size_t total, size_t page_items);

/* The route table of TMDB's paths; false where there is no such path. */
bool call_route(struct call *call);

/* ---- handlers, one group a file ---- */

void movie_details(struct call *call);
void movie_reviews(struct call *call);
void movie_credits(struct call *call);
void movie_keywords(struct call *call);
void movie_external_ids(struct call *call);
void movie_latest(struct call *call);

void list_popular(struct call *call);
void list_top_rated(struct call *call);
void list_now_playing(struct call *call);
void list_upcoming(struct call *call);
void list_trending(struct call *call);
void list_changes(struct call *call);
void list_search(struct call *call);
void list_genres(struct call *call);
void list_configuration(struct call *call);

void person_details(struct call *call);
void person_movie_credits(struct call *call);
