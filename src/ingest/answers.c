/* What an answer of TMDB becomes. A broken one is counted, told of and asked for again later;
 * nothing of it is used. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ingest/ingest_internal.h"
#include "model/tmdb.h"

/* Counts what can't be used and says so, but no more than once in a while: TMDB's trouble must not
 * become a flood of lines. */
static void refuse(struct ingest *ingest, const char *reason, const char *text)
{
    const struct context *context = ingest->context;
    int64_t now_ms = clock_monotonic_ms(context->clock);
    metrics_add(context->metrics, METRIC_INGEST_INVALID, reason, 1);
    if (ingest->health.state != TMDB_UP || now_ms < ingest->answer_log_ms) {
        ingest->answers_untold++;
        return;
    }
    log_warn(context->log, "ingest", "TMDB sent what can't be used", LOG_STR("reason", reason),
             LOG_STR("error", text), LOG_INT("not_told_before", ingest->answers_untold));
    ingest->answer_log_ms = now_ms + ANSWER_LOG_INTERVAL_MS;
    ingest->answers_untold = 0;
}

static bool in_scope(const struct ingest *ingest, const char *language)
{
    return g_str_equal(ingest->context->config->ingest_language, "all") ||
           g_str_equal(language, "en");
}

static void publish(struct ingest *ingest, enum topic topic, int32_t movie_id, const void *record)
{
    g_autoptr(GError) error = NULL;
    if (publisher_add(ingest->publisher, topic, movie_id, record, &error))
        ingest->records++;
    else
        refuse(ingest, "too_large", error->message);
}

static void
observe(struct ingest *ingest, const struct ask *ask, struct rating rating, int64_t now_ms)
{
    bool by_popular = ask->kind == ASK_LIST && ask->list == LIST_POPULAR;
    if (!planner_observed(ingest->planner, rating.movie_id, rating.popularity, by_popular, now_ms))
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

static uint64_t facts_hash(struct ingest *ingest, struct metadata metadata)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    metadata.timestamp_ms = 0;
    metadata.event_type = (struct span){"", 0};
    serde_encode(ingest->serde, TOPIC_METADATA, &metadata, bytes);
    return hash_bytes(bytes->data, bytes->len);
}

/* Facts are published when they differ from those that were published last, also by an earlier stay
 * of the movie. */
static bool publish_facts(struct ingest *ingest,
                          const struct ask *ask,
                          struct metadata metadata,
                          int64_t now_ms,
                          GError **error)
{
    const struct tracked_movie *movie = planner_find(ingest->planner, ask->movie_id);
    uint64_t known = movie ? movie->facts_hash : 0, hash = facts_hash(ingest, metadata);
    if (!movie)
        return true;
    if (!known && !ingest_state_facts_hash(ingest->state, ask->movie_id, &known, error))
        return false;
    planner_facts_read(ingest->planner, ask->movie_id, hash, ask->whole, now_ms);
    if (hash == known)
        return true;
    const char *event_type = known ? "update" : "new";
    metadata.timestamp_ms = now_ms;
    metadata.event_type = (struct span){event_type, strlen(event_type)};
    publish(ingest, TOPIC_METADATA, ask->movie_id, &metadata);
    return true;
}

/* A lake that takes nothing now costs no answer: the raw store keeps it, and nothing more is asked
 * until it is spooled (ingest_flush). */
static bool keep_raw(struct ingest *ingest,
                     const struct ask *ask,
                     const struct tmdb_answer *answer,
                     int64_t now_ms,
                     GError **error)
{
    g_autoptr(GError) raw_error = NULL;
    if (raw_store_put(ingest->raw_store, ask->movie_id, answer->endpoint, now_ms, answer->body,
                      answer->body_len, &raw_error))
        return true;
    if (error_is(raw_error, BADDATA)) {
        g_propagate_error(error, g_steal_pointer(&raw_error));
        return false;
    }
    ingest->raw_blocked = true;
    return true;
}

static void follow_up(struct ingest *ingest, struct ask ask)
{
    g_queue_push_tail(&ingest->follow_ups, g_memdup2(&ask, sizeof ask));
}

/* TMDB has stopped honouring append_to_response for a day: the missing block is then asked for
 * alone. */
static void ask_block(struct ingest *ingest, int32_t movie_id, enum ask_kind kind)
{
    metrics_add(ingest->context->metrics, METRIC_INGEST_INVALID, "missing_block", 1);
    follow_up(ingest, (struct ask){.kind = kind, .movie_id = movie_id});
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
        error_set(error, BADDATA, "movie: asked for %" PRId32 ", got %" PRId32, ask->movie_id,
                  movie.rating.movie_id);
        return false;
    }
    if (!in_scope(ingest, movie.original_language)) {
        planner_forget(ingest->planner, ask->movie_id);
        return true;
    }
    if (ask->whole && !keep_raw(ingest, ask, answer, now_ms, error))
        return false;
    observe(ingest, ask, movie.rating, now_ms);
    if (!publish_facts(ingest, ask, movie.metadata, now_ms, error))
        return false;
    if (ask->whole && !movie.has_credits)
        ask_block(ingest, ask->movie_id, ASK_CREDITS);
    if (ask->whole && !movie.has_keywords)
        ask_block(ingest, ask->movie_id, ASK_KEYWORDS);
    return true;
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
            observe(ingest, ask, page.items[i].rating, now_ms);
    if (page.skipped.count)
        refuse(ingest, "entry", page.skipped.why);
    return true;
}

static bool latest_answered(struct ingest *ingest,
                            const struct ask *ask,
                            const struct tmdb_answer *answer,
                            int64_t now_ms,
                            GError **error)
{
    struct tmdb_item item;
    if (!tmdb_item_parse(answer->body, answer->body_len, ingest->arena, &item, error))
        return false;
    if (in_scope(ingest, item.original_language) && !item.adult)
        observe(ingest, ask, item.rating, now_ms);
    return true;
}

static bool changes_answered(struct ingest *ingest,
                             const struct ask *ask,
                             const struct tmdb_answer *answer,
                             int64_t now_ms,
                             GError **error)
{
    struct tmdb_changes changes;
    if (!tmdb_changes_parse(answer->body, answer->body_len, ingest->arena, &changes, error))
        return false;
    planner_pages(ingest->planner, ask, changes.total_pages);
    for (size_t i = 0; i < changes.ids_count; i++)
        planner_changed(ingest->planner, changes.ids[i], now_ms);
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
    int64_t known_ms;
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

/* ret_goes_on: the next page is asked for, so the ask is still under way. */
static bool reviews_answered(struct ingest *ingest,
                             const struct ask *ask,
                             const struct tmdb_answer *answer,
                             bool *ret_goes_on,
                             GError **error)
{
    struct tmdb_reviews reviews;
    if (!tmdb_reviews_parse(answer->body, answer->body_len, ingest->arena, &reviews, error))
        return false;
    if (reviews.movie_id != ask->movie_id) {
        error_set(error, BADDATA, "reviews: asked for movie %" PRId32 ", got %" PRId32,
                  ask->movie_id, reviews.movie_id);
        return false;
    }
    for (size_t i = 0; i < reviews.reviews_count; i++) {
        bool is_new;
        if (!review_is_new(ingest, &reviews.reviews[i], &is_new, error))
            return false;
        if (!is_new)
            continue;
        publish(ingest, TOPIC_REVIEWS, ask->movie_id, &reviews.reviews[i]);
        planner_reviews_fresh(ingest->planner, ask->movie_id);
    }
    if (reviews.skipped.count)
        refuse(ingest, "entry", reviews.skipped.why);
    *ret_goes_on = ask->page < MIN(reviews.total_pages, TMDB_PAGE_MAX);
    if (*ret_goes_on)
        follow_up(
            ingest,
            (struct ask){.kind = ASK_REVIEWS, .movie_id = ask->movie_id, .page = ask->page + 1});
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
    case ASK_LATEST:
        return latest_answered(ingest, ask, answer, now_ms, error);
    case ASK_CHANGES:
        return changes_answered(ingest, ask, answer, now_ms, error);
    case ASK_MOVIE:
        return movie_answered(ingest, ask, answer, now_ms, error);
    case ASK_REVIEWS:
        return reviews_answered(ingest, ask, answer, ret_goes_on, error);
    case ASK_CREDITS:
    case ASK_KEYWORDS:
        break;
    }
    return keep_raw(ingest, ask, answer, now_ms, error);
}

/* One line when TMDB stops to answer, or to take the key, and one when it does again. */
static void note_health(struct ingest *ingest, const struct tmdb_answer *answer)
{
    struct log *log = ingest->context->log;
    bool answered = ingest->health.answered;
    int64_t lasted_ms;
    if (!tmdb_health_answered(&ingest->health, answer, clock_monotonic_ms(ingest->context->clock),
                              &lasted_ms))
        return;
    if (ingest->health.state == TMDB_UP)
        log_info(log, "ingest", "TMDB answers again", LOG_INT("after_ms", lasted_ms));
    else if (ingest->health.state == TMDB_IS_DOWN)
        log_warn(log, "ingest", "TMDB doesn't answer: asking once in a while until it does",
                 LOG_INT("failures", ingest->health.failures), LOG_STR("error", answer->error));
    else if (answered)
        log_error(log, "ingest",
                  "TMDB refuses the key that it took before: asking once in a while; set "
                  "TMDB_API_KEY to a valid one and start again",
                  LOG_STR("error", answer->error));
    else if (!ingest->fatal)
        error_set(&ingest->fatal, DENIED,
                  "TMDB refuses the key (%s): set TMDB_API_KEY to a valid one, or "
                  "tmdb.base_url to the simulator",
                  answer->error);
}

/* The answer is used, or a reason why not is told. True: the ask failed. */
static bool use(struct ingest *ingest,
                const struct ask *ask,
                const struct tmdb_answer *answer,
                int64_t now_ms,
                bool *ret_goes_on)
{
    g_autoptr(GError) error = NULL;
    if (dispatch(ingest, ask, answer, now_ms, ret_goes_on, &error))
        return false;
    g_prefix_error(&error, "%s: ", answer->endpoint);
    refuse(ingest, error_is(error, BADDATA) ? "invalid" : "failed", error->message);
    if (!error_is(error, BADDATA) && !error_is(error, AGAIN) && !ingest->fatal)
        ingest->fatal = g_steal_pointer(&error);
    return true;
}

void ingest_answered(const struct ask *ask, const struct tmdb_answer *answer, void *user)
{
    struct ingest *ingest = user;
    int64_t now_ms = clock_now_ms(ingest->context->clock);
    bool about_movie = ask->kind == ASK_MOVIE || ask->kind == ASK_REVIEWS;
    bool failed = false, goes_on = false;
    note_health(ingest, answer);
    if (answer->result == TMDB_OK) {
        failed = use(ingest, ask, answer, now_ms, &goes_on);
    } else if (answer->result == TMDB_MISSING && about_movie) {
        planner_forget(ingest->planner, ask->movie_id); /* it is gone; a list never is */
    } else {
        failed = true;
        refuse(ingest, "failed", answer->error);
    }
    if (!goes_on)
        planner_done(ingest->planner, ask, failed, now_ms);
    arena_reset(ingest->arena);
}
