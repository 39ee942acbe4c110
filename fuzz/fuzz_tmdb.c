/* TMDB: any bytes as an answer of its API. What a parser lets through is in the ranges that tmdb.h
 * and semantics.md name, is a valid record of its contract (it is encoded and decoded again) and
 * doesn't depend on the input's memory; what it refuses is BADDATA with a text that can be logged.
 *
 *   input = which answer (1 byte), its body */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/embedded.h"
#include "model/codec.h"
#include "model/tmdb.h"
#include "model/topic.h"

#define DECIMALS       1e4                      /* popularity and vote_average have four */
#define TIME_MS_MAX    INT64_C(253402300799999) /* the end of the year 9999 */
#define VOTE_MAX       10.0
#define POPULARITY_MAX 1e9

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_text(struct span text)
{
    g_assert(text.data && text.data[text.len] == '\0');
    g_assert(g_utf8_validate(text.data, (gssize)text.len, NULL));
}

static void assert_decimal(double value, double max)
{
    g_assert(value >= 0 && value <= max);
    g_assert(value == rint(value * DECIMALS) / DECIMALS);
}

static void assert_rating(const struct rating *rating)
{
    g_assert(rating->movie_id >= 1 && rating->vote_count >= 0);
    assert_decimal(rating->vote_average, VOTE_MAX);
    assert_decimal(rating->popularity, POPULARITY_MAX);
}

/* What a parser gives can be published, and is read back as it was. */
static void assert_publishable(enum topic topic, const void *record, struct arena *arena)
{
    const struct topic_info *info = topic_info(topic);
    size_t len;
    const char *contract = embedded_text(info->schema_path, &len);
    struct schema *schema = schema_parse(contract, len, NULL);
    g_assert(schema);
    struct encoder *encoder = encoder_new(schema, info->type, NULL);
    struct decoder *decoder = decoder_new(schema, schema, info->type, NULL);
    g_assert(encoder && decoder);
    g_autoptr(GByteArray) first = g_byte_array_new();
    g_autoptr(GByteArray) second = g_byte_array_new();
    encoder_encode(encoder, record, first);
    g_autofree void *back = g_malloc0(info->type->size);
    bool decoded = decoder_decode(decoder, first->data, first->len, arena, back, NULL);
    g_assert(decoded);
    encoder_encode(encoder, back, second);
    g_assert(first->len == second->len && memcmp(first->data, second->data, first->len) == 0);
    encoder_free(encoder);
    decoder_free(decoder);
    schema_free(schema);
}

static void assert_skipped(const struct tmdb_skipped *skipped)
{
    g_assert(!skipped->count == !skipped->why);
    if (skipped->why)
        g_assert(g_utf8_validate(skipped->why, -1, NULL));
}

static bool movie(const char *json, size_t len, struct arena *arena, GError **error)
{
    struct tmdb_movie movie;
    if (!tmdb_movie_parse(json, len, arena, &movie, error))
        return false;
    assert_rating(&movie.rating);
    g_assert(movie.metadata.movie_id == movie.rating.movie_id);
    g_assert(movie.metadata.title.len > 0 && movie.metadata.genres_count <= TMDB_GENRES_MAX);
    assert_text(movie.metadata.title);
    for (size_t i = 0; i < movie.metadata.genres_count; i++)
        assert_text(movie.metadata.genres[i]);
    g_assert(!movie.metadata.has_runtime || movie.metadata.runtime > 0);
    g_assert(movie.original_language);
    movie.metadata.event_type = (struct span){"new", strlen("new")};
    assert_publishable(TOPIC_METADATA, &movie.metadata, arena);
    assert_publishable(TOPIC_RATINGS, &movie.rating, arena);
    return true;
}

static bool page(const char *json, size_t len, struct arena *arena, GError **error)
{
    struct tmdb_page page;
    if (!tmdb_page_parse(json, len, arena, &page, error))
        return false;
    g_assert(page.page >= 1 && page.total_pages >= 0);
    g_assert(page.items_count + page.skipped.count <= TMDB_PAGE_ITEMS_MAX);
    assert_skipped(&page.skipped);
    for (size_t i = 0; i < page.items_count; i++) {
        assert_rating(&page.items[i].rating);
        g_assert(page.items[i].original_language);
    }
    return true;
}

static bool item(const char *json, size_t len, struct arena *arena, GError **error)
{
    struct tmdb_item item;
    if (!tmdb_item_parse(json, len, arena, &item, error))
        return false;
    assert_rating(&item.rating);
    g_assert(item.original_language);
    return true;
}

static bool changes(const char *json, size_t len, struct arena *arena, GError **error)
{
    struct tmdb_changes changes;
    if (!tmdb_changes_parse(json, len, arena, &changes, error))
        return false;
    g_assert(changes.ids_count <= TMDB_PAGE_ITEMS_MAX);
    for (size_t i = 0; i < changes.ids_count; i++)
        g_assert(changes.ids[i] >= 1);
    return true;
}

static bool reviews(const char *json, size_t len, struct arena *arena, GError **error)
{
    struct tmdb_reviews reviews;
    if (!tmdb_reviews_parse(json, len, arena, &reviews, error))
        return false;
    g_assert(reviews.reviews_count + reviews.skipped.count <= TMDB_PAGE_ITEMS_MAX);
    assert_skipped(&reviews.skipped);
    for (size_t i = 0; i < reviews.reviews_count; i++) {
        const struct review *review = &reviews.reviews[i];
        g_assert(review->movie_id == reviews.movie_id && review->review_id.len > 0);
        assert_text(review->review_id);
        assert_text(review->author);
        assert_text(review->content);
        assert_text(review->url);
        g_assert(review->created_at_ms >= 0 && review->created_at_ms <= TIME_MS_MAX);
        g_assert(!review->has_updated_at ||
                 (review->updated_at_ms >= 0 && review->updated_at_ms <= TIME_MS_MAX));
        g_assert(isfinite(review->rating));
        assert_publishable(TOPIC_REVIEWS, review, arena);
    }
    return true;
}

typedef bool parse(const char *json, size_t len, struct arena *arena, GError **error);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static parse *const answers[] = {movie, page, item, changes, reviews};
    if (size < 1)
        return 0;
    const char *json = (const char *)data + 1;
    size_t len = size - 1;
    struct arena *arena = arena_new();
    g_autoptr(GError) error = NULL;
    bool good = answers[data[0] % G_N_ELEMENTS(answers)](json, len, arena, &error);
    g_assert(good == !error);
    g_assert(!good || tmdb_is_object(json, len));
    if (error) {
        g_assert(error_is(error, BADDATA));
        g_assert(g_utf8_validate(error->message, -1, NULL));
    }
    bool temporary = tmdb_error_is_temporary(tmdb_error_code(json, len));
    g_assert(!temporary || tmdb_is_object(json, len));
    arena_free(arena);
    return 0;
}
