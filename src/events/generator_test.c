/* Proves: events are a pure function of seed, time and catalogue, whatever pieces the time comes
 * in, and the very ones that an independent implementation of generator.h's text gives; types,
 * movies, users, ratings, delays and hours of the day come as often as the text says. Seeds are
 * fixed, so no bound can be passed by chance; bounds are those of a test at 99.9 % (chi-square) or
 * five standard errors. */
#include "events/generator.h"

#include <math.h>
#include <string.h>

#include <glib.h>

#include "base/clock.h"

/* 2026-03-03 04:00:00 UTC and the midnight before. */
#define NOW_MS      INT64_C(1772510400000)
#define MIDNIGHT_MS (NOW_MS - 4 * MS_PER_HOUR)

static const int32_t ten_movies[] = {603, 11, 550, 13, 680, 155, 27205, 122, 238, 278};

static const struct generator_settings plain = {
    .seed = 1, .rate_per_s = 10, .users = 10, .late_max_ms = MS_PER_HOUR};

/* All events from from_ms to to_ms, newly allocated. */
static GArray *
collect(const struct generator_settings *settings, double skew, int64_t from_ms, int64_t to_ms)
{
    GArray *events = g_array_new(FALSE, FALSE, sizeof(struct user_event));
    struct catalogue *catalogue = catalogue_new(ten_movies, G_N_ELEMENTS(ten_movies), skew);
    struct generator *generator = generator_new(settings, from_ms);
    struct user_event event;
    while (generator_next(generator, catalogue, to_ms, &event))
        g_array_append_val(events, event);
    generator_free(generator);
    catalogue_free(catalogue);
    return events;
}

static const struct user_event *at(const GArray *events, size_t index)
{
    g_assert_cmpuint(index, <, events->len);
    return &g_array_index(events, struct user_event, index);
}

static void assert_same(const struct user_event *a, const struct user_event *b)
{
    g_assert_cmpint(a->timestamp_ms, ==, b->timestamp_ms);
    g_assert_cmpint(a->user_id, ==, b->user_id);
    g_assert_cmpint(a->movie_id, ==, b->movie_id);
    g_assert_cmpint(a->event_type, ==, b->event_type);
    g_assert_cmpint(a->has_rating, ==, b->has_rating);
    g_assert_cmpfloat(a->rating, ==, b->rating);
}

/* Four seconds of seed 7, computed by a Python program from the text of generator.h and chance.h.
 */
static void test_reference(void)
{
    static const struct {
        int64_t after_ms;
        int32_t event_type, movie_id, user_id;
        double rating;
    } expected[] = {
        {-271897, EVENT_CLICK, 550, 4, 0}, {-19442, EVENT_VIEW, 603, 32, 0},
        {357, EVENT_VIEW, 603, 10, 0},     {-426, EVENT_RATE, 603, 27, 7.5},
        {-404424, EVENT_RATE, 11, 36, 8},  {675, EVENT_VIEW, 11, 2, 0},
        {1260, EVENT_VIEW, 11, 6, 0},      {1175, EVENT_VIEW, 550, 2, 0},
        {-18902, EVENT_VIEW, 550, 7, 0},   {1035, EVENT_VIEW, 603, 2, 0},
        {1648, EVENT_CLICK, 603, 1, 0},    {1536, EVENT_CLICK, 11, 9, 0},
        {1723, EVENT_VIEW, 603, 4, 0},     {529, EVENT_VIEW, 603, 6, 0},
        {2265, EVENT_VIEW, 603, 11, 0},    {-54059, EVENT_VIEW, 603, 25, 0},
        {-819, EVENT_VIEW, 550, 37, 0},    {-467262, EVENT_SEARCH, 11, 2, 0},
        {2553, EVENT_SEARCH, 603, 14, 0},  {2331, EVENT_VIEW, 11, 40, 0},
        {-182820, EVENT_VIEW, 603, 16, 0}, {3373, EVENT_SEARCH, 603, 20, 0},
        {-136994, EVENT_VIEW, 603, 6, 0},  {3585, EVENT_VIEW, 603, 6, 0},
    };
    const struct generator_settings settings = {.seed = 7,
                                                .rate_per_s = 10,
                                                .rhythm = 0.6,
                                                .users = 50,
                                                .late_share = 0.3,
                                                .late_max_ms = 10 * MS_PER_MINUTE};
    struct catalogue *catalogue = catalogue_new(ten_movies, 3, 1);
    struct generator *generator = generator_new(&settings, NOW_MS);
    struct user_event event;
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_assert_true(generator_next(generator, catalogue, NOW_MS + 4000, &event));
        g_assert_cmpint(event.timestamp_ms - NOW_MS, ==, expected[i].after_ms);
        g_assert_cmpint(event.event_type, ==, expected[i].event_type);
        g_assert_cmpint(event.movie_id, ==, expected[i].movie_id);
        g_assert_cmpint(event.user_id, ==, expected[i].user_id);
        g_assert_cmpint(event.has_rating, ==, event.event_type == EVENT_RATE);
        g_assert_cmpfloat(event.rating, ==, expected[i].rating);
    }
    g_assert_false(generator_next(generator, catalogue, NOW_MS + 4000, &event));
    generator_free(generator);
    catalogue_free(catalogue);
}

/* In pieces of any length, or begun in the middle: the same events. */
static void test_same_however_cut(void)
{
    const int64_t to_ms = NOW_MS + 10 * MS_PER_MINUTE;
    struct generator_settings settings = plain;
    settings.late_share = 0.1;
    g_autoptr(GArray) whole = collect(&settings, 1, NOW_MS, to_ms);
    g_assert_cmpuint(whole->len, >, 5000);
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    struct catalogue *catalogue = catalogue_new(ten_movies, G_N_ELEMENTS(ten_movies), 1);
    struct generator *generator = generator_new(&settings, NOW_MS);
    size_t count = 0;
    for (int64_t until_ms = NOW_MS; until_ms < to_ms;) {
        until_ms = MIN(until_ms + g_rand_int_range(rand, 0, 4000), to_ms);
        struct user_event event;
        while (generator_next(generator, catalogue, until_ms, &event))
            assert_same(&event, at(whole, count++));
        g_assert_cmpint(generator_position_ms(generator), <=, until_ms + MS_PER_SECOND);
    }
    g_assert_cmpuint(count, ==, whole->len);
    generator_free(generator);
    catalogue_free(catalogue);

    /* Begun at 400.5 s: what happens before the next full second was another's. */
    g_autoptr(GArray) later = collect(&settings, 1, NOW_MS + 400500, to_ms);
    g_autoptr(GArray) earlier = collect(&settings, 1, NOW_MS, NOW_MS + 401000);
    g_assert_cmpuint(earlier->len + later->len, ==, whole->len);
    for (size_t i = 0; i < later->len; i++)
        assert_same(at(later, i), at(whole, earlier->len + i));
}

static void test_seeds_differ(void)
{
    struct generator_settings other = plain;
    other.seed = 2;
    g_autoptr(GArray) a = collect(&plain, 1, NOW_MS, NOW_MS + MS_PER_MINUTE);
    g_autoptr(GArray) b = collect(&other, 1, NOW_MS, NOW_MS + MS_PER_MINUTE);
    size_t same = 0;
    for (size_t i = 0; i < MIN(a->len, b->len); i++)
        same += at(a, i)->timestamp_ms == at(b, i)->timestamp_ms;
    g_assert_cmpuint(same, <, 5);
}

static double chi_square(const size_t *counts, const double *shares, size_t classes)
{
    double sum = 0;
    size_t total = 0;
    for (size_t i = 0; i < classes; i++)
        total += counts[i];
    for (size_t i = 0; i < classes; i++) {
        double expected = shares[i] * (double)total, off = (double)counts[i] - expected;
        g_assert_cmpfloat(expected, >, 5); /* else the test says nothing */
        sum += off * off / expected;
    }
    return sum;
}

/* The chi-square that 99.9 % of fair samples stay below, by degrees of freedom (from tables). */
#define CHI_SQUARE_5  20.515
#define CHI_SQUARE_9  27.877
#define CHI_SQUARE_23 49.728

static void test_types(void)
{
    static const double shares[] = {0.6, 0.22, 0.09, 0.045, 0.03, 0.015};
    size_t counts[GENERATOR_TYPES] = {0};
    g_autoptr(GArray) events = collect(&plain, 1, NOW_MS, NOW_MS + 3 * MS_PER_HOUR);
    for (size_t i = 0; i < events->len; i++)
        counts[at(events, i)->event_type]++;
    g_assert_cmpfloat(chi_square(counts, shares, GENERATOR_TYPES), <, CHI_SQUARE_5);
    g_assert_cmpstr(generator_type_name(EVENT_WATCHLIST), ==, "watchlist");
}

static void count_movies(double skew, size_t counts[G_N_ELEMENTS(ten_movies)])
{
    g_autoptr(GArray) events = collect(&plain, skew, NOW_MS, NOW_MS + 3 * MS_PER_HOUR);
    for (size_t i = 0; i < events->len; i++)
        for (size_t rank = 0; rank < G_N_ELEMENTS(ten_movies); rank++)
            counts[rank] += at(events, i)->movie_id == ten_movies[rank];
}

/* Zipf: of ten movies rank r has (1 / r) / (1 + 1/2 + ... + 1/10), that is (1 / r) / 2.928968;
 * with exponent 2 (1 / r^2) / 1.549768; with exponent 0 all have a tenth. */
static void test_movies(void)
{
    static const struct {
        double skew, sum;
    } rows[] = {{1, 2.9289682539682538}, {2, 1.5497677311665408}, {0, 10}};
    for (size_t row = 0; row < G_N_ELEMENTS(rows); row++) {
        size_t counts[G_N_ELEMENTS(ten_movies)] = {0};
        double shares[G_N_ELEMENTS(ten_movies)];
        for (size_t i = 0; i < G_N_ELEMENTS(shares); i++) {
            double rank = (double)(i + 1);
            double weight = row == 0 ? 1 / rank : row == 1 ? 1 / (rank * rank) : 1;
            shares[i] = weight / rows[row].sum;
        }
        count_movies(rows[row].skew, counts);
        g_assert_cmpfloat(chi_square(counts, shares, G_N_ELEMENTS(shares)), <, CHI_SQUARE_9);
    }
}

/* Every throw names a movie of the catalogue, the ends too. */
static void test_pick(void)
{
    struct catalogue *catalogue = catalogue_new(ten_movies, 2, 1); /* 2/3 and 1/3 */
    g_assert_cmpint(catalogue_pick(catalogue, 0), ==, 603);
    g_assert_cmpint(catalogue_pick(catalogue, 0.66666), ==, 603);
    g_assert_cmpint(catalogue_pick(catalogue, 0.66667), ==, 11);
    g_assert_cmpint(catalogue_pick(catalogue, 1 - 0x1p-53), ==, 11);
    g_assert_cmpuint(catalogue_count(catalogue), ==, 2);
    catalogue_free(catalogue);
    catalogue = catalogue_new(ten_movies, 1, 4);
    g_assert_cmpint(catalogue_pick(catalogue, 1 - 0x1p-53), ==, 603);
    catalogue_free(catalogue);
}

/* ln(1 + 1/k) / ln 11, by Python. */
static void test_users(void)
{
    static const double shares[] = {0.289065, 0.169092, 0.119973, 0.093058, 0.076034,
                                    0.064286, 0.055687, 0.049119, 0.043939, 0.039747};
    size_t counts[G_N_ELEMENTS(shares)] = {0};
    g_autoptr(GArray) events = collect(&plain, 1, NOW_MS, NOW_MS + 3 * MS_PER_HOUR);
    for (size_t i = 0; i < events->len; i++) {
        g_assert_cmpint(at(events, i)->user_id, >=, 1);
        g_assert_cmpint(at(events, i)->user_id, <=, 10);
        counts[at(events, i)->user_id - 1]++;
    }
    g_assert_cmpfloat(chi_square(counts, shares, G_N_ELEMENTS(shares)), <, CHI_SQUARE_9);

    struct generator_settings one = plain;
    one.users = 1;
    g_autoptr(GArray) lonely = collect(&one, 1, NOW_MS, NOW_MS + MS_PER_HOUR);
    for (size_t i = 0; i < lonely->len; i++)
        g_assert_cmpint(at(lonely, i)->user_id, ==, 1);
}

/* Mean 0.5 * (1 + 19 * 0.66) = 6.77, variance 0.25 * 19 * 0.66 * 0.34 = 1.06590. */
static void test_ratings(void)
{
    double sum = 0, squares = 0;
    size_t count = 0;
    g_autoptr(GArray) events = collect(&plain, 1, NOW_MS, NOW_MS + 6 * MS_PER_HOUR);
    for (size_t i = 0; i < events->len; i++) {
        const struct user_event *event = at(events, i);
        g_assert_cmpint(event->has_rating, ==, event->event_type == EVENT_RATE);
        if (!event->has_rating)
            continue;
        g_assert_true(event->rating >= 0.5 && event->rating <= 10);
        g_assert_cmpfloat(event->rating * 2, ==, rint(event->rating * 2));
        sum += event->rating;
        squares += (event->rating - 6.77) * (event->rating - 6.77);
        count++;
    }
    g_assert_cmpuint(count, >, 5000);
    double n = (double)count;
    g_assert_cmpfloat(fabs(sum / n - 6.77), <, 5 * sqrt(1.0659 / n));
    g_assert_cmpfloat(fabs(squares / n - 1.0659), <, 5 * 1.0659 * sqrt(2 / n));
}

/* A day at 2 a second with a swing of 0.6: 1/24 + 0.6 / (2 pi) * (sin(2 pi (h + 1 - 20) / 24) -
 * sin(2 pi (h - 20) / 24)) of it in hour h, by Python; 172,800 in all, give or take 5 * 416. */
static void test_rhythm(void)
{
    static const double shares[] = {0.051206, 0.044921, 0.038413, 0.032127, 0.026491, 0.021889,
                                    0.018636, 0.016951, 0.016951, 0.018636, 0.021889, 0.026491,
                                    0.032127, 0.038413, 0.044921, 0.051206, 0.056842, 0.061444,
                                    0.064698, 0.066382, 0.066382, 0.064698, 0.061444, 0.056842};
    size_t counts[24] = {0};
    struct generator_settings settings = plain;
    settings.rate_per_s = 2;
    settings.rhythm = 0.6;
    struct catalogue *catalogue = catalogue_new(ten_movies, G_N_ELEMENTS(ten_movies), 1);
    struct generator *generator = generator_new(&settings, MIDNIGHT_MS);
    size_t total = 0;
    for (int hour = 0; hour < 24; hour++) {
        struct user_event event;
        while (generator_next(generator, catalogue, MIDNIGHT_MS + (hour + 1) * MS_PER_HOUR, &event))
            counts[hour]++;
        total += counts[hour];
    }
    g_assert_cmpfloat(chi_square(counts, shares, 24), <, CHI_SQUARE_23);
    g_assert_cmpfloat(fabs((double)total - 172800), <, 5 * 416);
    generator_free(generator);
    catalogue_free(catalogue);
    /* The text's formula at its peak, its trough and between. */
    g_assert_cmpfloat(generator_rate_per_s(&settings, MIDNIGHT_MS + 20 * MS_PER_HOUR), ==, 3.2);
    g_assert_cmpfloat_with_epsilon(generator_rate_per_s(&settings, MIDNIGHT_MS + 8 * MS_PER_HOUR),
                                   0.8, 1e-12);
    g_assert_cmpfloat_with_epsilon(generator_rate_per_s(&settings, MIDNIGHT_MS + 2 * MS_PER_HOUR),
                                   2, 1e-12);
}

/* Without rhythm the minutes of a day are Poisson: variance = mean, give or take 5 * sqrt(2 / 1439)
 * of it. */
static void test_poisson(void)
{
    enum { MINUTES = 24 * 60 };
    size_t counts[MINUTES] = {0};
    struct generator_settings settings = plain;
    settings.rate_per_s = 1;
    struct catalogue *catalogue = catalogue_new(ten_movies, G_N_ELEMENTS(ten_movies), 1);
    struct generator *generator = generator_new(&settings, NOW_MS);
    double mean = 0, variance = 0;
    for (int minute = 0; minute < MINUTES; minute++) {
        struct user_event event;
        while (generator_next(generator, catalogue, NOW_MS + (minute + 1) * MS_PER_MINUTE, &event))
            counts[minute]++;
        mean += (double)counts[minute] / MINUTES;
    }
    for (int minute = 0; minute < MINUTES; minute++)
        variance += ((double)counts[minute] - mean) * ((double)counts[minute] - mean) / 1439;
    g_assert_cmpfloat(fabs(mean - 60), <, 5 * sqrt(60.0 / MINUTES));
    g_assert_cmpfloat(fabs(variance / mean - 1), <, 5 * sqrt(2.0 / 1439));
    generator_free(generator);
    catalogue_free(catalogue);
}

/* A rate far below one a second, and none at all. */
static void test_small_rates(void)
{
    struct generator_settings settings = plain;
    settings.rate_per_s = 0.01;
    g_autoptr(GArray) few = collect(&settings, 1, NOW_MS, NOW_MS + 10 * MS_PER_DAY);
    g_assert_cmpfloat(fabs((double)few->len - 8640), <, 5 * sqrt(8640));
    settings.rate_per_s = 0;
    g_autoptr(GArray) none = collect(&settings, 1, NOW_MS, NOW_MS + MS_PER_DAY);
    g_assert_cmpuint(none->len, ==, 0);
    settings.rate_per_s = 10;
    settings.rhythm = 1; /* at the trough the rate is 0 */
    g_autoptr(GArray) trough =
        collect(&settings, 1, MIDNIGHT_MS + 8 * MS_PER_HOUR, MIDNIGHT_MS + 8 * MS_PER_HOUR + 5000);
    g_assert_cmpuint(trough->len, <, 2);
}

/* How long after it happened an event is dated, seen from the last instant at which it can have
 * happened: a delay of at most 5 s, and of a quarter besides that up to an hour. Of 36,000 events
 * 0.25 * (1 - 4/3600) lie more than 5 s back, 0.249722, standard error 0.00228; the mean of what is
 * on time is 1000 * (1 - exp(-5)) = 993.3 ms. */
static void test_delays(void)
{
    struct generator_settings settings = plain;
    settings.late_share = 0.25;
    struct catalogue *catalogue = catalogue_new(ten_movies, G_N_ELEMENTS(ten_movies), 1);
    struct generator *generator = generator_new(&settings, NOW_MS);
    size_t total = 0, late = 0;
    double delays_ms = 0;
    for (int64_t until_ms = NOW_MS + 1; until_ms <= NOW_MS + MS_PER_HOUR; until_ms++) {
        struct user_event event;
        while (generator_next(generator, catalogue, until_ms, &event)) {
            int64_t delay_ms = until_ms - 1 - event.timestamp_ms;
            g_assert_cmpint(delay_ms, >=, 0);
            g_assert_cmpint(delay_ms, <=, GENERATOR_DELAY_MS_MAX + MS_PER_HOUR + 1);
            total++;
            late += delay_ms > GENERATOR_DELAY_MS_MAX;
            if (delay_ms <= GENERATOR_DELAY_MS_MAX)
                delays_ms += (double)delay_ms;
        }
    }
    g_assert_cmpfloat(fabs((double)total - 36000), <, 5 * sqrt(36000));
    g_assert_cmpfloat(fabs((double)late / (double)total - 0.249722), <, 5 * 0.00228);
    /* Some that are late by little are counted as on time: 0.25 * 4/3600 of all, at 3 s or so. */
    g_assert_cmpfloat(fabs(delays_ms / (double)(total - late) - 993.3), <, 35);
    generator_free(generator);
    catalogue_free(catalogue);
}

/* What is skipped is what would have happened then, nothing else; time never goes back. */
static void test_skip(void)
{
    const int64_t to_ms = NOW_MS + MS_PER_MINUTE;
    g_autoptr(GArray) whole = collect(&plain, 1, NOW_MS, to_ms);
    g_autoptr(GArray) first = collect(&plain, 1, NOW_MS, NOW_MS + 10 * MS_PER_SECOND);
    g_autoptr(GArray) skipped = collect(&plain, 1, NOW_MS, NOW_MS + 30 * MS_PER_SECOND);
    struct catalogue *catalogue = catalogue_new(ten_movies, G_N_ELEMENTS(ten_movies), 1);
    struct generator *generator = generator_new(&plain, NOW_MS);
    struct user_event event;
    for (size_t i = 0; i < first->len; i++)
        g_assert_true(generator_next(generator, catalogue, to_ms, &event));
    generator_skip(generator, NOW_MS + 29 * MS_PER_SECOND + 1);
    g_assert_cmpint(generator_position_ms(generator), >=, NOW_MS + 30 * MS_PER_SECOND);
    generator_skip(generator, NOW_MS);
    for (size_t i = skipped->len; i < whole->len; i++) {
        g_assert_true(generator_next(generator, catalogue, to_ms, &event));
        assert_same(&event, at(whole, i));
    }
    g_assert_false(generator_next(generator, catalogue, to_ms, &event));
    generator_free(generator);
    catalogue_free(catalogue);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/generator/reference", test_reference);
    g_test_add_func("/generator/same_however_cut", test_same_however_cut);
    g_test_add_func("/generator/seeds_differ", test_seeds_differ);
    g_test_add_func("/generator/types", test_types);
    g_test_add_func("/generator/movies", test_movies);
    g_test_add_func("/generator/pick", test_pick);
    g_test_add_func("/generator/users", test_users);
    g_test_add_func("/generator/ratings", test_ratings);
    g_test_add_func("/generator/rhythm", test_rhythm);
    g_test_add_func("/generator/poisson", test_poisson);
    g_test_add_func("/generator/small_rates", test_small_rates);
    g_test_add_func("/generator/delays", test_delays);
    g_test_add_func("/generator/skip", test_skip);
    return g_test_run();
}
