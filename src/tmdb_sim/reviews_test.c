/* Proves that the number of reviews at an instant is the number of those whose created_at has
 * passed, in order of creation, and that opinions go with ratings. */
#include "tmdb_sim/reviews.h"

#include <string.h>

#include <jansson.h>

#include "base/clock.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

static json_t *read_review(const struct review_source *source, int64_t index, int64_t time_ms)
{
    g_autoptr(GString) text = g_string_new(NULL);
    review_write(source, index, time_ms, text);
    json_t *review = json_loadb(text->str, text->len, JSON_REJECT_DUPLICATES, NULL);
    g_assert_nonnull(review);
    return review;
}

static int64_t time_at(const json_t *review, const char *key)
{
    int64_t time_ms = clock_parse_iso8601(json_string_value(json_object_get(review, key)));
    g_assert_cmpint(time_ms, >=, 0);
    return time_ms;
}

/* Each review is counted from its created_at on, and not before. */
static void check_movie(const struct review_source *source)
{
    int64_t end_ms = CATALOGUE_TIME_MS + 200 * MS_PER_DAY;
    int64_t total = reviews_count(source, end_ms), last_ms = 0;
    g_autofree char *previous_id = NULL;
    for (int64_t index = 0; index < total; index++) {
        g_autoptr(json_t) review = read_review(source, index, end_ms);
        int64_t created_ms = time_at(review, "created_at");
        g_assert_cmpint(created_ms, >=, last_ms);
        g_assert_cmpint(created_ms, >=, REVIEWS_BEGIN_MS);
        g_assert_cmpint(created_ms, >=, source->movie->release_ms);
        g_assert_cmpint(reviews_count(source, created_ms - 1), ==, index);
        g_assert_cmpint(reviews_count(source, created_ms), ==, index + 1);
        g_assert_cmpint(time_at(review, "updated_at"), >=, created_ms);
        const char *id = json_string_value(json_object_get(review, "id"));
        g_assert_cmpstr(id, !=, previous_id);
        g_free(previous_id);
        previous_id = g_strdup(id);
        last_ms = created_ms;
    }
    g_assert_cmpint(total, <, 400); /* what ingestion reads of one movie */
}

static int count_words(const char *text, const char *const *words)
{
    int count = 0;
    for (; *words; words++)
        for (const char *at = strstr(text, *words); at; at = strstr(at + 1, *words))
            count++;
    return count;
}

struct tally {
    int rated, unrated, edited, crlf, good[11], bad[11];
};

static void tally_movie(const struct review_source *source, struct tally *tally)
{
    static const char *const good[] = {"great", "wonderful", "love", "superb", "joy", NULL};
    static const char *const bad[] = {"terrible", "awful", "boring", "waste", "horrible", NULL};
    int64_t end_ms = CATALOGUE_TIME_MS + 200 * MS_PER_DAY;
    for (int64_t index = 0; index < reviews_count(source, end_ms); index++) {
        g_autoptr(json_t) review = read_review(source, index, end_ms);
        const char *content = json_string_value(json_object_get(review, "content"));
        const json_t *rating = json_object_get(json_object_get(review, "author_details"), "rating");
        tally->edited += time_at(review, "updated_at") > time_at(review, "created_at");
        tally->crlf += strstr(content, "\r\n") != NULL;
        g_assert_null(strchr(content, '{'));
        if (json_is_null(rating)) {
            tally->unrated++;
            continue;
        }
        int stars = (int)json_real_value(rating);
        g_assert_true(stars >= 1 && stars <= 10);
        tally->rated++;
        tally->good[stars] += count_words(content, good);
        tally->bad[stars] += count_words(content, bad);
    }
}

static void test_reviews(void)
{
    struct phrases *phrases = phrases_open();
    struct catalogue_options options = {.seed = 3, .phrases = phrases};
    struct catalogue *catalogue = catalogue_open(&options, NULL);
    struct tally tally = {0};
    for (size_t i = 0; i < catalogue->movies_count; i += 9) {
        struct review_source source;
        review_source_init(&source, 3, catalogue, &catalogue->movies[i]);
        check_movie(&source);
        tally_movie(&source, &tally);
    }
    int all = tally.rated + tally.unrated;
    g_assert_cmpint(all, >, 1000);
    g_assert_cmpint(tally.unrated, >, all / 20);
    g_assert_cmpint(tally.edited, >, all / 10);
    g_assert_cmpint(tally.crlf, >, all / 4);
    g_assert_cmpint(tally.good[9] + tally.good[10], >, 3 * (tally.bad[9] + tally.bad[10]));
    g_assert_cmpint(tally.bad[1] + tally.bad[2], >, 3 * (tally.good[1] + tally.good[2]));
    catalogue_close(catalogue);
    phrases_close(phrases);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tmdb_sim/reviews", test_reviews);
    return g_test_run();
}
