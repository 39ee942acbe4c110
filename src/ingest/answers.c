/* What an answer of TMDB becomes. A broken one is counted, logged and asked for again later;
 * nothing of it is used. */
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ingest/ingest_internal.h"
#include "model/tmdb.h"

#define REVIEW_PAGES_MAX 20 /* 400 reviews of a movie: beyond any movie seen */

static bool in_scope(const struct ingest *ingest, const char *language)
{
    return g_str_equal(ingest->context->config->ingest_language, "all") ||
           g_str_equal(language, "en");
}

static void publish(struct ingest *ingest, enum topic topic, int32_t movie_id, const void *record)
{
    publisher_add(ingest->publisher, topic, movie_id, record);
    ingest->records++;
}

static void observe(struct ingest *ingest, struct rating rating, int64_t now_ms)
{
    if (!planner_observed(ingest->planner, rating.movie_id, rating.popularity, now_ms))
        return;
    rating.timestamp_ms = now_ms;
    publish(ingest, TOPIC_RATINGS, rating.movie_id, &rating);
}

/* FNV-1a, 64 bit. Source: Fowler, Noll, Vo, IETF draft-eastlake-fnv. */
static uint64_t hash_bytes(const uint8_t *bytes, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash ? hash : 1; /* 0 means none */
}

static void publish_facts(struct ingest *ingest,
                          struct tracked_movie *movie,
                          struct metadata metadata,
                          int64_t now_ms)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    metadata.timestamp_ms = 0;
    metadata.event_type = (struct span){"", 0};
    serde_encode(ingest->serde, TOPIC_METADATA, &metadata, bytes);
    uint64_t hash = hash_bytes(bytes->data, bytes->len);
    movie->stale = false;
    if (hash == movie->facts_hash)
        return;
    const char *event_type = movie->facts_hash ? "update" : "new";
    metadata.timestamp_ms = now_ms;
    metadata.event_type = (struct span){event_type, strlen(event_type)};
    movie->facts_hash = hash;
    publish(ingest, TOPIC_METADATA, movie->movie_id, &metadata);
}

static bool keep_raw(struct ingest *ingest,
                     const struct ask *ask,
                     const struct tmdb_answer *answer,
                     int64_t now_ms,
                     GError **error)
{
    return raw_store_put(ingest->raw_store, ask->movie_id, answer->endpoint, now_ms, answer->body,
                         answer->body_len, error);
}

/* TMDB has stopped honouring append_to_response for a day: the missing block is then asked for
 * alone. */
static bool ask_block(struct ingest *ingest, int32_t movie_id, enum ask_kind kind, GError **error)
{
    metrics_add(ingest->context->metrics, METRIC_INGEST_INVALID, "missing_block", 1);
    return tmdb_client_ask(ingest->client, &(struct ask){.kind = kind, .movie_id = movie_id},
                           error);
}

static bool movie_answered(struct ingest *ingest,
                           const struct ask *ask,
                           const struct tmdb_answer *answer,
                           int64_t now_ms,
                           GError **error)
{
    struct tmdb_movie movie;
    if (!tmdb_movie_parse(answer->body, answer->body_len, ingest->arena, &movie, error))
        return false;
    if (movie.rating.movie_id != ask->movie_id) {
        error_set(error, BADDATA, "movie: asked for %d, got %d", ask->movie_id,
                  movie.rating.movie_id);
        return false;
    }
    if (!in_scope(ingest, movie.original_language)) {
        planner_forget(ingest->planner, ask->movie_id);
        return true;
    }
    if (!keep_raw(ingest, ask, answer, now_ms, error))
        return false;
    observe(ingest, movie.rating, now_ms);
    struct tracked_movie *tracked = planner_find(ingest->planner, ask->movie_id);
    if (tracked)
        publish_facts(ingest, tracked, movie.metadata, now_ms);
    return (movie.has_credits || ask_block(ingest, ask->movie_id, ASK_CREDITS, error)) &&
           (movie.has_keywords || ask_block(ingest, ask->movie_id, ASK_KEYWORDS, error));
}

static bool list_answered(struct ingest *ingest,
                          const struct ask *ask,
                          const struct tmdb_answer *answer,
                          int64_t now_ms,
                          GError **error)
{
    struct tmdb_page page;
    if (!tmdb_page_parse(answer->body, answer->body_len, ingest->arena, &page, error))
        return false;
    planner_pages(ingest->planner, ask, page.total_pages);
    for (size_t i = 0; i < page.items_count; i++)
        if (in_scope(ingest, page.items[i].original_language))
            observe(ingest, page.items[i].rating, now_ms);
    return true;
}

static bool changes_answered(struct ingest *ingest,
                             const struct ask *ask,
                             const struct tmdb_answer *answer,
                             GError **error)
{
    struct tmdb_changes changes;
    if (!tmdb_changes_parse(answer->body, answer->body_len, ingest->arena, &changes, error))
        return false;
    planner_pages(ingest->planner, ask, changes.total_pages);
    for (size_t i = 0; i < changes.ids_count; i++)
        planner_changed(ingest->planner, changes.ids[i]);
    return true;
}

/* Remembers the version until the next flush; false where this one was published already. */
static bool
review_is_new(struct ingest *ingest, const struct review *review, bool *ret_new, GError **error)
{
    int64_t version_ms = review->has_updated_at ? review->updated_at_ms : review->created_at_ms;
    g_autofree char *id = g_strndup(review->review_id.data, review->review_id.len);
    size_t index = GPOINTER_TO_SIZE(g_hash_table_lookup(ingest->review_versions, id));
    struct published_review *known =
        index ? &g_array_index(ingest->reviews, struct published_review, index - 1) : NULL;
    int64_t known_ms = 0;
    if (known)
        known_ms = known->version_ms;
    else if (!ingest_state_review_version(ingest->state, review->review_id, &known_ms, error))
        return false;
    *ret_new = version_ms > known_ms;
    if (!*ret_new)
        return true;
    if (known) {
        known->version_ms = version_ms;
        return true;
    }
    struct published_review published = {g_steal_pointer(&id), review->movie_id, version_ms};
    g_array_append_val(ingest->reviews, published);
    g_hash_table_insert(ingest->review_versions, published.review_id,
                        GSIZE_TO_POINTER((size_t)ingest->reviews->len));
    return true;
}

/* ret_goes_on: the next page was asked for, so the ask is still under way. */
static bool reviews_answered(struct ingest *ingest,
                             const struct ask *ask,
                             const struct tmdb_answer *answer,
                             int64_t now_ms,
                             bool *ret_goes_on,
                             GError **error)
{
    struct tmdb_reviews reviews;
    if (!tmdb_reviews_parse(answer->body, answer->body_len, ingest->arena, &reviews, error))
        return false;
    bool fresh = false;
    for (size_t i = 0; i < reviews.reviews_count; i++) {
        bool is_new;
        reviews.reviews[i].movie_id = ask->movie_id;
        if (!review_is_new(ingest, &reviews.reviews[i], &is_new, error))
            return false;
        if (is_new)
            publish(ingest, TOPIC_REVIEWS, ask->movie_id, &reviews.reviews[i]);
        fresh |= is_new;
    }
    if (ask->page < MIN(reviews.total_pages, REVIEW_PAGES_MAX)) {
        struct ask next = {.kind = ASK_REVIEWS, .movie_id = ask->movie_id, .page = ask->page + 1};
        *ret_goes_on = tmdb_client_ask(ingest->client, &next, error);
        return *ret_goes_on;
    }
    planner_reviews_read(ingest->planner, ask->movie_id, fresh, now_ms);
    return true;
}

static bool dispatch(struct ingest *ingest,
                     const struct ask *ask,
                     const struct tmdb_answer *answer,
                     int64_t now_ms,
                     bool *ret_goes_on,
                     GError **error)
{
    switch (ask->kind) {
    case ASK_LIST:
        return list_answered(ingest, ask, answer, now_ms, error);
    case ASK_CHANGES:
        return changes_answered(ingest, ask, answer, error);
    case ASK_MOVIE:
        return movie_answered(ingest, ask, answer, now_ms, error);
    case ASK_REVIEWS:
        return reviews_answered(ingest, ask, answer, now_ms, ret_goes_on, error);
    case ASK_CREDITS:
    case ASK_KEYWORDS:
        break;
    }
    return keep_raw(ingest, ask, answer, now_ms, error);
}

void ingest_answered(const struct ask *ask, const struct tmdb_answer *answer, void *user)
{
    struct ingest *ingest = user;
    struct metrics *metrics = ingest->context->metrics;
    int64_t now_ms = clock_now_ms(ingest->context->clock);
    g_autoptr(GError) error = NULL;
    bool failed = false, goes_on = false;
    switch (answer->result) {
    case TMDB_OK:
        ingest->answered = true;
        failed = !dispatch(ingest, ask, answer, now_ms, &goes_on, &error);
        if (failed)
            g_prefix_error(&error, "%s: ", answer->endpoint);
        break;
    case TMDB_MISSING:
        /* A movie that is gone; a list is never gone, so that is a failure. */
        failed = ask->kind == ASK_LIST || ask->kind == ASK_CHANGES;
        if (!failed)
            planner_forget(ingest->planner, ask->movie_id);
        break;
    case TMDB_DENIED:
        failed = true;
        if (!ingest->answered && !ingest->fatal)
            error_set(&ingest->fatal, DENIED,
                      "TMDB refuses the key (%s): set TMDB_API_KEY to a valid one, or "
                      "tmdb.base_url to the simulator",
                      answer->error);
        break;
    case TMDB_FAILED:
        failed = true;
        break;
    }
    if (failed) {
        const char *text = error ? error->message : answer->error;
        metrics_add(metrics, METRIC_INGEST_INVALID,
                    error && error_is(error, BADDATA) ? "invalid" : "failed", 1);
        log_warn(ingest->context->log, "ingest",
                 "an answer can't be used; it is asked for again later", LOG_STR("error", text));
    }
    if (!goes_on)
        planner_done(ingest->planner, ask, failed, now_ms);
    arena_reset(ingest->arena);
}
