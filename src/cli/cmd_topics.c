/* marquee topics: what stands on the bus, decoded. Reads only, but for reset. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/embedded.h"
#include "base/stop.h"
#include "bus/bus.h"
#include "bus/serde.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "cli/topics.h"

#define FETCH_BYTES    ((size_t)1024 * 1024)
#define TAIL_DEFAULT   10
#define FOLLOW_WAIT_MS 200 /* before an end is looked at again */

struct reader {
    struct topics_reader shared;
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
    *reader = (struct reader){.shared = {.app = app, .arena = arena_new()}};
    reader->record_arena = arena_new();
    reader->line = g_string_new(NULL);
    size_t size = 0;
    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        size = MAX(size, topic_info((enum topic)topic)->type->size);
    reader->record = g_malloc0(size);
    struct topics_reader *shared = &reader->shared;
    return (shared->bus = bus_open(&app->context, error)) &&
           (shared->registry = registry_open(&app->context, error)) &&
           (shared->serde = serde_new(shared->registry, error)) && schemas_load(reader, error);
}

static void reader_close(struct reader *reader)
{
    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        schema_free(reader->schemas[topic]);
    serde_free(reader->shared.serde);
    registry_close(reader->shared.registry);
    bus_close(reader->shared.bus);
    arena_free(reader->shared.arena);
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
    if (info && serde_decode(reader->shared.serde, info->id, record->value, reader->record_arena,
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

/* The records of one partition from *offset to end, or to the wish to stop; moves the offset. */
static bool print_partition(struct reader *reader,
                            const char *topic,
                            int partition,
                            int64_t *offset,
                            int64_t end,
                            GError **error)
{
    const struct topic_info *info = topic_by_name(topic);
    while (*offset < end && !stop_requested(reader->shared.app->context.stop)) {
        struct bus_batch batch;
        arena_reset(reader->record_arena);
        if (!bus_fetch(reader->shared.bus, topic, partition, *offset, FETCH_BYTES,
                       reader->record_arena, &batch, error))
            return false;
        for (size_t i = 0; i < batch.count && batch.records[i].offset < end; i++)
            print_record(reader, info, topic, partition, &batch.records[i]);
        if (batch.next_offset <= *offset)
            break;
        *offset = batch.next_offset;
    }
    return true;
}

/* Also what a later end than the last one brought is written out by now. */
static bool flush_output(GError **error)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    error_set(error, FAILED, "standard output can't be written: %s", g_strerror(errno));
    return false;
}

static bool list_topics(struct reader *reader,
                        const struct bus_topic *topics,
                        size_t count,
                        bool internal,
                        GError **error)
{
    bool json = reader->shared.app->options.json;
    if (!json)
        printf("%-24s %10s %14s %14s\n", "TOPIC", "PARTITIONS", "KEPT RECORDS", "END OFFSETS");
    for (size_t i = 0; i < count; i++) {
        int64_t kept = 0, total = 0;
        if (topic_internal(topics[i].name) && !internal)
            continue;
        for (int partition = 0; partition < topics[i].partitions; partition++) {
            int64_t start, end;
            if (!bus_offsets(reader->shared.bus, topics[i].name, partition, &start, &end, error))
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

/* How `tail` and `dump` are to be done. */
struct tail {
    int count; /* of each partition; below 0: everything that is kept */
    bool follow;
};

/* Goes on from the offsets until the wish to stop. */
static bool
follow_topic(struct reader *reader, const struct bus_topic *topic, int64_t *offsets, GError **error)
{
    const struct stop *stop = reader->shared.app->context.stop;
    while (flush_output(error)) {
        if (stop_wait_ms(stop, FOLLOW_WAIT_MS))
            return true;
        for (int partition = 0; partition < topic->partitions; partition++) {
            int64_t start, end;
            if (!bus_offsets(reader->shared.bus, topic->name, partition, &start, &end, error))
                return false;
            offsets[partition] = MAX(offsets[partition], start);
            if (!print_partition(reader, topic->name, partition, &offsets[partition], end, error))
                return false;
        }
    }
    return false;
}

static bool print_topic(struct reader *reader,
                        const struct bus_topic *topic,
                        const struct tail *tail,
                        GError **error)
{
    int64_t *offsets = arena_array(reader->shared.arena, int64_t, (size_t)topic->partitions);
    for (int partition = 0; partition < topic->partitions; partition++) {
        int64_t start, end;
        if (!bus_offsets(reader->shared.bus, topic->name, partition, &start, &end, error))
            return false;
        offsets[partition] = tail->count < 0 ? start : MAX(start, end - tail->count);
        if (!print_partition(reader, topic->name, partition, &offsets[partition], end, error))
            return false;
    }
    return tail->follow ? follow_topic(reader, topic, offsets, error) : flush_output(error);
}

/* ---- the command line ---- */

struct request {
    const char *verb, *topic; /* topic NULL: all, where the verb takes that */
    int records, partition;
    gboolean follow, yes, internal;
    char *group, *to;
    const char *reset_group;
};

static bool run_verb(struct reader *reader,
                     const struct request *request,
                     const struct bus_topic *topic,
                     GError **error)
{
    if (g_str_equal(request->verb, "describe"))
        return topics_describe(&reader->shared, topic, request->group, error);
    if (g_str_equal(request->verb, "reset"))
        return topics_reset(&reader->shared, topic,
                            &(struct topics_reset){.group = request->reset_group,
                                                   .to = request->to,
                                                   .partition = request->partition,
                                                   .yes = request->yes},
                            error);
    bool dump = g_str_equal(request->verb, "dump");
    return print_topic(reader, topic, &(struct tail){dump ? -1 : request->records, request->follow},
                       error);
}

static bool topics_command(struct reader *reader,
                           const struct request *request,
                           bool *ret_known,
                           GError **error)
{
    struct bus_topic *topics;
    size_t count;
    bool found = false;
    *ret_known = true;
    if (!bus_topics(reader->shared.bus, reader->shared.arena, &topics, &count, error))
        return false;
    if (g_str_equal(request->verb, "list"))
        return list_topics(reader, topics, count, request->internal, error);
    for (size_t i = 0; i < count; i++) {
        if (request->topic ? !g_str_equal(request->topic, topics[i].name)
                           : topic_internal(topics[i].name) && !request->internal)
            continue;
        found = true;
        if (!run_verb(reader, request, &topics[i], error))
            return false;
    }
    *ret_known = found || !request->topic;
    return true;
}

/* Whether the words and options go together; else why not stands on stderr. */
static bool check_request(struct request *request, int argc, char **argv)
{
    const char *verb = request->verb;
    bool list = g_str_equal(verb, "list"), tail = g_str_equal(verb, "tail"),
         describe = g_str_equal(verb, "describe"), reset = g_str_equal(verb, "reset");
    if (!list && !tail && !describe && !reset && !g_str_equal(verb, "dump")) {
        app_usage("topics", "expected list, describe, tail, dump or reset, found \"%s\"", verb);
        return false;
    }
    int topic_at = reset ? 3 : 2;
    request->topic = argc > topic_at ? argv[topic_at] : NULL;
    request->reset_group = reset && argc > 2 ? argv[2] : NULL;
    if (tail && (!request->topic || request->records < 1))
        app_usage("topics", "tail needs a topic, and -n at least 1");
    else if (describe && !request->topic)
        app_usage("topics", "describe needs a topic");
    else if (reset && (!request->topic || !request->to))
        app_usage("topics", "reset needs a group, a topic and --to");
    else if (request->follow && !tail)
        app_usage("topics", "--follow goes with tail");
    else if (request->group && !describe)
        app_usage("topics", "--group goes with describe");
    else if ((request->to || request->yes || request->partition != -1) && !reset)
        app_usage("topics", "--to, --partition and --yes go with reset");
    else if (request->internal && (!list && request->topic))
        app_usage("topics", "--internal goes with list, and with dump of all topics");
    else if (request->partition < -1)
        app_usage("topics", "--partition: expected 0 or more, found %d", request->partition);
    else
        return app_takes_no_more(argc, argv, list ? 2 : topic_at + 1);
    return false;
}

static int run_request(struct app *app, const struct request *request)
{
    struct reader reader;
    g_autoptr(GError) error = NULL;
    bool known = true;
    int code = EXIT_DONE;
    if (!reader_open(&reader, app, &error) || !topics_command(&reader, request, &known, &error))
        code = app_fail(error);
    else if (!known)
        code = app_usage("topics",
                         "there is no topic \"%s\" on this bus; `marquee topics list` shows them",
                         request->topic);
    reader_close(&reader);
    return code;
}

int cmd_topics(int argc, char **argv)
{
    struct app app = {0};
    struct request request = {.records = TAIL_DEFAULT, .partition = -1};
    const GOptionEntry extra[] = {
        {"records", 'n', 0, G_OPTION_ARG_INT, &request.records, "tail: records of each partition",
         "N"},
        {"follow", 'f', 0, G_OPTION_ARG_NONE, &request.follow,
         "tail: go on with what is appended, until Ctrl-C", NULL},
        {"group", 0, 0, G_OPTION_ARG_STRING, &request.group,
         "describe: also how far this group has read", "GROUP"},
        {"to", 0, 0, G_OPTION_ARG_STRING, &request.to, "reset: earliest, latest or an offset",
         "WHERE"},
        {"partition", 0, 0, G_OPTION_ARG_INT, &request.partition, "reset: this one alone", "P"},
        {"internal", 0, 0, G_OPTION_ARG_NONE, &request.internal,
         "list, dump: also what the stream engine keeps for itself on Kafka", NULL},
        {"yes", 0, 0, G_OPTION_ARG_NONE, &request.yes, "reset: don't ask", NULL},
        G_OPTION_ENTRY_NULL,
    };
    bool parsed = app_parse(
        &app, &argc, &argv,
        "[list | describe TOPIC | tail TOPIC | dump [TOPIC] | reset GROUP TOPIC --to WHERE]",
        "list: the topics with what they hold (default).\n"
        "describe: a topic's partitions, who has read how far, its contract.\n"
        "tail: the last records of a topic, decoded, as JSON lines.\n"
        "dump: everything the bus keeps, as JSON lines.\n"
        "reset: moves a group's committed offsets.",
        extra);
    request.verb = argc > 1 ? argv[1] : "list";
    int code = EXIT_USAGE;
    if (parsed && check_request(&request, argc, argv) && app_start(&app))
        code = run_request(&app, &request);
    app_end(&app);
    g_free(request.group);
    g_free(request.to);
    return code;
}
