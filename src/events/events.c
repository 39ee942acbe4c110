#include "events/events.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "events/chance.h"

#define EVENT_ID_BYTES 128 /* a producer's name (config_check), two 64-bit numbers */

struct waiting {
    int32_t event_type;
    size_t key_start, key_len, value_start, value_len; /* within bytes */
};

struct events {
    const struct context *context;
    struct bus *bus;
    struct serde *serde;
    struct generator *generator;
    struct catalogue *catalogue; /* NULL: none yet */
    int64_t epoch, sequence;     /* of the last event */
    GArray *batch;               /* struct waiting */
    GByteArray *bytes;           /* keys and values of the batch */
};

static uint64_t producer_seed(const struct config *config)
{
    uint64_t seed = chance_mix((uint64_t)config->events_seed);
    for (const char *c = config->events_producer; *c; c++)
        seed = chance_mix(seed ^ (unsigned char)*c);
    return seed;
}

struct generator_settings events_generator_settings(const struct config *config)
{
    return (struct generator_settings){
        .seed = producer_seed(config),
        .rate_per_s = config->events_rate_per_s,
        .rhythm = config->events_rhythm,
        .users = config->events_users,
        .late_share = config->events_late_share,
        .late_max_ms = config->events_late_max_ms,
    };
}

struct events *events_open(const struct context *context,
                           struct bus *bus,
                           struct serde *serde,
                           int64_t epoch,
                           GError **error)
{
    const struct config *config = context->config;
    if (!bus_create_topic(bus, topic_info(TOPIC_EVENTS)->name, (int)config->bus_partitions, error))
        return NULL;
    struct generator_settings settings = events_generator_settings(config);
    struct events *events = g_new0(struct events, 1);
    *events = (struct events){
        .context = context,
        .bus = bus,
        .serde = serde,
        .generator = generator_new(&settings, clock_now_ms(context->clock)),
        .epoch = epoch,
        .batch = g_array_new(FALSE, FALSE, sizeof(struct waiting)),
        .bytes = g_byte_array_new(),
    };
    return events;
}

void events_close(struct events *events)
{
    if (!events)
        return;
    generator_free(events->generator);
    catalogue_free(events->catalogue);
    g_array_unref(events->batch);
    g_byte_array_unref(events->bytes);
    g_free(events);
}

void events_set_catalogue(struct events *events, struct catalogue *catalogue)
{
    catalogue_free(events->catalogue);
    events->catalogue = catalogue;
}

static void add_event(struct events *events, struct user_event *event)
{
    char id[EVENT_ID_BYTES], key[TOPIC_KEY_BYTES];
    int len =
        g_snprintf(id, sizeof id, "%s.%" PRId64 ":%" PRId64,
                   events->context->config->events_producer, events->epoch, ++events->sequence);
    g_assert(len > 0 && (size_t)len < sizeof id);
    event->event_id = (struct span){id, (size_t)len};
    struct waiting waiting = {.event_type = event->event_type,
                              .key_start = events->bytes->len,
                              .key_len = topic_movie_key(event->movie_id, key)};
    g_byte_array_append(events->bytes, (const uint8_t *)key, (unsigned)waiting.key_len);
    waiting.value_start = events->bytes->len;
    serde_encode(events->serde, TOPIC_EVENTS, event, events->bytes);
    waiting.value_len = events->bytes->len - waiting.value_start;
    g_array_append_val(events->batch, waiting);
}

/* Time that can no longer be caught up is left out. */
static void skip_what_is_too_old(struct events *events, int64_t now_ms)
{
    const struct context *context = events->context;
    int64_t catch_up_ms =
        (int64_t)((double)EVENTS_CATCH_UP_MS * MAX(1.0, clock_speed(context->clock)));
    int64_t from_ms = generator_position_ms(events->generator), to_ms = now_ms - catch_up_ms;
    if (from_ms >= to_ms)
        return;
    generator_skip(events->generator, to_ms);
    int64_t skipped_ms = generator_position_ms(events->generator) - from_ms;
    metrics_add(context->metrics, METRIC_EVENTS_SKIPPED_SECONDS, NULL,
                (uint64_t)((skipped_ms + MS_PER_SECOND / 2) / MS_PER_SECOND));
    log_warn(context->log, "events", "too far behind: what users did in between is left out",
             LOG_INT("world_ms", skipped_ms));
}

/* True: the batch has all until now. */
static bool make_batch(struct events *events, int64_t now_ms)
{
    struct user_event event;
    skip_what_is_too_old(events, now_ms);
    while (events->batch->len < EVENTS_BATCH_RECORDS) {
        if (!generator_next(events->generator, events->catalogue, now_ms, &event))
            return true;
        add_event(events, &event);
    }
    return false;
}

bool events_flush(struct events *events, GError **error)
{
    size_t count = events->batch->len;
    if (!count)
        return true;
    const char *bytes = (const char *)events->bytes->data;
    const struct waiting *waiting = (const struct waiting *)(void *)events->batch->data;
    g_autofree struct bus_message *messages = g_new0(struct bus_message, count);
    for (size_t i = 0; i < count; i++)
        messages[i] = (struct bus_message){
            .topic = topic_info(TOPIC_EVENTS)->name,
            .partition = BUS_PARTITION_BY_KEY,
            .key = {bytes + waiting[i].key_start, waiting[i].key_len},
            .value = {bytes + waiting[i].value_start, waiting[i].value_len},
        };
    struct metrics *metrics = events->context->metrics;
    g_autoptr(GError) why = NULL;
    if (!bus_produce(events->bus, messages, count, NULL, &why)) {
        if (error_is(why, AGAIN))
            metrics_add(metrics, METRIC_EVENTS_REPEATS, NULL, 1);
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    for (size_t i = 0; i < count; i++)
        metrics_add(metrics, METRIC_EVENTS_RECORDS, generator_type_name(waiting[i].event_type), 1);
    g_array_set_size(events->batch, 0);
    g_byte_array_set_size(events->bytes, 0);
    return true;
}

bool events_step(struct events *events, bool *ret_idle, GError **error)
{
    int64_t now_ms = clock_now_ms(events->context->clock);
    bool idle = false;
    if (!events->catalogue) {
        generator_skip(events->generator, now_ms);
        idle = true;
    } else if (events->batch->len == 0) {
        idle = make_batch(events, now_ms);
    }
    if (!events_flush(events, error))
        return false;
    *ret_idle = idle;
    return true;
}
