#include "sim_plan.h"

#include <string.h>

#include "base/clock.h"

#define ACTIONS_MIN     90
#define ACTIONS_MORE    90
#define BATCH_MAX       7
#define MOVIES          9
#define USERS           30
#define REVIEWS_MAX     64
#define RETENTION_HOURS 52

/* 2026-01-01 12:00. */
#define START_MS INT64_C(1767268800000)

struct sent_review {
    char id[16];
    int32_t movie_id;
    int64_t created_ms, version_ms;
};

struct planner {
    struct sim_plan *plan;
    struct serde *serde;
    GRand *random;
    GByteArray *bytes;
    int64_t now_ms;
    int64_t sequence; /* of the own producer */
    int epoch;
    struct sent_review reviews[REVIEWS_MAX];
    guint reviews_count, review_ids;
    double popularity[MOVIES];
    int32_t votes[MOVIES];
};

static int roll(struct planner *planner, int sides)
{
    return g_rand_int_range(planner->random, 0, sides);
}

static int64_t roll_ms(struct planner *planner, int64_t below_ms)
{
    return (int64_t)(g_rand_double(planner->random) * (double)below_ms);
}

/* ---- records ---- */

static int64_t roll_event_time(struct planner *planner)
{
    struct sim_kinds *kinds = &planner->plan->kinds;
    int kind = roll(planner, 100);
    if (kind < 10) {
        kinds->late++;
        return planner->now_ms - 10 * MS_PER_MINUTE - roll_ms(planner, 3 * MS_PER_HOUR);
    }
    if (kind < 12) {
        kinds->expired++;
        return planner->now_ms - (RETENTION_HOURS + 1) * MS_PER_HOUR -
               roll_ms(planner, 20 * MS_PER_HOUR);
    }
    if (kind < 14) {
        kinds->future++;
        return planner->now_ms + 11 * MS_PER_MINUTE + roll_ms(planner, 5 * MS_PER_HOUR);
    }
    if (kind < 18) /* allowed: a clock that is a little ahead */
        return planner->now_ms + roll_ms(planner, 10 * MS_PER_MINUTE);
    return planner->now_ms - roll_ms(planner, MS_PER_MINUTE);
}

static void add_bytes(struct planner *planner, enum topic topic, int32_t movie_id)
{
    char key[TOPIC_KEY_BYTES];
    struct sim_record record = {
        .topic = topic,
        .partition = topic_partition(key, topic_movie_key(movie_id, key), SIM_PARTITIONS),
        .bytes = g_bytes_new(planner->bytes->data, planner->bytes->len),
    };
    g_array_append_val(planner->plan->records, record);
}

static void add(struct planner *planner, enum topic topic, int32_t movie_id, const void *record)
{
    g_byte_array_set_size(planner->bytes, 0);
    serde_encode(planner->serde, topic, record, planner->bytes);
    if (roll(planner, 100) < 2) { /* cut short: it doesn't decode */
        planner->plan->kinds.undecodable++;
        g_byte_array_set_size(planner->bytes, (guint)roll(planner, (int)planner->bytes->len));
    }
    add_bytes(planner, topic, movie_id);
}

static void add_rating(struct planner *planner)
{
    int movie = roll(planner, MOVIES);
    /* Most stand still, as TMDB's do. */
    if (roll(planner, 3) == 0) {
        planner->popularity[movie] += (double)roll(planner, 100) / 40.0 - 1.0;
        planner->votes[movie] += roll(planner, 4);
    }
    const struct rating rating = {
        .movie_id = movie + 1,
        .popularity = planner->popularity[movie],
        .vote_average = (double)roll(planner, 100) / 10.0,
        .vote_count = planner->votes[movie],
        .timestamp_ms = roll_event_time(planner),
    };
    add(planner, TOPIC_RATINGS, rating.movie_id, &rating);
}

static void add_metadata(struct planner *planner)
{
    char title[32];
    int32_t movie_id = roll(planner, MOVIES) + 1;
    int len = g_snprintf(title, sizeof title, "Movie %d, %d", movie_id, roll(planner, 4));
    const struct metadata metadata = {
        .movie_id = movie_id,
        .title = {title, (size_t)len},
        .timestamp_ms = roll_event_time(planner),
        .event_type = {"update", 6},
    };
    add(planner, TOPIC_METADATA, movie_id, &metadata);
}

static void send_review(struct planner *planner, const struct sent_review *sent)
{
    static const char *const texts[] = {"great fun, I loved it", "terrible and boring",
                                        "a movie of two hours", "not good, but not bad either!",
                                        ""};
    const char *text = texts[roll(planner, (int)G_N_ELEMENTS(texts))];
    const struct review review = {
        .review_id = {sent->id, strlen(sent->id)},
        .movie_id = sent->movie_id,
        .author = {"a", 1},
        .content = {text, strlen(text)},
        .url = {"", 0},
        .created_at_ms = sent->created_ms,
        .has_updated_at = sent->version_ms != sent->created_ms,
        .updated_at_ms = sent->version_ms,
    };
    add(planner, TOPIC_REVIEWS, sent->movie_id, &review);
}

static void add_review(struct planner *planner)
{
    struct sent_review *sent;
    if (planner->reviews_count > 0 && roll(planner, 4) == 0) {
        sent = &planner->reviews[roll(planner, (int)planner->reviews_count)];
        if (roll(planner, 4) == 0) { /* an older edit that comes behind a newer one */
            struct sent_review lower = *sent;
            lower.version_ms = lower.created_ms + (lower.version_ms - lower.created_ms) / 2;
            planner->plan->kinds.lower_versions++;
            send_review(planner, &lower);
            return;
        }
        planner->plan->kinds.edited++;
        sent->version_ms = MAX(sent->version_ms + 1, planner->now_ms);
    } else {
        sent = &planner->reviews[planner->review_ids % REVIEWS_MAX];
        planner->reviews_count = MIN(planner->reviews_count + 1, REVIEWS_MAX);
        g_snprintf(sent->id, sizeof sent->id, "r%u", planner->review_ids++);
        sent->movie_id = roll(planner, MOVIES) + 1;
        sent->created_ms = sent->version_ms = roll_event_time(planner);
    }
    send_review(planner, sent);
}

static void add_event(struct planner *planner)
{
    char id[40];
    if (roll(planner, 4) == 0) {
        planner->plan->kinds.foreign_ids++;
        g_snprintf(id, sizeof id, "click/%d", roll(planner, 200));
    } else {
        planner->plan->kinds.own_ids++;
        g_snprintf(id, sizeof id, "sim.%d:%" G_GINT64_FORMAT, planner->epoch, planner->sequence++);
        if (roll(planner, 60) == 0) { /* the producer was started again */
            planner->epoch++;
            planner->sequence = 0;
        }
    }
    const struct user_event event = {
        .event_id = {id, strlen(id)},
        .user_id = roll(planner, USERS),
        .movie_id = roll(planner, MOVIES) + 1,
        .event_type = roll(planner, EVENT_SHARE + 1),
        .timestamp_ms = roll_event_time(planner),
    };
    add(planner, TOPIC_EVENTS, event.movie_id, &event);
}

/* What was sent before, once more. */
static void add_repeat(struct planner *planner)
{
    GArray *records = planner->plan->records;
    struct sim_record record =
        g_array_index(records, struct sim_record, roll(planner, (int)records->len));
    g_bytes_ref(record.bytes);
    planner->plan->kinds.repeated++;
    g_array_append_val(records, record);
}

static void add_record(struct planner *planner)
{
    int kind = roll(planner, 100);
    if (kind < 5 && planner->plan->records->len > 0)
        add_repeat(planner);
    else if (kind < 55)
        add_rating(planner);
    else if (kind < 62)
        add_metadata(planner);
    else if (kind < 77)
        add_review(planner);
    else
        add_event(planner);
}

/* ---- actions ---- */

static void act(struct planner *planner, struct sim_action action)
{
    g_array_append_val(planner->plan->actions, action);
}

static void set_clock(struct planner *planner, int64_t now_ms)
{
    planner->now_ms = now_ms;
    planner->plan->end_ms = MAX(planner->plan->end_ms, now_ms);
    act(planner, (struct sim_action){.verb = SIM_CLOCK, .value = now_ms});
}

static void produce(struct planner *planner)
{
    set_clock(planner, planner->now_ms + roll_ms(planner, 4 * MS_PER_MINUTE));
    struct sim_action action = {
        .verb = SIM_PRODUCE,
        .first = planner->plan->records->len,
        .count = (guint)roll(planner, BATCH_MAX) + 1,
    };
    for (guint i = 0; i < action.count; i++)
        add_record(planner);
    act(planner, action);
}

/* A machine that slept, or whose clock was set. */
static void jump(struct planner *planner)
{
    if (roll(planner, 2) == 0) {
        planner->plan->kinds.jumps_back++;
        set_clock(planner, planner->now_ms - roll_ms(planner, 2 * MS_PER_HOUR));
    } else {
        planner->plan->kinds.jumps_forward++;
        set_clock(planner, planner->now_ms + roll_ms(planner, 30 * MS_PER_HOUR));
    }
}

static void add_action(struct planner *planner)
{
    int kind = roll(planner, 100);
    if (kind < 60)
        produce(planner);
    else if (kind < 78)
        act(planner, (struct sim_action){.verb = SIM_STEP});
    else if (kind < 86)
        act(planner,
            (struct sim_action){.verb = SIM_PASS, .value = roll_ms(planner, 40 * MS_PER_SECOND)});
    else if (kind < 95)
        act(planner, (struct sim_action){.verb = SIM_COMMIT});
    else if (kind < 98)
        act(planner, (struct sim_action){.verb = SIM_REOPEN});
    else
        jump(planner);
}

static void record_clear(gpointer data)
{
    g_bytes_unref(((struct sim_record *)data)->bytes);
}

struct sim_plan *sim_plan_new(uint32_t seed, struct serde *serde)
{
    struct sim_plan *plan = g_new0(struct sim_plan, 1);
    plan->actions = g_array_new(FALSE, FALSE, sizeof(struct sim_action));
    plan->records = g_array_new(FALSE, FALSE, sizeof(struct sim_record));
    g_array_set_clear_func(plan->records, record_clear);
    plan->start_ms = plan->end_ms = START_MS;
    struct planner planner = {
        .plan = plan,
        .serde = serde,
        .random = g_rand_new_with_seed(seed),
        .bytes = g_byte_array_new(),
        .now_ms = START_MS,
        .epoch = 1,
    };
    for (int i = 0; i < MOVIES; i++) {
        planner.popularity[i] = 5.0 + i;
        planner.votes[i] = 10 * i;
    }
    for (int left = ACTIONS_MIN + roll(&planner, ACTIONS_MORE); left > 0; left--)
        add_action(&planner);
    g_byte_array_unref(planner.bytes);
    g_rand_free(planner.random);
    return plan;
}

void sim_plan_free(struct sim_plan *plan)
{
    g_array_unref(plan->actions);
    g_array_unref(plan->records);
    g_free(plan);
}
