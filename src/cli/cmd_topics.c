/* marquee topics: what stands on the bus, decoded. Reads only; no group's offsets move. */
#include <stdio.h>
#include <string.h>

#include "base/embedded.h"
#include "base/stop.h"
#include "bus/bus.h"
#include "bus/serde.h"
#include "cli/app.h"
#include "cli/commands.h"

#define FETCH_BYTES  ((size_t)1024 * 1024)
#define TAIL_DEFAULT 10

struct reader {
    struct app *app;
    struct bus *bus;
    struct registry *registry;
    struct serde *serde;
    struct arena *arena;        /* a list of topics */
    struct arena *record_arena; /* one batch */
    GString *line;
    struct schema *schemas[TOPIC_COUNT];
    void *record; /* large enough for any type */
};

static bool schemas_load(struct reader *reader, GError **error)
{
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        size_t len;
        const char *json = embedded_text(topic_info((enum topic)topic)->schema_path, &len);
        if (!(reader->schemas[topic] = schema_parse(json, len, error)))
            return false;
    }
    return true;
}

static bool reader_open(struct reader *reader, struct app *app, GError **error)
{
    *reader = (struct reader){.app = app};
    reader->arena = arena_new();
    reader->record_arena = arena_new();
    reader->line = g_string_new(NULL);
    size_t size = 0;
    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        size = MAX(size, topic_info((enum topic)topic)->type->size);
    reader->record = g_malloc0(size);
    return (reader->bus = bus_open(&app->context, error)) &&
           (reader->registry = registry_open(&app->context, error)) &&
           (reader->serde = serde_new(reader->registry, error)) && schemas_load(reader, error);
}

static void reader_close(struct reader *reader)
{
    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        schema_free(reader->schemas[topic]);
    serde_free(reader->serde);
    registry_close(reader->registry);
    bus_close(reader->bus);
    arena_free(reader->arena);
    arena_free(reader->record_arena);
    g_string_free(reader->line, TRUE);
    g_free(reader->record);
}

static void append_hex(GString *out, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        g_string_append_printf(out, "%02x", (unsigned)(unsigned char)bytes.data[i]);
}

/* One line: topic, partition, offset, append time, and the value as the contract's JSON, or why it
 * can't be read. */
static void print_record(struct reader *reader,
                         const struct topic_info *info,
                         const char *topic,
                         int partition,
                         const struct bus_record *record)
{
    GString *line = reader->line;
    g_string_printf(line,
                    "{\"topic\":\"%s\",\"partition\":%d,\"offset\":%" G_GINT64_FORMAT
                    ",\"append_time\":%" G_GINT64_FORMAT ",\"value\":",
                    topic, partition, record->offset, record->append_time_ms);
    g_autoptr(GError) error = NULL;
    if (info && serde_decode(reader->serde, info->id, record->value, reader->record_arena,
                             reader->record, &error)) {
        record_to_json(info->type, reader->schemas[info->id], reader->record, line);
    } else {
        g_autofree char *reason =
            g_strescape(error ? error->message : "no contract has this topic", NULL);
        g_string_append_printf(line, "{\"_bad\":\"%s\",\"bytes\":\"", reason);
        append_hex(line, record->value);
        g_string_append(line, "\"}");
    }
    g_string_append(line, "}\n");
    fwrite(line->str, 1, line->len, stdout);
}

/* All records of one partition from offset to what was its end when it began. */
static bool print_partition(struct reader *reader,
                            const char *topic,
                            int partition,
                            int64_t offset,
                            int64_t end,
                            GError **error)
{
    const struct topic_info *info = topic_by_name(topic);
    while (offset < end && !stop_requested(reader->app->context.stop)) {
        struct bus_batch batch;
        arena_reset(reader->record_arena);
        if (!bus_fetch(reader->bus, topic, partition, offset, FETCH_BYTES, reader->record_arena,
                       &batch, error))
            return false;
        for (size_t i = 0; i < batch.count && batch.records[i].offset < end; i++)
            print_record(reader, info, topic, partition, &batch.records[i]);
        if (batch.next_offset <= offset)
            break;
        offset = batch.next_offset;
    }
    return true;
}

static bool
list_topics(struct reader *reader, const struct bus_topic *topics, size_t count, GError **error)
{
    bool json = reader->app->options.json;
    if (!json)
        printf("%-24s %10s %14s %14s\n", "TOPIC", "PARTITIONS", "KEPT RECORDS", "END OFFSETS");
    for (size_t i = 0; i < count; i++) {
        int64_t kept = 0, total = 0;
        for (int partition = 0; partition < topics[i].partitions; partition++) {
            int64_t start, end;
            if (!bus_offsets(reader->bus, topics[i].name, partition, &start, &end, error))
                return false;
            kept += end - start;
            total += end;
        }
        printf(json ? "{\"topic\":\"%s\",\"partitions\":%d,\"kept_records\":%" G_GINT64_FORMAT
                      ",\"end_offsets\":%" G_GINT64_FORMAT "}\n"
                    : "%-24s %10d %14" G_GINT64_FORMAT " %14" G_GINT64_FORMAT "\n",
               topics[i].name, topics[i].partitions, kept, total);
    }
    return true;
}

/* tail_count < 0: everything that is kept. */
static bool print_topic(struct reader *reader,
                        const struct bus_topic *topic,
                        int64_t tail_count,
                        GError **error)
{
    for (int partition = 0; partition < topic->partitions; partition++) {
        int64_t start, end;
        if (!bus_offsets(reader->bus, topic->name, partition, &start, &end, error))
            return false;
        int64_t from = tail_count < 0 ? start : MAX(start, end - tail_count);
        if (!print_partition(reader, topic->name, partition, from, end, error))
            return false;
    }
    return true;
}

static bool topics_command(struct reader *reader,
                           const char *verb,
                           const char *name,
                           int tail_count,
                           bool *ret_known,
                           GError **error)
{
    struct bus_topic *topics;
    size_t count;
    bool list = g_str_equal(verb, "list"), found = false;
    *ret_known = true;
    if (!bus_topics(reader->bus, reader->arena, &topics, &count, error))
        return false;
    if (list)
        return list_topics(reader, topics, count, error);
    for (size_t i = 0; i < count; i++) {
        if (name && !g_str_equal(name, topics[i].name))
            continue;
        found = true;
        if (!print_topic(reader, &topics[i], g_str_equal(verb, "dump") ? -1 : tail_count, error))
            return false;
    }
    *ret_known = found || !name;
    return true;
}

int cmd_topics(int argc, char **argv)
{
    struct app app = {0};
    int tail_count = TAIL_DEFAULT;
    const GOptionEntry extra[] = {
        {"records", 'n', 0, G_OPTION_ARG_INT, &tail_count, "tail: records of each partition", "N"},
        G_OPTION_ENTRY_NULL,
    };
    bool parsed = app_parse(&app, &argc, &argv, "[list | tail TOPIC | dump [TOPIC]]",
                            "list: the topics with what they hold (default).\n"
                            "tail: the last records of a topic, decoded, as JSON lines.\n"
                            "dump: everything the bus keeps, as JSON lines.",
                            extra);
    const char *verb = argc > 1 ? argv[1] : "list", *name = argc > 2 ? argv[2] : NULL;
    int code = EXIT_USAGE;
    if (parsed && !g_str_equal(verb, "list") && !g_str_equal(verb, "tail") &&
        !g_str_equal(verb, "dump"))
        app_usage("topics", "expected list, tail or dump, found \"%s\"", verb);
    else if (parsed && g_str_equal(verb, "tail") && (!name || tail_count < 1))
        app_usage("topics", "tail needs a topic, and -n at least 1");
    else if (parsed && app_takes_no_more(argc, argv, g_str_equal(verb, "list") ? 2 : 3) &&
             app_start(&app)) {
        struct reader reader;
        g_autoptr(GError) error = NULL;
        bool known = true;
        code = EXIT_DONE;
        if (!reader_open(&reader, &app, &error) ||
            !topics_command(&reader, verb, name, tail_count, &known, &error))
            code = app_fail(error);
        else if (!known)
            code = app_usage(
                "topics", "there is no topic \"%s\" on this bus; `marquee topics list` shows them",
                name);
        reader_close(&reader);
    }
    app_end(&app);
    return code;
}
