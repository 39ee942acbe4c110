/* What the log itself tells: partitions that stand still, records of other contracts, dead letters.
 */
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/embedded.h"
#include "doctor/doctor_internal.h"
#include "model/codec.h"
#include "model/topic.h"

/* How far from its end a partition's last record is looked for. */
#define LAST_OFFSETS_MAX 64
#define LAST_BYTES       ((size_t)1024 * 1024)
#define LETTERS_BYTES    ((size_t)1024 * 1024)
/* Confluent's wire format: 0, then the schema's id in four bytes, big-endian. */
#define WIRE_HEAD_BYTES 5

/* The record that stands last, which lives until the next call; *ret_found is false where the
 * partition is empty. */
static bool last_record(struct doctor *doctor,
                        const char *topic,
                        int partition,
                        struct bus_record *ret_record,
                        bool *ret_found,
                        GError **error)
{
    int64_t start, end;
    if (!bus_offsets(doctor->bus, topic, partition, &start, &end, error))
        return false;
    *ret_found = false;
    /* On Kafka the offsets before the end may be a transaction's markers: then a little earlier. */
    for (int64_t back = 1; end > start && !*ret_found && back <= LAST_OFFSETS_MAX;
         back *= LAST_OFFSETS_MAX) {
        struct bus_batch batch;
        arena_reset(doctor->fetched);
        if (!bus_fetch(doctor->bus, topic, partition, MAX(start, end - back), LAST_BYTES,
                       doctor->fetched, &batch, error))
            return false;
        *ret_found = batch.count > 0;
        if (batch.count > 0)
            *ret_record = batch.records[batch.count - 1];
    }
    return true;
}

/* The topics that are there and that a contract of ours names. */
static bool our_topics(struct doctor *doctor,
                       const char *check,
                       struct bus_topic **ret_topics,
                       size_t *ret_count)
{
    g_autoptr(GError) error = NULL;
    if (doctor->bus && bus_topics(doctor->bus, doctor->arena, ret_topics, ret_count, &error))
        return true;
    doctor_unable(doctor, check, error);
    return false;
}

/* A partition without records holds nothing back: stream.idle_timeout passes it over. One that had
 * records and has none any more, while its topic goes on, is a producer that lost some of its keys
 * or a broker that takes nothing. */
static bool look_at_topic(struct doctor *doctor, const struct bus_topic *topic, GError **error)
{
    g_autofree int64_t *last_ms = g_new(int64_t, (gsize)topic->partitions);
    int64_t newest_ms = INT64_MIN;
    for (int p = 0; p < topic->partitions; p++) {
        struct bus_record record;
        bool found;
        if (!last_record(doctor, topic->name, p, &record, &found, error))
            return false;
        last_ms[p] = found ? record.append_time_ms : INT64_MIN;
        newest_ms = MAX(newest_ms, last_ms[p]);
    }
    for (int p = 0; p < topic->partitions; p++)
        if (last_ms[p] != INT64_MIN && newest_ms - last_ms[p] > DOCTOR_IDLE_PARTITION_MS)
            findings_add(doctor->findings, FINDING_WARN, "bus.idle-partition",
                         "look at what produces its keys; until then its movies stand still",
                         "%s/%d: nothing for %s while the topic went on", topic->name, p,
                         doctor_span(doctor, newest_ms - last_ms[p]));
    return true;
}

void check_idle_partitions(struct doctor *doctor)
{
    static const char check[] = "bus.idle-partition";
    struct bus_topic *topics;
    size_t count;
    if (!our_topics(doctor, check, &topics, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        const struct topic_info *info = topic_by_name(topics[i].name);
        /* Every partition of these gets records all the time; of the others only at times. */
        if (!info || (info->id != TOPIC_RATINGS && info->id != TOPIC_EVENTS))
            continue;
        g_autoptr(GError) error = NULL;
        if (!look_at_topic(doctor, &topics[i], &error))
            doctor_unable(doctor, check, error);
    }
    doctor_fine(doctor, check, "no partition of the ratings and events stands still");
}

/* ---- schemas ---- */

static bool wire_id(struct span value, int32_t *ret_id)
{
    const unsigned char *bytes = (const unsigned char *)value.data;
    if (value.len < WIRE_HEAD_BYTES || bytes[0] != 0)
        return false;
    *ret_id = (int32_t)((uint32_t)bytes[1] << 24 | (uint32_t)bytes[2] << 16 |
                        (uint32_t)bytes[3] << 8 | bytes[4]);
    return true;
}

/* The newest record of a partition, which *records counts: was it written with the contract that
 * this program has? */
static bool look_at_writer(struct doctor *doctor,
                           const struct topic_info *info,
                           const struct schema *contract,
                           int partition,
                           int *records,
                           GError **error)
{
    static const char check[] = "bus.schema";
    struct bus_record record;
    bool found;
    int32_t id;
    if (!last_record(doctor, info->name, partition, &record, &found, error))
        return false;
    if (!found)
        return true;
    (*records)++;
    if (!wire_id(record.value, &id)) {
        findings_add(doctor->findings, FINDING_WARN, check,
                     "find the producer: every value begins with 0 and a schema's id",
                     "%s/%d: the newest record has no schema id", info->name, partition);
        return true;
    }
    const struct schema *writer = registry_schema(doctor->registry, id, error);
    if (!writer)
        return false;
    if (g_str_equal(schema_canonical(writer), schema_canonical(contract)))
        return true;
    g_autoptr(GError) why = NULL;
    if (schema_can_read(contract, writer, &why))
        findings_add(doctor->findings, FINDING_NOTE, check,
                     "it is read by Avro's rules; take the new contract in when you can",
                     "%s/%d: the newest record was written with schema %d, which isn't this "
                     "program's contract",
                     info->name, partition, id);
    else
        findings_add(doctor->findings, FINDING_BAD, check,
                     "its records go to the dead letters: the producer must keep to BACKWARD, or "
                     "marquee must be updated",
                     "%s/%d: schema %d can't be read: %s", info->name, partition, id, why->message);
    return true;
}

void check_schemas(struct doctor *doctor)
{
    static const char check[] = "bus.schema";
    struct bus_topic *topics;
    size_t count;
    int records = 0;
    if (!our_topics(doctor, check, &topics, &count))
        return;
    if (!doctor->registry) {
        doctor_unable(doctor, check, NULL);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct topic_info *info = topic_by_name(topics[i].name);
        if (!info)
            continue;
        g_autoptr(GError) error = NULL;
        size_t len;
        const char *json = embedded_text(info->schema_path, &len);
        struct schema *contract = schema_parse(json, len, &error);
        for (int p = 0; contract && p < topics[i].partitions; p++)
            if (!look_at_writer(doctor, info, contract, p, &records, &error))
                break;
        if (error)
            doctor_unable(doctor, check, error);
        schema_free(contract);
    }
    if (!records && findings_worst(doctor->findings, check) == FINDING_OK)
        findings_add(doctor->findings, FINDING_NOTE, check, NULL,
                     "no topic holds a record: there was nothing to check");
    doctor_fine(doctor, check, "the newest records were written with this program's contracts");
}

/* ---- dead letters ---- */

/* "movie.ratings/3 offset 17: its reason"; NULL where it can't be decoded. */
static const char *letter_text(struct doctor *doctor, struct span value)
{
    const struct topic_info *info = topic_info(TOPIC_DEADLETTER);
    struct deadletter letter;
    int32_t id;
    const struct schema *writer = doctor->registry && wire_id(value, &id)
                                      ? registry_schema(doctor->registry, id, NULL)
                                      : NULL;
    struct decoder *decoder = writer ? decoder_new(writer, writer, info->type, NULL) : NULL;
    const char *text = NULL;
    if (decoder && decoder_decode(decoder, value.data + WIRE_HEAD_BYTES,
                                  value.len - WIRE_HEAD_BYTES, doctor->fetched, &letter, NULL))
        text = arena_printf(doctor->arena, "%.*s/%d offset %" G_GINT64_FORMAT ": %.*s",
                            (int)letter.topic.len, letter.topic.data, letter.partition,
                            letter.offset, (int)letter.reason.len, letter.reason.data);
    decoder_free(decoder);
    return text;
}

/* Counts the young letters of a partition and keeps the newest one's words. */
static bool count_letters(
    struct doctor *doctor, int partition, int64_t *count, const char **ret_last, GError **error)
{
    const struct topic_info *info = topic_info(TOPIC_DEADLETTER);
    int64_t start, end;
    if (!bus_offsets(doctor->bus, info->name, partition, &start, &end, error))
        return false;
    int64_t offset = MAX(start, end - DOCTOR_DEADLETTERS_READ_MAX);
    while (offset < end) {
        struct bus_batch batch;
        struct span newest = {0};
        arena_reset(doctor->fetched);
        if (!bus_fetch(doctor->bus, info->name, partition, offset, LETTERS_BYTES, doctor->fetched,
                       &batch, error))
            return false;
        for (size_t i = 0; i < batch.count; i++) {
            if (batch.records[i].append_time_ms <= doctor->now_ms - DOCTOR_DEADLETTERS_AGE_MS)
                continue;
            (*count)++;
            newest = batch.records[i].value;
        }
        const char *text = newest.len ? letter_text(doctor, newest) : NULL;
        if (text)
            *ret_last = text;
        if (batch.next_offset <= offset)
            break;
        offset = batch.next_offset;
    }
    return true;
}

void check_deadletters(struct doctor *doctor)
{
    static const char check[] = "bus.deadletters";
    struct bus_topic *topics;
    size_t topics_count;
    int64_t count = 0;
    const char *last = "it can't be decoded";
    if (!our_topics(doctor, check, &topics, &topics_count))
        return;
    for (size_t i = 0; i < topics_count; i++) {
        if (!g_str_equal(topics[i].name, topic_info(TOPIC_DEADLETTER)->name))
            continue;
        for (int p = 0; p < topics[i].partitions; p++) {
            g_autoptr(GError) error = NULL;
            if (!count_letters(doctor, p, &count, &last, &error))
                doctor_unable(doctor, check, error);
        }
    }
    if (count)
        findings_add(doctor->findings, FINDING_WARN, check,
                     "read them: marquee topics tail marquee.deadletter",
                     "%" G_GINT64_FORMAT " records of the last 24 h couldn't be used; one: %s",
                     count, last);
    doctor_fine(doctor, check, "none in the last 24 h");
}
