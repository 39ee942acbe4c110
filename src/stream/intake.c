#include "stream/intake.h"

#include "base/clock.h"
#include "base/metrics.h"

/* Movies lie all over the memory, and a record would wait for each part of its movie. So that part
 * p of the movie of a record is asked for (MOVIE_PART_COUNT - p) * LOOK_STEP records before it. */
#define LOOK_STEP 4
#define LOOK_ROOM (2 * MOVIE_PART_COUNT * LOOK_STEP) /* ids that are remembered; a ring */

static void letter_clear(gpointer data)
{
    struct letter *letter = data;
    g_free(letter->reason);
    g_bytes_unref(letter->bytes);
}

struct intake *intake_new(const struct context *context,
                          struct serde *serde,
                          const struct stream_settings *settings)
{
    struct intake *intake = g_new0(struct intake, 1);
    intake->context = context;
    intake->serde = serde;
    intake->settings = settings;
    intake->results = arena_new();
    intake->letters = g_array_new(FALSE, FALSE, sizeof(struct letter));
    g_array_set_clear_func(intake->letters, letter_clear);
    return intake;
}

void intake_free(struct intake *intake)
{
    if (!intake)
        return;
    g_array_unref(intake->letters);
    arena_free(intake->results);
    g_free(intake);
}

void intake_clear(struct intake *intake)
{
    g_array_set_size(intake->letters, 0);
    intake->letter_bytes = 0;
    intake->records_pending = 0;
}

void intake_drop(struct intake *intake, int partition)
{
    for (guint i = intake->letters->len; i-- > 0;) {
        const struct letter *letter = &g_array_index(intake->letters, struct letter, i);
        if (letter->partition != partition)
            continue;
        intake->letter_bytes -= g_bytes_get_size(letter->bytes);
        g_array_remove_index(intake->letters, i);
    }
}

bool intake_due(const struct intake *intake)
{
    return intake->records_pending >= intake->settings->commit_records ||
           intake->letters->len >= INTAKE_LETTERS_MAX ||
           intake->letter_bytes >= INTAKE_LETTER_BYTES_MAX;
}

static void keep_letter(struct intake *intake,
                        unsigned input,
                        int partition,
                        const struct bus_record *record,
                        const char *reason)
{
    struct letter letter = {
        .topic = topic_info(input_topics[input])->name,
        .partition = partition,
        .offset = record->offset,
        .reason = g_strdup(reason),
        .bytes = g_bytes_new(record->value.data, record->value.len),
    };
    g_array_append_val(intake->letters, letter);
    intake->letter_bytes += record->value.len;
}

static void
count_records(struct intake *intake, const int64_t counts[RECORD_CLASS_COUNT], int64_t late)
{
    struct metrics *metrics = intake->context->metrics;
    for (enum record_class class = 0; class < RECORD_CLASS_COUNT; class ++) {
        /* Also 0: each class is shown, though there be none. */
        metrics_add(metrics, METRIC_STREAM_RECORDS, record_class_name(class),
                    (uint64_t)counts[class]);
    }
    metrics_add(metrics, METRIC_STREAM_LATE, NULL, (uint64_t)late);
}

/* What the record's key says (topic_movie_key): a guess, whose movie need not exist. */
static int32_t guess_movie(struct span key)
{
    uint32_t movie_id = 0;
    for (size_t i = 0; i < MIN(key.len, (size_t)TOPIC_KEY_BYTES); i++)
        movie_id = movie_id * 10 + (uint32_t)(key.data[i] - '0');
    return (int32_t)movie_id;
}

static void
look_ahead(const struct task *task, const struct bus_batch *batch, size_t i, int32_t ids[LOOK_ROOM])
{
    size_t ahead = i + MOVIE_PART_COUNT * LOOK_STEP;
    if (ahead < batch->count)
        ids[ahead % LOOK_ROOM] = guess_movie(batch->records[ahead].key);
    for (enum movie_part part = 0; part < MOVIE_PART_COUNT; part++, ahead -= LOOK_STEP)
        state_prefetch(task->state, ids[ahead % LOOK_ROOM], part);
}

bool intake_take(struct intake *intake,
                 struct task *task,
                 struct late_ledger *late_ledger,
                 unsigned input,
                 const struct bus_batch *batch,
                 GError **error)
{
    int64_t monotonic_ms = clock_monotonic_ms(intake->context->clock);
    int64_t counts[RECORD_CLASS_COUNT] = {0}, late = 0;
    bool taken = true;
    size_t i = 0;
    int32_t ids[LOOK_ROOM] = {0};
    for (; i < batch->count && taken && !intake_due(intake); i++) {
        look_ahead(task, batch, i, ids);
        struct task_result result;
        taken = task_record(task, intake->serde, input, &batch->records[i], monotonic_ms,
                            intake->results, &result, error);
        if (!taken)
            break;
        if (result.class == RECORD_BAD)
            keep_letter(intake, input, task->partition, &batch->records[i], result.reason);
        arena_reset(intake->results);
        counts[result.class]++;
        late += result.late;
        if (result.late)
            late_ledger_add(late_ledger, &result.late_entry);
        intake->records_pending++;
    }
    struct position *position = &task->positions[input];
    if (taken && i == batch->count && batch->next_offset > position->next_offset)
        position->next_offset = batch->next_offset;
    position->end_offset = batch->end_offset;
    count_records(intake, counts, late);
    return taken;
}

bool intake_send_letters(struct intake *intake, struct bus *bus, GError **error)
{
    for (guint i = 0; i < intake->letters->len; i++) {
        const struct letter *letter = &g_array_index(intake->letters, struct letter, i);
        gsize len;
        const void *data = g_bytes_get_data(letter->bytes, &len);
        if (!serde_deadletter(intake->serde, bus, letter->topic, letter->partition, letter->offset,
                              letter->reason, (struct span){data, len}, error)) {
            g_array_remove_range(intake->letters, 0, i);
            return false;
        }
    }
    g_array_set_size(intake->letters, 0);
    intake->letter_bytes = 0;
    return true;
}
