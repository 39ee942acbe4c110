#include "events/generator.h"

#include <math.h>

#include <glib.h>

#include "base/clock.h"
#include "events/chance.h"

#define RATING_THROWS 19
#define RATING_CHANCE 0.66
#define RATING_STEP   0.5

struct generator {
    struct generator_settings settings;
    int64_t second;     /* of the world, since the epoch */
    uint64_t chain;     /* of that second */
    double rate_per_ms; /* in that second */
    double next_ms;     /* of the next event, from the start of the second; beyond its end: none */
};

static const struct {
    const char *name;
    double chance;
} types[GENERATOR_TYPES] = {
    [EVENT_VIEW] = {"view", 0.6},      [EVENT_CLICK] = {"click", 0.22},
    [EVENT_SEARCH] = {"search", 0.09}, [EVENT_WATCHLIST] = {"watchlist", 0.045},
    [EVENT_RATE] = {"rate", 0.03},     [EVENT_SHARE] = {"share", 0.015},
};

const char *generator_type_name(int32_t event_type)
{
    g_assert(event_type >= 0 && event_type < GENERATOR_TYPES);
    return types[event_type].name;
}

double generator_rate_per_s(const struct generator_settings *settings, int64_t time_ms)
{
    double hours = (double)(time_ms % MS_PER_DAY) / (double)MS_PER_HOUR - GENERATOR_PEAK_HOUR;
    return settings->rate_per_s * (1 + settings->rhythm * cos(2 * G_PI * hours / 24));
}

static double exponential(uint64_t *chain, double mean)
{
    return -log1p(-chance_next(chain)) * mean;
}

static void next_gap(struct generator *generator)
{
    /* At rate 0 the gap is infinite, or not a number: either way the second has no event. */
    generator->next_ms += exponential(&generator->chain, 1 / generator->rate_per_ms);
}

static void begin_second(struct generator *generator, int64_t second)
{
    generator->second = second;
    generator->chain = chance_mix(generator->settings.seed ^ chance_mix((uint64_t)second));
    generator->rate_per_ms =
        generator_rate_per_s(&generator->settings, second * MS_PER_SECOND) / (double)MS_PER_SECOND;
    generator->next_ms = 0;
    next_gap(generator);
}

static int64_t second_from(int64_t time_ms)
{
    return (time_ms + MS_PER_SECOND - 1) / MS_PER_SECOND;
}

struct generator *generator_new(const struct generator_settings *settings, int64_t from_ms)
{
    g_assert(from_ms >= 0);
    struct generator *generator = g_new0(struct generator, 1);
    generator->settings = *settings;
    begin_second(generator, second_from(from_ms));
    return generator;
}

void generator_free(struct generator *generator)
{
    g_free(generator);
}

static bool second_has_more(const struct generator *generator)
{
    return generator->next_ms < (double)MS_PER_SECOND;
}

static int32_t throw_type(uint64_t *chain)
{
    double thrown = chance_next(chain);
    for (int32_t type = 0; type < GENERATOR_TYPES - 1; type++) {
        if (thrown < types[type].chance)
            return type;
        thrown -= types[type].chance;
    }
    return GENERATOR_TYPES - 1;
}

/* Between k and k + 1 lies the share ln(1 + 1/k) of the logarithms from 0 to ln(users + 1). */
static int64_t throw_user(uint64_t *chain, int64_t users)
{
    double user = floor(exp(chance_next(chain) * log1p((double)users)));
    return CLAMP((int64_t)user, 1, users);
}

static int64_t throw_delay_ms(uint64_t *chain, const struct generator_settings *settings)
{
    double usual_ms = exponential(chain, GENERATOR_DELAY_MS_MEAN);
    double delay_ms = MIN(usual_ms, GENERATOR_DELAY_MS_MAX);
    if (chance_next(chain) < settings->late_share)
        delay_ms += chance_next(chain) * (double)settings->late_max_ms;
    return (int64_t)delay_ms;
}

static double throw_rating(uint64_t *chain)
{
    int successes = 0;
    for (int i = 0; i < RATING_THROWS; i++)
        successes += chance_next(chain) < RATING_CHANCE;
    return RATING_STEP * (1 + successes);
}

bool generator_next(struct generator *generator,
                    const struct catalogue *catalogue,
                    int64_t until_ms,
                    struct user_event *ret_event)
{
    while (!second_has_more(generator)) {
        if ((generator->second + 1) * MS_PER_SECOND >= until_ms)
            return false;
        begin_second(generator, generator->second + 1);
    }
    int64_t happens_ms = generator->second * MS_PER_SECOND + (int64_t)generator->next_ms;
    if (happens_ms >= until_ms)
        return false;
    uint64_t *chain = &generator->chain;
    struct user_event event = {.event_type = throw_type(chain)};
    event.movie_id = catalogue_pick(catalogue, chance_next(chain));
    event.user_id = throw_user(chain, generator->settings.users);
    event.timestamp_ms = happens_ms - throw_delay_ms(chain, &generator->settings);
    event.has_rating = event.event_type == EVENT_RATE;
    if (event.has_rating)
        event.rating = throw_rating(chain);
    next_gap(generator);
    *ret_event = event;
    return true;
}

int64_t generator_position_ms(const struct generator *generator)
{
    double offset_ms = MIN(generator->next_ms, (double)MS_PER_SECOND);
    return generator->second * MS_PER_SECOND + (int64_t)offset_ms;
}

void generator_skip(struct generator *generator, int64_t to_ms)
{
    if (second_from(to_ms) > generator->second)
        begin_second(generator, second_from(to_ms));
}
