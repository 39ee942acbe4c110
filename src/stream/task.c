#include "stream/task.h"

#include <assert.h>

#include "stream/hour_count.h"
#include "stream/repeat.h"
#include "stream/window.h"

/* Which windows an input feeds; BIN_KIND_COUNT: none. */
static const enum bin_kind input_kinds[INPUT_COUNT] = {
    [INPUT_RATINGS] = BIN_RATINGS,
    [INPUT_METADATA] = BIN_KIND_COUNT,
    [INPUT_REVIEWS] = BIN_REVIEWS,
    [INPUT_EVENTS] = BIN_EVENTS,
};

/* Which input feeds the windows of a kind: its highest event time says what is held. */
static const int kind_inputs[BIN_KIND_COUNT] = {
    [BIN_RATINGS] = INPUT_RATINGS,
    [BIN_REVIEWS] = INPUT_REVIEWS,
    [BIN_EVENTS] = INPUT_EVENTS,
};

/* ---- open and close ---- */

/* Hours that are held, as the highest event time says. */
static void advance_held(struct task *task, unsigned input)
{
    const struct position *position = &task->positions[input];
    for (enum bin_kind kind = 0; kind < BIN_KIND_COUNT; kind++) {
        if (kind_inputs[kind] == (int)input)
            state_advance(task->state, kind, position->highest_event_ms);
    }
    int64_t first = first_held_hour(position->highest_event_ms, task->settings->retention_ms);
    if (input == INPUT_REVIEWS)
        repeat_forget_reviews(task->seen, first);
    hour_count_drop_below(task->hour_counts[input], first);
}

static bool read_committed(struct task *task,
                           struct position_store *store,
                           int64_t monotonic_ms,
                           GError **error)
{
    watermark_init(&task->watermark, INPUT_COUNT, task->settings->watermark_delay_ms,
                   task->settings->idle_timeout_ms, monotonic_ms);
    for (unsigned input = 0; input < INPUT_COUNT; input++) {
        struct position *position = &task->positions[input];
        if (!position_read(store, topic_info(input_topics[input])->name, task->partition, position,
                           error))
            return false;
        if (!position->has_event)
            continue;
        watermark_observe(&task->watermark, input, position->highest_event_ms, monotonic_ms);
        advance_held(task, input);
    }
    int64_t watermark_ms;
    if (!position_read_watermark(store, task->partition, &watermark_ms, error))
        return false;
    task->watermark.value_ms = MAX(task->watermark.value_ms, watermark_ms);
    return true;
}

struct task *task_open(sqlite3 *db,
                       const struct sql_file *sql,
                       struct position_store *store,
                       const struct stream_settings *settings,
                       struct live *live,
                       int partition,
                       int64_t monotonic_ms,
                       GError **error)
{
    struct task *task = g_new0(struct task, 1);
    task->partition = partition;
    task->settings = settings;
    task->live = live;
    for (unsigned input = 0; input < INPUT_COUNT; input++)
        task->hour_counts[input] = g_array_new(FALSE, FALSE, sizeof(struct hour_count));
    task->state = state_new(db, sql, settings, partition, error);
    if (task->state)
        task->seen = seen_new(db, sql, partition, error);
    if (!task->seen || !read_committed(task, store, monotonic_ms, error)) {
        task_close(task);
        return NULL;
    }
    return task;
}

void task_close(struct task *task)
{
    if (!task)
        return;
    for (unsigned input = 0; input < INPUT_COUNT; input++)
        g_array_unref(task->hour_counts[input]);
    seen_free(task->seen);
    state_free(task->state);
    g_free(task);
}

/* ---- one record ---- */

union any_record {
    struct rating rating;
    struct metadata metadata;
    struct review review;
    struct user_event event;
};

static int32_t movie_of(enum topic topic, const union any_record *record)
{
    switch (topic) {
    case TOPIC_RATINGS:
        return record->rating.movie_id;
    case TOPIC_METADATA:
        return record->metadata.movie_id;
    case TOPIC_REVIEWS:
        return record->review.movie_id;
    default:
        return record->event.movie_id;
    }
}

/* Why a decoded record is bad, else NULL. */
static const char *find_fault(const struct task *task,
                              enum topic topic,
                              const union any_record *record,
                              int64_t event_ms,
                              int64_t append_ms)
{
    const char *fault = classify_time(event_ms);
    if (!fault && topic == TOPIC_RATINGS)
        fault = classify_rating(&record->rating);
    if (!fault && topic == TOPIC_REVIEWS)
        fault = classify_review(&record->review);
    if (fault)
        return fault;
    if (classify_future(event_ms, append_ms, task->settings->future_limit_ms))
        return "event time too far after append time";
    if (topic == TOPIC_REVIEWS && record->review.has_updated_at &&
        classify_future(record->review.updated_at_ms, append_ms, task->settings->future_limit_ms))
        return "updated_at too far after append time";
    return NULL;
}

/* The class of a record that isn't bad. A user event is noted here whatever it becomes, so this is
 * asked once. */
static bool classify_good(struct task *task,
                          const struct position *position,
                          struct input *input,
                          int64_t append_ms,
                          enum record_class *ret_class,
                          GError **error)
{
    const union any_record *record = input->record;
    bool repeat = false,
         expired = classify_expired(input->event_ms, position->has_event,
                                    position->highest_event_ms, task->settings->retention_ms);
    if (input->topic == TOPIC_EVENTS &&
        !repeat_event(task->seen, record->event.event_id, append_ms, &repeat, error))
        return false;
    if (input->topic == TOPIC_REVIEWS && !expired &&
        !repeat_review(task->seen, &record->review, &repeat, &input->replaces,
                       &input->old_compound_e4, error))
        return false;
    *ret_class = expired ? RECORD_EXPIRED : repeat ? RECORD_DUPLICATE : RECORD_USED;
    return true;
}

/* late_ms of the window that holds the event; below 0: it isn't late. */
static int64_t late_ms(const struct task *task, int64_t event_ms)
{
    int64_t window_ms = task->settings->window_ms;
    int64_t end_ms = (floor_div(event_ms, window_ms) + 1) * window_ms;
    return watermark_final(&task->watermark, end_ms) ? task->watermark.value_ms - end_ms : -1;
}

/* For the late ledger: what the window says that the event falls into. */
static bool window_value(struct task *task,
                         unsigned input_number,
                         const struct input *input,
                         struct late_value *ret_value,
                         GError **error)
{
    const enum bin_kind kind = input_kinds[input_number];
    const int64_t event_ms = input->event_ms;
    struct bin *bin = NULL;
    *ret_value = (struct late_value){0};
    if (kind == BIN_KIND_COUNT)
        return true;
    if (!state_bin(task->state, input->movie, kind, hour_of(event_ms), &bin, error))
        return false;
    const struct bin_window *window =
        bin ? bin_find(bin, window_index(event_ms, task->settings->window_ms)) : NULL;
    if (!window)
        return true;
    ret_value->has = true;
    if (kind == BIN_RATINGS)
        ret_value->value = (double)window->rating.popularity_e4 / 10000.0;
    else if (kind == BIN_REVIEWS)
        ret_value->value = (double)window->reviews.sum_e4 / window->reviews.count / 10000.0;
    else
        ret_value->value = window->events.count;
    return true;
}

static bool
use_record(struct task *task, unsigned input_number, struct input *input, GError **error)
{
    const struct job_context job = {
        .settings = task->settings, .state = task->state, .live = task->live};
    for (size_t i = 0; i < stream_jobs_count; i++) {
        if (!stream_jobs[i]->record(&job, input, error))
            return false;
    }
    hour_count_add(task->hour_counts[input_number], hour_of(input->event_ms), 1);
    return true;
}

/* A used record of a final window: what it changes goes into the ledger's entry. */
static bool use_late(struct task *task,
                     unsigned input_number,
                     struct input *input,
                     struct late_entry *entry,
                     GError **error)
{
    const int64_t window_ms = task->settings->window_ms;
    entry->topic = topic_info(input->topic)->name;
    entry->partition = task->partition;
    entry->movie_id = input->movie->movie_id;
    entry->window_start_ms = floor_div(input->event_ms, window_ms) * window_ms;
    return window_value(task, input_number, input, &entry->before, error) &&
           use_record(task, input_number, input, error) &&
           window_value(task, input_number, input, &entry->after, error);
}

/* A record that isn't bad has come, whatever its class: event time goes on. */
static void
observe(struct task *task, unsigned input_number, int64_t event_ms, int64_t monotonic_ms)
{
    struct position *position = &task->positions[input_number];
    watermark_observe(&task->watermark, input_number, event_ms, monotonic_ms);
    if (position->has_event && event_ms <= position->highest_event_ms)
        return;
    const int64_t retention_ms = task->settings->retention_ms;
    bool moved =
        !position->has_event || first_held_hour(position->highest_event_ms, retention_ms) !=
                                    first_held_hour(event_ms, retention_ms);
    position->has_event = true;
    position->highest_event_ms = event_ms;
    if (moved)
        advance_held(task, input_number);
}

/* A decoded record without faults. */
static bool take_good(struct task *task,
                      unsigned input_number,
                      struct input *input,
                      int64_t append_ms,
                      int64_t monotonic_ms,
                      struct task_result *result,
                      GError **error)
{
    input->seen = task->seen;
    if (!classify_good(task, &task->positions[input_number], input, append_ms, &result->class,
                       error))
        return false;
    result->late_entry.late_ms = late_ms(task, input->event_ms);
    result->late = result->class == RECORD_USED && result->late_entry.late_ms >= 0;
    input->late = result->late;
    observe(task, input_number, input->event_ms, monotonic_ms);
    if (result->class != RECORD_USED)
        return true;
    if (!state_movie(task->state, movie_of(input->topic, input->record), &input->movie, error))
        return false;
    return result->late ? use_late(task, input_number, input, &result->late_entry, error)
                        : use_record(task, input_number, input, error);
}

static bool decode(struct serde *serde,
                   enum topic topic,
                   struct span value,
                   struct arena *arena,
                   union any_record *record,
                   const char **ret_fault,
                   GError **error)
{
    g_autoptr(GError) why = NULL;
    *ret_fault = NULL;
    if (serde_decode(serde, topic, value, arena, record, &why))
        return true;
    if (!error_is(why, BADDATA)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    *ret_fault = arena_strdup(arena, why->message);
    return true;
}

bool task_record(struct task *task,
                 struct serde *serde,
                 unsigned input_number,
                 const struct bus_record *record,
                 int64_t monotonic_ms,
                 struct arena *arena,
                 struct task_result *ret_result,
                 GError **error)
{
    struct position *position = &task->positions[input_number];
    assert(record->offset >= position->next_offset);
    const enum topic topic = input_topics[input_number];
    union any_record decoded;
    struct task_result result = {.class = RECORD_BAD, .late_entry.offset = record->offset};
    if (!decode(serde, topic, record->value, arena, &decoded, &result.reason, error))
        return false;
    task->half_done = true;
    if (!position->has_append || record->append_time_ms > position->highest_append_ms)
        position->highest_append_ms = record->append_time_ms;
    position->has_append = position->dirty = true;
    const int64_t append_ms = position->highest_append_ms;
    if (!result.reason) {
        struct input input = {.topic = topic, .record = &decoded};
        input.event_ms =
            *(const int64_t *)((const char *)&decoded + topic_info(topic)->event_time_offset);
        result.reason = find_fault(task, topic, &decoded, input.event_ms, append_ms);
        if (!result.reason &&
            !take_good(task, input_number, &input, append_ms, monotonic_ms, &result, error))
            return false;
    }
    position->next_offset = record->offset + 1;
    position->counts[result.class]++;
    position->late += result.late;
    task->half_done = false;
    *ret_result = result;
    return true;
}

/* ---- commit ---- */

static void collect_hour_counts(const struct task *task, struct output *output)
{
    for (unsigned input = 0; input < INPUT_COUNT; input++) {
        for (guint i = 0; i < task->hour_counts[input]->len; i++) {
            const struct hour_count *count =
                &g_array_index(task->hour_counts[input], struct hour_count, i);
            if (!count->dirty)
                continue;
            struct hour_count_row row = {
                .topic = topic_info(input_topics[input])->name,
                .partition = task->partition,
                .hour_ms = hour_start_ms(count->hour),
                .used_records = count->used_records,
            };
            g_array_append_val(output->hour_counts, row);
        }
    }
}

bool task_collect(struct task *task, struct output *output, GError **error)
{
    const struct job_context job = {
        .settings = task->settings, .state = task->state, .live = task->live};
    size_t count;
    struct movie **changed = state_changed(task->state, &count);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < stream_jobs_count; j++) {
            if (!stream_jobs[j]->collect(&job, changed[i], output, error))
                return false;
        }
    }
    collect_hour_counts(task, output);
    return true;
}

bool task_write(struct task *task, struct position_store *store, GError **error)
{
    /* Event ids by append time: the other inputs have none. */
    if (task->positions[INPUT_EVENTS].has_append)
        repeat_pass(task->seen, task->positions[INPUT_EVENTS].highest_append_ms);
    if (!state_write(task->state, error) || !seen_write(task->seen, error))
        return false;
    for (unsigned input = 0; input < INPUT_COUNT; input++) {
        if (task->positions[input].dirty &&
            !position_write(store, topic_info(input_topics[input])->name, task->partition,
                            &task->positions[input], error))
            return false;
    }
    return position_write_watermark(store, task->partition, task->watermark.value_ms, error);
}

void task_committed(struct task *task)
{
    state_committed(task->state);
    seen_committed(task->seen);
    for (unsigned input = 0; input < INPUT_COUNT; input++) {
        task->positions[input].started |= task->positions[input].dirty;
        task->positions[input].dirty = false;
        for (guint i = 0; i < task->hour_counts[input]->len; i++)
            g_array_index(task->hour_counts[input], struct hour_count, i).dirty = false;
    }
}
