/* What handlers of the API share: the parts of struct serve, a worker's own things, and how an
 * answer is made. Only for src/serve.
 *
 * A handler is a struct endpoint: the query arguments it knows, and a function that appends the
 * answer's members to a JSON object. answer_run does the rest: unknown arguments, the cache, errors
 * as problems, meta, ETag. */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
#include "base/context.h"
#include "net/http_server.h"
#include "serve/auth.h"
#include "serve/cache.h"
#include "serve/flight.h"
#include "serve/gzip.h"
#include "serve/merge.h"
#include "serve/quota.h"
#include "view/view.h"

/* What an answer shows of the speed side is at most this old, and so is the plan of the merge. */
#define SERVE_FRESH_MS 500
/* Parts of the batch side; their names carry the generation, so a publish shows at once. */
#define SERVE_BATCH_TTL_MS (15 * 60 * 1000)
#define SERVE_MOVIE_TTL_MS (5 * 60 * 1000)

struct pulse;

struct serve {
    const struct context *context;
    struct cache *cache;
    struct auth *auth;
    struct quota *quota; /* NULL where no key is asked for */
    struct pulse *pulse;
    struct readier *readier;
    struct flights *flights;
    struct gzip_statics *statics;
    char *openapi; /* the contract as JSON */
    struct http_server *server;
};

struct worker {
    struct serve *serve;
    struct view *view;
    struct arena *merge_arena; /* of merge's strings */
    struct merge merge;
    int64_t merged_at_ms; /* monotonic; when merge was loaded */
};

struct worker *worker_new(struct serve *serve, GError **error) MUST_CHECK;
void worker_free(struct worker *worker); /* accepts NULL */

/* The plan of this instant, at most SERVE_FRESH_MS old. Valid until the next call. */
bool worker_merge(struct worker *worker, const struct merge **ret_merge, GError **error) MUST_CHECK;
/* The next worker_merge loads anew. */
void worker_merge_forget(struct worker *worker);

/* One answer in the making. */
struct answer {
    const struct http_request *request;
    struct http_response *response;
    struct worker *worker;
    struct arena *arena;
    const struct merge *merge;
    GString *body;
};

struct endpoint {
    const char *const *arguments; /* known query arguments, NULL-terminated */
    /* Appends members ("data": ...) to answer->body. False with an error: it becomes a problem.
     * False without one: the response has been filled. */
    bool (*write)(struct answer *answer, GError **error);
    bool uncached; /* of what must be true now */
};

void answer_run(const struct endpoint *endpoint,
                const struct http_request *request,
                struct http_response *response,
                struct worker *worker);

/* False, and a 400 that names the known ones, where the request has another query argument, or one
 * twice. */
bool answer_arguments(const struct http_request *request,
                      struct http_response *response,
                      const char *const *known);

/* A time argument; absent: fallback. False: 400. */
bool answer_time(struct answer *answer,
                 const char *name,
                 int64_t fallback_ms,
                 int64_t *ret_time_ms);

/* A length of time: argument "window", such as 24h, 7d or 30d; absent: fallback. False: 400. */
bool answer_window(struct answer *answer,
                   const char *fallback,
                   int64_t max_ms,
                   const char **ret_text,
                   int64_t *ret_length_ms);

/* A part of the batch side out of the cache, or made by build and kept; several at once make it
 * once. name must carry the generation. A build asks for no part itself. */
typedef bool (*part_builder)(struct answer *answer, void *user, GString *out, GError **error);
bool answer_part(struct answer *answer,
                 const char *name,
                 int64_t ttl_ms,
                 part_builder build,
                 void *user,
                 const char **ret_text,
                 size_t *ret_len,
                 GError **error);

/* A body that lives for ever, with an ETag, packed where the client takes that; 304 where it has
 * it. */
void answer_static(const struct http_request *request,
                   struct http_response *response,
                   const struct worker *worker,
                   const char *content_type,
                   const char *body,
                   size_t len);

/* ---- endpoints ---- */

extern const struct endpoint movie_endpoint, movie_stats_endpoint, movie_sentiment_endpoint,
    movie_list_endpoint, trending_endpoint, search_endpoint, genre_endpoint, genre_list_endpoint,
    trends_endpoint, temporal_endpoint, revenue_endpoint, runs_endpoint, person_endpoint,
    quality_endpoint;

void health_handler(const struct http_request *request,
                    struct http_response *response,
                    void *worker);
void ready_handler(const struct http_request *request,
                   struct http_response *response,
                   void *worker);
void metrics_handler(const struct http_request *request,
                     struct http_response *response,
                     void *worker);
void openapi_handler(const struct http_request *request,
                     struct http_response *response,
                     void *worker);
void page_handler(const struct http_request *request, struct http_response *response, void *worker);
void docs_handler(const struct http_request *request, struct http_response *response, void *worker);
void asset_handler(const struct http_request *request,
                   struct http_response *response,
                   void *worker);
void events_handler(const struct http_request *request,
                    struct http_response *response,
                    void *worker);

/* Runs are written in two places: the API and the event stream. */
void run_write(GString *out, const struct view_run *run);

/* Every route of the API; routes.c. */
extern const struct http_route serve_routes[];
extern const size_t serve_routes_count;
