#include "tmdb_sim/evolution.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "tmdb_sim/dice.h"

/* Shares of the archetypes, in percent; the rest bursts: about a tenth of the movies, each once in
 * BURST_SLOT_MS, so that a thousand movies burst ten times a day. */
#define STEADY_PERCENT 50
#define RISING_PERCENT 15
#define FADING_PERCENT 25

#define BURST_SLOT_MS      (10 * MS_PER_DAY)
#define BURST_STARTS_MS    (8 * MS_PER_DAY) /* of the slot; the rest lets the last one fade */
#define BURST_RISE_MS_MIN  (10 * MS_PER_MINUTE)
#define BURST_RISE_MS_MAX  (20 * MS_PER_MINUTE)
#define BURST_DECAY_MS_MIN (90 * MS_PER_MINUTE)
#define BURST_DECAY_MS_MAX (5 * MS_PER_HOUR)
#define BURST_DECAYS       8 /* after so many decay times it is over */
#define BURST_HEIGHT_MIN   40.0
#define PLANTED_HEIGHT_MIN 60.0

#define RHYTHM_POPULARITY  0.03 /* the day's share of a popularity */
#define RHYTHM_VOTES       0.6
#define NOISE_QUIET        0.65 /* of the updates bring no noise */
#define NOISE_SHARE        0.004
#define PREMIERE_FADE_DAYS 10.0
#define PREMIERE_REST      0.2
#define POPULARITY_E4_MIN  1

#define CINEMA_DAYS       120
#define REVENUE_STEP      0.012
#define REVENUE_STEPS_MAX 60
#define REVENUE_SHARE_MIN 0.4

static double days(int64_t ms)
{
    return (double)ms / (double)MS_PER_DAY;
}

/* Rounds to minus infinity, also before 1970. */
static int64_t slot_of(int64_t time_ms, int64_t length_ms)
{
    return time_ms / length_ms - (time_ms % length_ms < 0);
}

/* ---- cycle ---- */

/* Up for the first share of the cycle, down for the rest, between low and high. */
static double saw(double position, double up, double low, double high)
{
    double height = position < up ? position / up : (1 - position) / (1 - up);
    return low + (high - low) * height;
}

static double cycle_factor(const struct course *course, int64_t time_ms)
{
    double position = days(time_ms) / course->cycle_days + course->cycle_phase;
    position -= floor(position);
    switch (course->archetype) {
    case ARCHETYPE_RISING:
        return saw(position, 0.8, 0.6, 1.6);
    case ARCHETYPE_FADING:
        return saw(position, 0.05, 0.6, 1.6);
    case ARCHETYPE_PREMIERE:
        return PREMIERE_REST +
               (1 - PREMIERE_REST) *
                   exp(-MAX(0, days(time_ms - course->anchor_ms)) / PREMIERE_FADE_DAYS);
    default:
        return 1 + 0.04 * sin(2 * G_PI * position);
    }
}

/* ---- bursts ---- */

struct burst {
    int64_t at_ms, rise_ms, decay_ms;
    double height;
};

static struct burst burst_make(const struct course *course, int64_t at_ms, uint64_t chain)
{
    double rise = dice_unit(dice_next(&chain)), decay = dice_unit(dice_next(&chain));
    return (struct burst){
        .at_ms = at_ms,
        .rise_ms = BURST_RISE_MS_MIN + (int64_t)(rise * (BURST_RISE_MS_MAX - BURST_RISE_MS_MIN)),
        .decay_ms =
            BURST_DECAY_MS_MIN + (int64_t)(decay * (BURST_DECAY_MS_MAX - BURST_DECAY_MS_MIN)),
        .height = course->burst_height * (0.8 + 0.6 * dice_unit(dice_next(&chain))),
    };
}

static struct burst burst_of_slot(const struct course *course, int64_t slot)
{
    uint64_t chain = dice_throw(course->seed, DICE_BURST, course->key, slot);
    double within = dice_unit(dice_next(&chain));
    int64_t at_ms = slot * BURST_SLOT_MS + (int64_t)(within * BURST_STARTS_MS);
    return burst_make(course, at_ms / MS_PER_MINUTE * MS_PER_MINUTE, chain);
}

static struct burst burst_of_plan(const struct course *course, const struct planted_burst *planted)
{
    struct burst burst = burst_make(
        course, planted->at_ms, dice_throw(course->seed, DICE_BURST, course->key, planted->at_ms));
    burst.height = PLANTED_HEIGHT_MIN + 2 * course->base;
    return burst;
}

/* 0 before, up to 1 within the rise, then down; 0 again at the end. */
static double burst_shape(const struct burst *burst, int64_t time_ms)
{
    int64_t age_ms = time_ms - burst->at_ms;
    if (age_ms <= 0)
        return 0;
    if (age_ms < burst->rise_ms)
        return (double)age_ms / (double)burst->rise_ms;
    double decays = (double)(age_ms - burst->rise_ms) / (double)burst->decay_ms;
    return decays < BURST_DECAYS ? exp(-decays) : 0;
}

/* The share of its votes that has come in. */
static double burst_voted(const struct burst *burst, int64_t time_ms)
{
    int64_t age_ms = time_ms - burst->at_ms;
    return age_ms <= 0 ? 0 : 1 - exp(-(double)age_ms / (2.0 * (double)burst->decay_ms));
}

static double bursts_height(const struct course *course, int64_t time_ms)
{
    double height = 0;
    if (course->archetype == ARCHETYPE_BURSTING) {
        struct burst burst = burst_of_slot(course, slot_of(time_ms, BURST_SLOT_MS));
        height += burst.height * burst_shape(&burst, time_ms);
    }
    for (size_t i = 0; i < course->planted_count; i++) {
        if (course->planted[i].movie_id != course->movie->id)
            continue;
        struct burst burst = burst_of_plan(course, &course->planted[i]);
        height += burst.height * burst_shape(&burst, time_ms);
    }
    return height;
}

/* In bursts: each slot's is over when the next slot begins. */
static double bursts_voted(const struct course *course, int64_t time_ms)
{
    double voted = 0;
    if (course->archetype == ARCHETYPE_BURSTING) {
        int64_t slot = slot_of(time_ms, BURST_SLOT_MS);
        struct burst burst = burst_of_slot(course, slot);
        voted += (double)slot + burst_voted(&burst, time_ms);
    }
    for (size_t i = 0; i < course->planted_count; i++) {
        if (course->planted[i].movie_id != course->movie->id)
            continue;
        struct burst burst = burst_of_plan(course, &course->planted[i]);
        voted += burst_voted(&burst, time_ms);
    }
    return voted;
}

int64_t course_burst_ms(const struct course *course, int64_t time_ms)
{
    if (course->archetype != ARCHETYPE_BURSTING)
        return INT64_MIN;
    return burst_of_slot(course, slot_of(time_ms, BURST_SLOT_MS)).at_ms;
}

/* ---- popularity ---- */

/* The last step at or before this one in which the movie was updated: once in each block of steps,
 * at a place of chance. Between updates nothing moves. */
static int64_t last_update(const struct course *course, int64_t step)
{
    int64_t block = slot_of(step, course->update_steps);
    for (;; block--) {
        uint64_t thrown = dice_throw(course->seed, DICE_UPDATE, course->key, block);
        int64_t update =
            block * course->update_steps + dice_below(thrown, (uint32_t)course->update_steps);
        if (update <= step)
            return update;
    }
}

static double noise_factor(const struct course *course, int64_t step)
{
    uint64_t chain = dice_throw(course->seed, DICE_NOISE, course->key, step);
    if (dice_unit(dice_next(&chain)) < NOISE_QUIET)
        return 1;
    double first = dice_unit(dice_next(&chain)), second = dice_unit(dice_next(&chain));
    return 1 + NOISE_SHARE * (first + second - 1);
}

int64_t course_popularity_e4(const struct course *course, int64_t time_ms)
{
    time_ms = slot_of(time_ms, STATE_STEP_MS) * STATE_STEP_MS;
    int64_t step = slot_of(time_ms - course->update_phase_ms, POPULARITY_STEP_MS);
    int64_t update = last_update(course, step);
    int64_t update_ms = update * POPULARITY_STEP_MS + course->update_phase_ms;
    double rhythm =
        1 + RHYTHM_POPULARITY * sin(2 * G_PI * (days(update_ms) + course->rhythm_phase));
    double popularity = course->base * cycle_factor(course, update_ms) / course->cycle_anchor *
                        rhythm * noise_factor(course, update);
    popularity += bursts_height(course, step * POPULARITY_STEP_MS + course->update_phase_ms);
    return MAX(POPULARITY_E4_MIN, llrint(popularity * 1e4));
}

/* ---- votes ---- */

/* Days of voting: as time, but slower at night. Its derivative stays above 0. */
static double voting_days(const struct course *course, int64_t time_ms)
{
    double day = days(time_ms);
    return day - RHYTHM_VOTES / (2 * G_PI) * cos(2 * G_PI * (day + course->rhythm_phase));
}

static int64_t vote_count(const struct course *course, int64_t time_ms)
{
    int64_t from_ms = course->votes_from_ms;
    if (from_ms > course->anchor_ms)
        time_ms = MAX(time_ms, from_ms); /* nobody votes before the release */
    double days_grown = voting_days(course, time_ms) - voting_days(course, from_ms);
    double bursts_grown = bursts_voted(course, time_ms) - bursts_voted(course, from_ms);
    double grown = course->votes_per_day * days_grown + course->votes_per_burst * bursts_grown;
    return MAX(0, course->movie->vote_count + (int64_t)floor(grown));
}

static int64_t vote_average_e3(const struct course *course, int64_t votes)
{
    if (votes == 0)
        return 0;
    double base = course->movie->vote_average, at_anchor = (double)course->movie->vote_count;
    if (at_anchor == 0 && base == 0)
        base = 6; /* nobody had voted yet */
    double swing = course->average_swing / sqrt((double)votes + 10);
    double average = base + swing * (sin(course->average_phase + (double)votes / 60) -
                                     sin(course->average_phase + at_anchor / 60));
    return llrint(CLAMP(average, 1, 10) * 1000);
}

/* ---- facts ---- */

/* Changes of the facts up to time_ms, counted from nowhere in particular. */
static int64_t changes_count(const struct course *course, int64_t time_ms)
{
    return slot_of(time_ms - course->change_phase_ms, course->change_ms) + 1;
}

bool course_changed(const struct course *course, int64_t from_ms, int64_t until_ms)
{
    if (until_ms <= from_ms || until_ms <= course->movie->debut_ms)
        return false;
    if (course->movie->debut_ms >= from_ms)
        return true;
    return changes_count(course, until_ms - 1) > changes_count(course, from_ms - 1);
}

static int64_t revenue_at(const struct course *course, int64_t time_ms)
{
    int64_t revenue = course->movie->revenue;
    if (!course->in_cinemas || !revenue)
        return revenue;
    int64_t steps = changes_count(course, time_ms) - changes_count(course, course->anchor_ms);
    double share = 1 + REVENUE_STEP * (double)MIN(steps, REVENUE_STEPS_MAX);
    return (int64_t)((double)revenue * MAX(share, REVENUE_SHARE_MIN));
}

static const char *status_at(const struct course *course, int64_t time_ms)
{
    const struct catalogue_movie *movie = course->movie;
    if (movie->release_ms == INT64_MIN)
        return movie->status;
    bool released = time_ms >= movie->release_ms;
    if (g_str_equal(movie->status, "Released"))
        return released ? "Released" : "Post Production";
    /* What was in production at the catalogue's time comes out on its day; what had an older date
     * even then stays as it was. */
    return released && movie->release_ms > CATALOGUE_TIME_MS ? "Released" : movie->status;
}

struct movie_state course_state(const struct course *course, int64_t time_ms)
{
    time_ms = slot_of(time_ms, STATE_STEP_MS) * STATE_STEP_MS;
    int64_t votes = vote_count(course, time_ms);
    return (struct movie_state){
        .popularity_e4 = course_popularity_e4(course, time_ms),
        .vote_count = votes,
        .vote_average_e3 = vote_average_e3(course, votes),
        .revenue = revenue_at(course, time_ms),
        .status = status_at(course, time_ms),
    };
}

/* ---- the course itself ---- */

static enum archetype choose_archetype(const struct catalogue_movie *movie, uint64_t *chain)
{
    uint32_t percent = dice_below(dice_next(chain), 100);
    if (movie->debut_ms != INT64_MIN)
        return ARCHETYPE_PREMIERE;
    if (percent < STEADY_PERCENT)
        return ARCHETYPE_STEADY;
    if (percent < STEADY_PERCENT + RISING_PERCENT)
        return ARCHETYPE_RISING;
    if (percent < STEADY_PERCENT + RISING_PERCENT + FADING_PERCENT)
        return ARCHETYPE_FADING;
    return ARCHETYPE_BURSTING;
}

/* Popular movies are updated more often: from four times an hour to once in four hours. */
static int64_t choose_update_steps(double popularity, uint64_t *chain)
{
    static const int64_t steps[] = {3, 6, 12, 24, 48};
    uint32_t first = popularity >= 100 ? 0 : popularity >= 20 ? 1 : popularity >= 5 ? 2 : 3;
    return steps[first + dice_below(dice_next(chain), 2)];
}

static void init_changes(struct course *course, uint64_t *chain)
{
    int64_t release_ms = course->movie->release_ms;
    course->in_cinemas =
        release_ms != INT64_MIN && release_ms > CATALOGUE_TIME_MS - CINEMA_DAYS * MS_PER_DAY;
    double wait_days = course->in_cinemas ? 1 : 4 + 12 * dice_unit(dice_next(chain));
    course->change_ms = (int64_t)(wait_days * (double)MS_PER_DAY);
    course->change_phase_ms = (int64_t)(dice_unit(dice_next(chain)) * (double)course->change_ms);
}

void course_init(struct course *course,
                 uint64_t seed,
                 const struct catalogue_movie *movie,
                 const struct planted_burst *planted,
                 size_t planted_count)
{
    uint64_t chain = dice_throw(seed, DICE_COURSE, movie->id, 0);
    *course = (struct course){
        .movie = movie,
        .seed = seed,
        .key = movie->id,
        .base = movie->popularity,
        .planted = planted,
        .planted_count = planted_count,
    };
    course->archetype = choose_archetype(movie, &chain);
    course->anchor_ms =
        course->archetype == ARCHETYPE_PREMIERE ? movie->debut_ms : CATALOGUE_TIME_MS;
    course->votes_from_ms = MAX(course->anchor_ms, movie->release_ms);
    course->rhythm_phase =
        0.1 * dice_unit(dice_next(&chain)) - 0.6; /* most is going on in the evening */
    course->cycle_days =
        course->archetype == ARCHETYPE_STEADY ? 9 : 20 + 25 * dice_unit(dice_next(&chain));
    course->cycle_phase = dice_unit(dice_next(&chain));
    course->cycle_anchor = cycle_factor(course, course->anchor_ms);
    course->update_steps = choose_update_steps(movie->popularity, &chain);
    course->update_phase_ms =
        dice_below(dice_next(&chain), POPULARITY_STEP_MS / STATE_STEP_MS) * STATE_STEP_MS;
    course->votes_per_day = 0.05 + 0.15 * pow(movie->popularity, 0.9);
    course->burst_height = BURST_HEIGHT_MIN + 1.2 * movie->popularity;
    course->votes_per_burst = 0.4 * course->burst_height;
    course->average_phase = 2 * G_PI * dice_unit(dice_next(&chain));
    course->average_swing = 0.5 + dice_unit(dice_next(&chain));
    init_changes(course, &chain);
}
