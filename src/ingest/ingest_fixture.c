#include "ingest/ingest_fixture.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "bus/bus.h"
#include "bus/serde.h"
#include "lake/lake.h"

#define FETCH_BYTES ((size_t)1024 * 1024)

void ingest_fixture_open(struct ingest_fixture *fixture, struct clock *clock)
{
    g_autoptr(GError) error = NULL;
    *fixture = (struct ingest_fixture){.config = config_new_default(), .arena = arena_new()};
    struct config *config = fixture->config;
    fixture->folder = g_dir_make_tmp("marquee-ingest-XXXXXX", &error);
    g_assert_no_error(error);
    g_free(config->data_dir);
    config->data_dir = g_strdup(fixture->folder);
    config->ingest_retry_base_ms = 1;
    config->ingest_retry_cap_ms = 8;
    config->ingest_retry_max = 2;
    g_autofree char *path = g_build_filename(fixture->folder, "log", NULL);
    fixture->log_fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    g_assert_cmpint(fixture->log_fd, >=, 0);
    fixture->context =
        (struct context){.config = config,
                         .clock = clock,
                         .log = log_new(fixture->log_fd, LOG_LEVEL_DEBUG, LOG_FORMAT_JSON, clock),
                         .metrics = metrics_new(),
                         .stop = stop_new()};
}

static void remove_all(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *inside = g_build_filename(path, name, NULL);
        remove_all(inside);
    }
    g_assert_cmpint(g_remove(path), ==, 0);
}

void ingest_fixture_close(struct ingest_fixture *fixture)
{
    log_free(fixture->context.log);
    metrics_free(fixture->context.metrics);
    stop_free(fixture->context.stop);
    clock_free(fixture->context.clock);
    config_free(fixture->config);
    arena_free(fixture->arena);
    close(fixture->log_fd);
    remove_all(fixture->folder);
    g_free(fixture->folder);
}

char *ingest_fixture_log(struct ingest_fixture *fixture)
{
    g_autofree char *path = g_build_filename(fixture->folder, "log", NULL);
    char *text;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

size_t ingest_fixture_log_count(struct ingest_fixture *fixture, const char *text)
{
    g_autofree char *log = ingest_fixture_log(fixture);
    g_auto(GStrv) lines = g_strsplit(log, "\n", -1);
    size_t count = 0;
    for (char **line = lines; *line; line++)
        count += strstr(*line, text) ? 1 : 0;
    return count;
}

static void read_partition(struct ingest_fixture *fixture,
                           struct bus *bus,
                           struct serde *serde,
                           const struct topic_info *info,
                           int partition,
                           GByteArray *out)
{
    g_autofree void *record = g_malloc0(info->type->size);
    struct bus_batch batch = {0};
    g_autoptr(GError) error = NULL;
    do {
        bool fetched = bus_fetch(bus, info->name, partition, batch.next_offset, FETCH_BYTES,
                                 fixture->arena, &batch, &error);
        if (error_is(error, NOTFOUND))
            return; /* nobody has made the topic yet */
        g_assert_no_error(error);
        g_assert_true(fetched);
        for (size_t i = 0; i < batch.count; i++) {
            bool decoded = serde_decode(serde, info->id, batch.records[i].value, fixture->arena,
                                        record, &error);
            g_assert_no_error(error);
            g_assert_true(decoded);
            g_byte_array_append(out, record, (unsigned)info->type->size);
        }
    } while (batch.next_offset < batch.end_offset);
}

void *ingest_fixture_records(struct ingest_fixture *fixture, enum topic topic, size_t *ret_count)
{
    const struct topic_info *info = topic_info(topic);
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) out = g_byte_array_new();
    struct registry *registry = registry_open(&fixture->context, &error);
    g_assert_no_error(error);
    struct serde *serde = serde_new(registry, &error);
    g_assert_no_error(error);
    struct bus *bus = bus_open(&fixture->context, &error);
    g_assert_no_error(error);
    for (int p = 0; p < (int)fixture->config->bus_partitions; p++)
        read_partition(fixture, bus, serde, info, p, out);
    bus_close(bus);
    serde_free(serde);
    registry_close(registry);
    *ret_count = out->len / info->type->size;
    void *records = arena_alloc(fixture->arena, out->len + 1);
    if (out->len)
        memcpy(records, out->data, out->len);
    return records;
}

size_t ingest_fixture_objects(struct ingest_fixture *fixture, const char *prefix)
{
    struct lake_object *objects;
    size_t count;
    g_autoptr(GError) error = NULL;
    struct lake *lake = lake_open(&fixture->context, &error);
    g_assert_no_error(error);
    g_assert_true(lake_list(lake, prefix, fixture->arena, &objects, &count, &error));
    lake_close(lake);
    return count;
}
