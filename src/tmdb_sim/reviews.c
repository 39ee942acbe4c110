#include "tmdb_sim/reviews.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "tmdb_sim/decimal.h"
#include "tmdb_sim/dice.h"

/* Reviews a day by popularity: 0.02 p^0.7, at most one in thirty hours, so that even in a year no
 * movie gets more than ingestion reads of one. */
#define REVIEWS_PER_DAY_MAX  0.8
#define REVIEWS_PER_DAY_MIN  0.005
#define REVIEW_SENTENCES_MAX 8
#define REVIEW_EDITS_MAX     2
#define EDITED_ONCE          0.18
#define EDITED_TWICE         0.04
#define EDIT_AFTER_MS_MIN    (10 * MS_PER_MINUTE)
#define EDIT_AFTER_MS_MAX    (36 * MS_PER_HOUR)
#define NO_RATING            0.12
#define AUTHORS_COUNT        4000
#define MOOD_DAYS            6.0

/* One made-up review: what is decided before a word is written. */
struct review_plan {
    int64_t slot, created_ms;
    int64_t edits_ms[REVIEW_EDITS_MAX];
    int edits_count;
    double tone; /* -1 .. 1 */
};

void review_source_init(struct review_source *source,
                        uint64_t seed,
                        const struct catalogue *catalogue,
                        const struct catalogue_movie *movie)
{
    double per_day =
        CLAMP(0.02 * pow(movie->popularity, 0.7), REVIEWS_PER_DAY_MIN, REVIEWS_PER_DAY_MAX);
    int64_t begin_ms = MAX(REVIEWS_BEGIN_MS, MAX(movie->release_ms, movie->debut_ms));
    *source = (struct review_source){
        .catalogue = catalogue,
        .movie = movie,
        .seed = seed,
        .slot_ms = (int64_t)((double)MS_PER_DAY / per_day),
        .director = "the director",
        .actor = movie->cast_count ? movie->cast[0].name : "The lead",
        .genre = movie->genres_count ? movie->genres[0].name : "cinema",
    };
    source->first_slot = (begin_ms + source->slot_ms - 1) / source->slot_ms;
    for (size_t i = movie->crew_count; i-- > 0;)
        if (movie->crew[i].job && g_str_equal(movie->crew[i].job, "Director"))
            source->director = movie->crew[i].name;
}

/* ---- when ---- */

static int64_t created_ms(const struct review_source *source, int64_t slot)
{
    double within = dice_unit(dice_throw(source->seed, DICE_REVIEW_TIME, source->movie->id, slot));
    return slot * source->slot_ms + (int64_t)(within * (double)source->slot_ms);
}

static int64_t captured_count(const struct catalogue_movie *movie, int64_t time_ms)
{
    size_t low = 0, high = movie->reviews_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (movie->reviews[middle].created_ms <= time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return (int64_t)low;
}

int64_t reviews_count(const struct review_source *source, int64_t time_ms)
{
    if (source->catalogue->is_capture)
        return captured_count(source->movie, time_ms);
    if (time_ms < 0)
        return 0;
    int64_t slot = time_ms / source->slot_ms;
    int64_t last = created_ms(source, slot) <= time_ms ? slot : slot - 1;
    return MAX(0, last - source->first_slot + 1);
}

static void plan_edits(struct review_plan *plan, uint64_t *chain)
{
    double edited = dice_unit(dice_next(chain));
    int wanted = edited < EDITED_TWICE ? 2 : edited < EDITED_ONCE ? 1 : 0;
    int64_t last_ms = plan->created_ms;
    for (int i = 0; i < wanted; i++) {
        /* The square: most think better of it soon. */
        double wait = pow(dice_unit(dice_next(chain)), 2);
        last_ms +=
            EDIT_AFTER_MS_MIN + (int64_t)(wait * (double)(EDIT_AFTER_MS_MAX - EDIT_AFTER_MS_MIN));
        plan->edits_ms[i] = last_ms;
    }
    plan->edits_count = wanted;
}

static struct review_plan plan_review(const struct review_source *source, int64_t slot)
{
    uint64_t chain = dice_throw(source->seed, DICE_REVIEW_EDIT, source->movie->id, slot);
    struct review_plan plan = {.slot = slot, .created_ms = created_ms(source, slot)};
    double opinion = source->movie->vote_count ? (source->movie->vote_average - 6) / 4 : 0.1;
    double mood = 0.3 * sin(2 * G_PI * (double)plan.created_ms / (MOOD_DAYS * (double)MS_PER_DAY) +
                            source->movie->id);
    double own = dice_unit(dice_next(&chain)) + dice_unit(dice_next(&chain)) - 1;
    plan.tone = CLAMP(opinion + mood + 0.9 * own, -1, 1);
    plan_edits(&plan, &chain);
    return plan;
}

/* ---- what ---- */

static enum phrase_tone throw_tone(double tone, uint64_t *chain)
{
    double thrown = dice_unit(dice_next(chain));
    if (thrown < 0.25)
        return TONE_NEUTRAL;
    return (thrown - 0.25) / 0.75 < (1 + tone) / 2 ? TONE_GOOD : TONE_BAD;
}

static enum phrase_tone plain_tone(double tone)
{
    return tone > 0.25 ? TONE_GOOD : tone < -0.25 ? TONE_BAD : TONE_NEUTRAL;
}

static void write_text(const struct review_source *source,
                       const struct review_plan *plan,
                       int version,
                       GString *text)
{
    const struct phrases *phrases = source->catalogue->phrases;
    const struct phrase_slots slots = {source->movie->title, source->director, source->actor,
                                       source->genre};
    uint64_t chain = dice_throw(source->seed, DICE_REVIEW_TEXT, source->movie->id, plan->slot);
    double first = dice_unit(dice_next(&chain));
    if (first < 0.12) {
        phrases_say(phrases, "heading", plain_tone(plan->tone), &slots, &chain, text);
        g_string_append(text, "\r\n\r\n");
    } else if (first < 0.2) {
        phrases_say(phrases, "quote", plain_tone(plan->tone), &slots, &chain, text);
        g_string_append(text, "\r\n\r\n");
    }
    uint32_t sentences = 1 + dice_below(dice_next(&chain), REVIEW_SENTENCES_MAX);
    for (uint32_t i = 0; i < sentences; i++) {
        if (i)
            g_string_append(text, dice_unit(dice_next(&chain)) < 0.25 ? "\r\n\r\n" : " ");
        phrases_say(phrases, "sentence", throw_tone(plan->tone, &chain), &slots, &chain, text);
    }
    if (dice_unit(dice_next(&chain)) < 0.2) {
        g_string_append_c(text, ' ');
        phrases_say(phrases, "emoji", plain_tone(plan->tone), &slots, &chain, text);
    }
    for (int i = 0; i < version; i++) {
        g_string_append(text, "\r\n\r\n");
        phrases_say(phrases, "edit", throw_tone(plan->tone, &chain), &slots, &chain, text);
    }
}

/* "2026-03-07T00:25:49.652Z" */
static void write_time(GString *out, int64_t time_ms)
{
    char text[CLOCK_ISO_BYTES];
    clock_iso8601(time_ms, text);
    g_string_append_c(out, '"');
    g_string_append_len(out, text, (gssize)strlen("2026-03-07T00:25:49"));
    g_string_append_printf(out, ".%03dZ\"", (int)(time_ms % 1000));
}

/* author and author_details; a quarter of the authors have shown a name and a face. */
static void
write_author(const struct review_source *source, const struct review_plan *plan, GString *out)
{
    uint64_t chain = dice_throw(source->seed, DICE_AUTHOR, source->movie->id, plan->slot);
    uint32_t number = dice_below(dice_next(&chain), AUTHORS_COUNT);
    bool rated = dice_unit(dice_next(&chain)) >= NO_RATING;
    double jitter = dice_unit(dice_next(&chain)) - 0.5;
    int rating = (int)CLAMP(rint(5.8 + 4.4 * plan->tone + jitter), 1, 10);

    uint64_t author_chain = dice_throw(source->seed, DICE_AUTHOR, -1, number);
    g_autoptr(GString) user = g_string_new(NULL);
    phrases_say(source->catalogue->phrases, "user", TONE_ANY, NULL, &author_chain, user);
    phrases_say(source->catalogue->phrases, "usertail", TONE_ANY, NULL, &author_chain, user);
    decimal_write_int(user, number);
    json_add_string(out, "author", user->str);
    json_write_key(out, "author_details");
    json_write_object(out);
    bool shown = dice_below(dice_next(&author_chain), 4) == 0;
    g_autoptr(GString) name = g_string_new(NULL);
    if (shown)
        phrases_say(source->catalogue->phrases, "forename", TONE_ANY, NULL, &author_chain, name);
    json_add_string(out, "name", name->str);
    json_add_string(out, "username", user->str);
    json_write_key(out, "avatar_path");
    if (shown)
        g_string_append_printf(out, "\"/%016" G_GINT64_MODIFIER "x.jpg\"",
                               dice_next(&author_chain));
    else
        json_write_null(out);
    json_write_key(out, "rating");
    if (rated)
        decimal_write(out, rating * 10, 1);
    else
        json_write_null(out);
    json_write_object_end(out);
}

static void write_made_up(const struct review_source *source,
                          const struct review_plan *plan,
                          int64_t time_ms,
                          GString *out)
{
    int version = 0;
    while (version < plan->edits_count && plan->edits_ms[version] <= time_ms)
        version++;
    /* As MongoDB makes them: the seconds of creation, then what tells two apart. */
    char id[25];
    uint64_t thrown = dice_throw(source->seed, DICE_ID, source->movie->id, plan->slot);
    g_snprintf(id, sizeof id, "%08x%016" G_GINT64_MODIFIER "x",
               (unsigned)(plan->created_ms / MS_PER_SECOND), thrown);
    g_autoptr(GString) text = g_string_sized_new(1024);
    write_text(source, plan, version, text);

    json_write_object(out);
    write_author(source, plan, out);
    json_add_string(out, "content", text->str);
    json_write_key(out, "created_at");
    write_time(out, plan->created_ms);
    json_add_string(out, "id", id);
    json_write_key(out, "updated_at");
    write_time(out, version ? plan->edits_ms[version - 1] : plan->created_ms);
    g_string_append(out, ",\"url\":\"https://www.themoviedb.org/review/");
    g_string_append(out, id);
    g_string_append_c(out, '"');
    json_write_object_end(out);
}

void review_write(const struct review_source *source, int64_t index, int64_t time_ms, GString *out)
{
    if (source->catalogue->is_capture) {
        const struct catalogue_review *review = &source->movie->reviews[index];
        g_string_append(out, review->head);
        write_time(out, review->updated_ms <= time_ms ? review->updated_ms : review->created_ms);
        g_string_append(out, review->tail);
        return;
    }
    struct review_plan plan = plan_review(source, source->first_slot + index);
    write_made_up(source, &plan, time_ms, out);
}
