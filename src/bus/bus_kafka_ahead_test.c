/* Proves, on librdkafka's own mock of a broker (on 127.0.0.1): each record comes once, in order, as
 * it was written; a partition that nobody takes from holds no more than its bound and holds up no
 * other; where reading begins anew nothing of before comes; what is written later comes, and what
 * can't be read says so in its place. */
#include "bus/bus_kafka_ahead.h"

#include <string.h>

#include "bus/bus_kafka_mock.h"
#include "bus/frame.h"

#define TOPIC      "records"
#define PARTITIONS 2
#define RECORDS    4000 /* of each partition */
#define FILL_BYTES 600  /* of a value beside its number: more than the bound in all */
#define WAIT_MS    20000

struct world {
    rd_kafka_t *producer, *client;
    rd_kafka_topic_t *topic;
    struct kafka_ahead *ahead;
};

static void produce(struct world *world, int partition, int number, rd_kafka_headers_t *headers)
{
    char key[16], value[sizeof number + FILL_BYTES];
    const int key_len = g_snprintf(key, sizeof key, "%d", number);
    memset(value, partition, sizeof value);
    memcpy(value, &number, sizeof number);
    rd_kafka_resp_err_t code;
    do {
        code = rd_kafka_producev(
            world->producer, RD_KAFKA_V_TOPIC(TOPIC), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_KEY(key, (size_t)key_len), RD_KAFKA_V_VALUE(value, sizeof value),
            RD_KAFKA_V_TIMESTAMP(1000 + number), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_HEADERS(headers ? rd_kafka_headers_copy(headers) : NULL), RD_KAFKA_V_END);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(world->producer, WAIT_MS);
    } while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    g_assert_cmpint(code, ==, RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void flush(struct world *world)
{
    g_assert_cmpint(rd_kafka_flush(world->producer, WAIT_MS), ==, RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* Fetches and queues are small, so that there are many. */
static void world_open(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    world->producer = kafka_mock_new(TOPIC, PARTITIONS);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    kafka_mock_set(conf, "bootstrap.servers", kafka_mock_brokers(world->producer));
    kafka_mock_set(conf, "enable.partition.eof", "true");
    kafka_mock_set(conf, "auto.offset.reset", "error");
    kafka_mock_set(conf, "fetch.wait.max.ms", "10");
    kafka_mock_set(conf, "fetch.message.max.bytes", "100000");
    kafka_mock_set(conf, "queued.min.messages", "500");
    world->client = kafka_mock_client(RD_KAFKA_CONSUMER, conf);
    world->topic = rd_kafka_topic_new(world->client, TOPIC, NULL);
    world->ahead = kafka_ahead_new(&error);
    g_assert_no_error(error);
    g_assert_nonnull(world->ahead);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    kafka_ahead_free(world->ahead);
    rd_kafka_topic_destroy(world->topic);
    rd_kafka_destroy(world->client);
    rd_kafka_destroy(world->producer);
}

static struct kafka_ahead_partition *begin(struct world *world, int partition, int64_t offset)
{
    struct kafka_ahead_partition *started = NULL;
    g_assert_cmpint(
        kafka_ahead_start(world->ahead, world->client, world->topic, partition, offset, &started),
        ==, RD_KAFKA_RESP_ERR_NO_ERROR);
    return started;
}

static void check_record(const struct kafka_page *page, size_t at, int partition, int number)
{
    const struct kafka_page_record *record = &page->records[at];
    char key[16], fill[FILL_BYTES];
    const int key_len = g_snprintf(key, sizeof key, "%d", number);
    const char *bytes = page->bytes + record->at;
    int found;
    memset(fill, partition, sizeof fill);
    g_assert_cmpint(record->offset, ==, number);
    g_assert_cmpint(record->append_time_ms, ==, 1000 + number);
    g_assert_cmpuint(record->key_len, ==, (size_t)key_len);
    g_assert_true(memcmp(bytes, key, (size_t)key_len) == 0);
    memcpy(&found, bytes + record->key_len, sizeof found);
    g_assert_cmpint(found, ==, number);
    g_assert_cmpuint(record->value_len, ==, sizeof found + sizeof fill);
    g_assert_true(memcmp(bytes + record->key_len + sizeof found, fill, sizeof fill) == 0);
}

/* Takes until the partition's end, which must be there; returns how many records came. */
static int take_all(struct kafka_ahead_partition *partition, int number, int from)
{
    int next = from;
    for (;;) {
        g_autofree struct kafka_page *page = kafka_ahead_take(partition, WAIT_MS);
        g_assert_nonnull(page);
        if (page->kind == KAFKA_PAGE_END) {
            g_assert_cmpint(page->offset, ==, next);
            return next - from;
        }
        g_assert_cmpint(page->kind, ==, KAFKA_PAGE_RECORDS);
        g_assert_cmpuint(page->count, >, 0);
        g_assert_cmpuint(page->count, <=, KAFKA_PAGE_RECORDS_MAX);
        for (size_t i = 0; i < page->count; i++)
            check_record(page, i, number, next++);
    }
}

static void test_bound(struct world *world, const void *data)
{
    (void)data;
    for (int i = 0; i < RECORDS; i++) {
        produce(world, 0, i, NULL);
        produce(world, 1, i, NULL);
    }
    flush(world);
    struct kafka_ahead_partition *full = begin(world, 0, 0), *other = begin(world, 1, 0);
    g_assert_cmpint(take_all(other, 1, 0), ==, RECORDS);
    const size_t record = sizeof(struct kafka_page_record) + sizeof(int) + FILL_BYTES + 5;
    g_assert_cmpuint(RECORDS * record, >, 2 * KAFKA_AHEAD_BYTES_MAX);
    g_assert_cmpuint(kafka_ahead_bytes(full), <=,
                     KAFKA_AHEAD_BYTES_MAX + sizeof(struct kafka_page) +
                         KAFKA_PAGE_RECORDS_MAX * record);
    g_assert_cmpint(take_all(full, 0, 0), ==, RECORDS);
    g_assert_cmpuint(kafka_ahead_bytes(full), ==, 0);
    kafka_ahead_stop(full);
    kafka_ahead_stop(other);
}

static void test_anew(struct world *world, const void *data)
{
    (void)data;
    for (int i = 0; i < RECORDS; i++)
        produce(world, 0, i, NULL);
    flush(world);
    for (int from = 0; from < RECORDS; from += RECORDS / 3) {
        struct kafka_ahead_partition *partition = begin(world, 0, from);
        g_autofree struct kafka_page *page = kafka_ahead_take(partition, WAIT_MS);
        g_assert_nonnull(page);
        check_record(page, 0, 0, from);
        kafka_ahead_stop(partition);
    }
    struct kafka_ahead_partition *partition = begin(world, 0, RECORDS / 2);
    g_assert_cmpint(take_all(partition, 0, RECORDS / 2), ==, RECORDS / 2);
    kafka_ahead_stop(partition);
}

static void test_later(struct world *world, const void *data)
{
    (void)data;
    produce(world, 0, 0, NULL);
    flush(world);
    struct kafka_ahead_partition *partition = begin(world, 0, 0);
    g_assert_cmpint(take_all(partition, 0, 0), ==, 1);
    g_assert_null(kafka_ahead_take(partition, 0));
    for (int i = 1; i < 20; i++) {
        produce(world, 0, i, NULL);
        flush(world);
        g_assert_cmpint(take_all(partition, 0, i), ==, 1);
    }
    kafka_ahead_stop(partition);
}

/* The header's frame goes before the value; a header of another length is none. */
static void test_header(struct world *world, const void *data)
{
    (void)data;
    const char frame[FRAME_ID_BYTES] = {FRAME_ID, 0, 0, 0, 7};
    rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
    rd_kafka_header_add(headers, "__value_schema_id", -1, frame, sizeof frame);
    produce(world, 0, 0, headers);
    rd_kafka_header_add(headers, "__value_schema_id", -1, frame, sizeof frame - 1);
    produce(world, 0, 1, headers);
    rd_kafka_headers_destroy(headers);
    flush(world);
    struct kafka_ahead_partition *partition = begin(world, 0, 0);
    int number = 0;
    while (number < 2) {
        g_autofree struct kafka_page *page = kafka_ahead_take(partition, WAIT_MS);
        g_assert_nonnull(page);
        for (size_t i = 0; i < page->count; i++, number++) {
            const struct kafka_page_record *record = &page->records[i];
            const size_t more = number == 0 ? sizeof frame : 0;
            g_assert_cmpuint(record->value_len, ==, sizeof(int) + FILL_BYTES + more);
            g_assert_true(memcmp(page->bytes + record->at + record->key_len, frame, more) == 0);
        }
    }
    kafka_ahead_stop(partition);
}

static void test_error(struct world *world, const void *data)
{
    (void)data;
    produce(world, 0, 0, NULL);
    flush(world);
    struct kafka_ahead_partition *partition = begin(world, 0, 5);
    g_autofree struct kafka_page *page = kafka_ahead_take(partition, WAIT_MS);
    g_assert_nonnull(page);
    g_assert_cmpint(page->kind, ==, KAFKA_PAGE_ERROR);
    g_assert_cmpint(page->code, ==, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET);
    g_assert_cmpuint(strlen(page->bytes), >, 0);
    kafka_ahead_stop(partition);
    kafka_ahead_stop(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (kafka_mock_missing()) {
        kafka_mock_add_skipped("/bus/kafka_ahead");
        return g_test_run();
    }
    const struct {
        const char *name;
        void (*run)(struct world *world, const void *data);
    } tests[] = {
        {"/bus/kafka_ahead/bound", test_bound}, {"/bus/kafka_ahead/anew", test_anew},
        {"/bus/kafka_ahead/later", test_later}, {"/bus/kafka_ahead/header", test_header},
        {"/bus/kafka_ahead/error", test_error},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, struct world, NULL, world_open, tests[i].run, world_close);
    return g_test_run();
}
