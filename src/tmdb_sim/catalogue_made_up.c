/* Movies that nobody made: for catalogues larger than the built-in one, and premieres, so that
 * something new appears while the clock runs. Their ids and people are out of TMDB's range. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "tmdb_sim/catalogue_parts.h"
#include "tmdb_sim/dice.h"

#define PREMIERES_COUNT      180
#define PREMIERE_INTERVAL_MS (2 * MS_PER_DAY)
#define MADE_UP_PEOPLE_COUNT 2000
#define MADE_UP_CAST_MAX     8
#define MADE_UP_GENRES_MAX   3
#define MADE_UP_VOTES_MAX    5000
/* Popularity of the made-up movies of a larger catalogue: Zipf's law from here downwards. */
#define MADE_UP_POPULARITY_TOP 400.0
#define DAYS_IN_30_YEARS       10950

static const char *say(struct catalogue *catalogue, const char *kind, uint64_t *chain)
{
    g_autoptr(GString) text = g_string_new(NULL);
    phrases_say(catalogue->phrases, kind, TONE_ANY, NULL, chain, text);
    return arena_strndup(catalogue->arena, text->str, text->len);
}

/* The number decides the name, so that one person is one person in all movies. */
static struct catalogue_credit
make_person(struct catalogue *catalogue, uint64_t seed, uint64_t *chain, const char *job)
{
    uint32_t number = dice_below(dice_next(chain), MADE_UP_PEOPLE_COUNT);
    uint64_t name_chain = dice_throw(seed, DICE_MADE_UP, -1, number);
    const char *forename = say(catalogue, "forename", &name_chain);
    const char *surname = say(catalogue, "surname", &name_chain);
    return (struct catalogue_credit){
        .person_id = CATALOGUE_MADE_UP_ID_MIN + (int32_t)number,
        .name = arena_printf(catalogue->arena, "%s %s", forename, surname),
        .job = job,
        .department = job ? "Directing" : NULL,
    };
}

static void make_credits(struct catalogue *catalogue,
                         uint64_t seed,
                         uint64_t *chain,
                         struct catalogue_movie *movie)
{
    GArray *cast = g_array_new(FALSE, FALSE, sizeof(struct catalogue_credit));
    GArray *crew = g_array_new(FALSE, FALSE, sizeof(struct catalogue_credit));
    uint32_t count = 2 + dice_below(dice_next(chain), MADE_UP_CAST_MAX - 1);
    for (uint32_t i = 0; i < count; i++) {
        struct catalogue_credit person = make_person(catalogue, seed, chain, NULL);
        g_array_append_val(cast, person);
    }
    struct catalogue_credit director = make_person(catalogue, seed, chain, "Director");
    g_array_append_val(crew, director);
    movie->cast = catalogue_keep(catalogue, cast, &movie->cast_count);
    movie->crew = catalogue_keep(catalogue, crew, &movie->crew_count);
}

static void make_genres(struct catalogue *catalogue, uint64_t *chain, struct catalogue_movie *movie)
{
    if (!catalogue->genres_count)
        return;
    GArray *genres = g_array_new(FALSE, FALSE, sizeof(struct catalogue_named));
    uint32_t wanted = 1 + dice_below(dice_next(chain), MADE_UP_GENRES_MAX);
    /* Neighbours in the list: no genre comes twice. */
    uint32_t first = dice_below(dice_next(chain), (uint32_t)catalogue->genres_count);
    for (uint32_t i = 0; i < MIN(wanted, catalogue->genres_count); i++)
        g_array_append_val(genres, catalogue->genres[(first + i) % catalogue->genres_count]);
    movie->genres = catalogue_keep(catalogue, genres, &movie->genres_count);
}

static struct catalogue_movie
make_movie(struct catalogue *catalogue, uint64_t seed, int64_t number, int64_t release_ms)
{
    static const char *const country[] = {"US"};
    uint64_t chain = dice_throw(seed, DICE_MADE_UP, number, 0);
    char iso[CLOCK_ISO_BYTES];
    struct catalogue_movie movie = {
        .id = (int32_t)(CATALOGUE_MADE_UP_ID_MIN + number),
        .language = "en",
        .title = say(catalogue, "movietitle", &chain),
        .overview = "",
        .tagline = "",
        .release_ms = release_ms,
        .release_date =
            arena_strndup(catalogue->arena, clock_iso8601(release_ms, iso), strlen("2026-02-12")),
        .status = "Released",
        .runtime = 80 + (int32_t)dice_below(dice_next(&chain), 70),
        .budget = 1000000 * (int64_t)(1 + dice_below(dice_next(&chain), 120)),
        .vote_average = 4.5 + rint(dice_unit(dice_next(&chain)) * 3900) / 1000,
        .debut_ms = INT64_MIN,
        .countries = country,
        .countries_count = G_N_ELEMENTS(country),
    };
    movie.original_title = movie.title;
    movie.revenue = movie.budget * (int64_t)dice_below(dice_next(&chain), 40) / 10;
    make_genres(catalogue, &chain, &movie);
    make_credits(catalogue, seed, &chain, &movie);
    return movie;
}

void catalogue_make_up(struct catalogue *catalogue, uint64_t seed, size_t count, GArray *movies)
{
    int64_t today_ms = CATALOGUE_TIME_MS / MS_PER_DAY * MS_PER_DAY;
    for (size_t i = 0; i < count; i++) {
        int64_t number = PREMIERES_COUNT + (int64_t)i;
        uint64_t chain = dice_throw(seed, DICE_MADE_UP, number, 1);
        int64_t age_days = 1 + dice_below(dice_next(&chain), DAYS_IN_30_YEARS);
        struct catalogue_movie movie =
            make_movie(catalogue, seed, number, today_ms - age_days * MS_PER_DAY);
        movie.popularity = rint(MADE_UP_POPULARITY_TOP / (double)(i + 10) * 1e5) / 1e4;
        movie.vote_count = (int32_t)dice_below(dice_next(&chain), MADE_UP_VOTES_MAX);
        g_array_append_val(movies, movie);
    }
}

void catalogue_add_premieres(struct catalogue *catalogue, uint64_t seed, GArray *movies)
{
    for (int64_t number = 0; number < PREMIERES_COUNT; number++) {
        uint64_t chain = dice_throw(seed, DICE_MADE_UP, number, 2);
        double within = dice_unit(dice_next(&chain));
        int64_t debut_ms = CATALOGUE_TIME_MS + number * PREMIERE_INTERVAL_MS +
                           (int64_t)(within * (double)PREMIERE_INTERVAL_MS);
        debut_ms -= debut_ms % MS_PER_MINUTE;
        struct catalogue_movie movie =
            make_movie(catalogue, seed, number, debut_ms / MS_PER_DAY * MS_PER_DAY);
        movie.debut_ms = debut_ms;
        movie.revenue = 0;
        movie.popularity = 20 + rint(dice_unit(dice_next(&chain)) * 1.2e6) / 1e4;
        g_array_append_val(movies, movie);
    }
}
