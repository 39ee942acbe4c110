/* Every address, in one table. contracts/openapi.yaml describes each (a test compares them). */
#include "serve/worker.h"

#define ENDPOINT_HANDLER(name)                                                                     \
    static void name##_handler(const struct http_request *request, struct http_response *response, \
                               void *worker)                                                       \
    {                                                                                              \
        answer_run(&name##_endpoint, request, response, worker);                                   \
    }

ENDPOINT_HANDLER(movie_list)
ENDPOINT_HANDLER(movie)
ENDPOINT_HANDLER(movie_stats)
ENDPOINT_HANDLER(movie_sentiment)
ENDPOINT_HANDLER(trending)
ENDPOINT_HANDLER(search)
ENDPOINT_HANDLER(genre_list)
ENDPOINT_HANDLER(genre)
ENDPOINT_HANDLER(trends)
ENDPOINT_HANDLER(temporal)
ENDPOINT_HANDLER(revenue)
ENDPOINT_HANDLER(person)
ENDPOINT_HANDLER(quality)
ENDPOINT_HANDLER(runs)

const struct http_route serve_routes[] = {
    {"GET", "/api/v1/movies", movie_list_handler, "movies"},
    {"GET", "/api/v1/movies/{id}", movie_handler, "movie"},
    {"GET", "/api/v1/movies/{id}/stats", movie_stats_handler, "movie_stats"},
    {"GET", "/api/v1/movies/{id}/sentiment", movie_sentiment_handler, "movie_sentiment"},
    {"GET", "/api/v1/trending/movies", trending_handler, "trending"},
    {"GET", "/api/v1/search/movies", search_handler, "search"},
    {"GET", "/api/v1/analytics/genres", genre_list_handler, "genres"},
    {"GET", "/api/v1/analytics/genre/{genre}", genre_handler, "genre"},
    {"GET", "/api/v1/analytics/trends", trends_handler, "trends"},
    {"GET", "/api/v1/analytics/temporal", temporal_handler, "temporal"},
    {"GET", "/api/v1/analytics/revenue", revenue_handler, "revenue"},
    {"GET", "/api/v1/people/{id}", person_handler, "person"},
    {"GET", "/api/v1/quality", quality_handler, "quality"},
    {"GET", "/api/v1/runs", runs_handler, "runs"},
    {"GET", "/api/v1/stream", events_handler, "stream"},
    {"GET", "/health", health_handler, "health"},
    {"GET", "/ready", ready_handler, "ready"},
    {"GET", "/metrics", metrics_handler, "metrics"},
    {"GET", "/openapi.json", openapi_handler, "openapi"},
    {"GET", "/docs", docs_handler, "docs"},
    {"GET", "/", page_handler, "page"},
    {"GET", "/assets/*", asset_handler, "assets"},
};
const size_t serve_routes_count = G_N_ELEMENTS(serve_routes);
