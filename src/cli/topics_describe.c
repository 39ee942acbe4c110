/* marquee topics describe TOPIC: partitions, who has read how far, and the contract. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/embedded.h"
#include "base/json_writer.h"
#include "cli/topics.h"
#include "stream/stream_status.h"

#define UNKNOWN INT64_C(-1) /* an offset that nobody has committed */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

/* One reader of the topic. */
struct group {
    const char *name;
    int64_t *offsets; /* a partition: of the next record, or UNKNOWN */
};

struct description {
    const struct bus_topic *topic;
    int64_t *starts, *ends;   /* a partition */
    GArray *groups;           /* struct group */
    GPtrArray *names, *types; /* of the contract's fields; char *, owned */
    const char *subject;      /* NULL: no contract has this topic */
    int32_t schema_id;
};

static int64_t *new_offsets(struct topics_reader *reader, const struct description *description)
{
    return arena_array(reader->arena, int64_t, (size_t)description->topic->partitions);
}

static bool read_ends(struct topics_reader *reader, struct description *description, GError **error)
{
    description->starts = new_offsets(reader, description);
    description->ends = new_offsets(reader, description);
    for (int i = 0; i < description->topic->partitions; i++)
        if (!bus_offsets(reader->bus, description->topic->name, i, &description->starts[i],
                         &description->ends[i], error))
            return false;
    return true;
}

/* A group that never committed anything here isn't shown, unless it was asked for. */
static bool read_group(struct topics_reader *reader,
                       struct description *description,
                       const char *name,
                       bool asked_for,
                       GError **error)
{
    struct group group = {name, new_offsets(reader, description)};
    bool committed = asked_for;
    for (int i = 0; i < description->topic->partitions; i++) {
        if (!bus_group_offset(reader->bus, name, description->topic->name, i, &group.offsets[i],
                              error))
            return false;
        committed = committed || group.offsets[i] > 0;
    }
    if (committed)
        g_array_append_val(description->groups, group);
    return true;
}

/* The stream keeps its offsets beside its state, not on the bus. */
static bool
read_stream(struct topics_reader *reader, struct description *description, GError **error)
{
    struct stream_status status;
    g_autoptr(GError) why = NULL;
    if (!stream_status_read(&reader->app->context, reader->arena, &status, &why)) {
        if (error_is(why, NOTFOUND))
            return true;
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    struct group group = {TOPICS_GROUP_STREAM, new_offsets(reader, description)};
    bool reads = false;
    for (int i = 0; i < description->topic->partitions; i++)
        group.offsets[i] = UNKNOWN;
    for (size_t i = 0; i < status.partitions_count; i++) {
        const struct stream_partition_status *partition = &status.partitions[i];
        if (!g_str_equal(partition->topic, description->topic->name) ||
            partition->partition >= description->topic->partitions)
            continue;
        group.offsets[partition->partition] = partition->next_offset;
        reads = true;
    }
    if (reads)
        g_array_append_val(description->groups, group);
    return true;
}

static char *type_text(const json_t *type);

static char *union_text(const json_t *branches)
{
    GString *text = g_string_new(NULL);
    size_t index;
    const json_t *branch;
    json_array_foreach(branches, index, branch)
    {
        g_autofree char *part = type_text(branch);
        g_string_append_printf(text, "%s%s", index ? " or " : "", part);
    }
    return g_string_free(text, FALSE);
}

/* "TrendingMovie {rank int, title null or string}". */
static char *record_text(const json_t *record)
{
    GString *text = g_string_new(json_string_value(json_object_get(record, "name")));
    const json_t *fields = json_object_get(record, "fields"), *field;
    size_t index;
    g_string_append(text, " {");
    json_array_foreach(fields, index, field)
    {
        g_autofree char *part = type_text(json_object_get(field, "type"));
        g_string_append_printf(text, "%s%s %s", index ? ", " : "",
                               json_string_value(json_object_get(field, "name")), part);
    }
    g_string_append(text, "}");
    return g_string_free(text, FALSE);
}

static char *enum_text(const json_t *type)
{
    GString *text = g_string_new("enum {");
    const json_t *symbols = json_object_get(type, "symbols"), *symbol;
    size_t index;
    json_array_foreach(symbols, index, symbol)
        g_string_append_printf(text, "%s%s", index ? ", " : "", json_string_value(symbol));
    g_string_append(text, "}");
    return g_string_free(text, FALSE);
}

/* An Avro type as a person says it. The contracts are ours and were parsed before. */
static char *type_text(const json_t *type)
{
    if (json_is_string(type))
        return g_strdup(json_string_value(type));
    if (json_is_array(type))
        return union_text(type);
    const char *logical = json_string_value(json_object_get(type, "logicalType"));
    if (logical)
        return g_strdup(logical);
    const char *name = json_string_value(json_object_get(type, "type"));
    if (g_strcmp0(name, "enum") == 0)
        return enum_text(type);
    if (g_strcmp0(name, "record") == 0)
        return record_text(type);
    if (g_strcmp0(name, "array") == 0) {
        g_autofree char *items = type_text(json_object_get(type, "items"));
        return g_strdup_printf("array of %s", items);
    }
    return g_strdup(name ? name : "?");
}

static bool
read_contract(struct topics_reader *reader, struct description *description, GError **error)
{
    const struct topic_info *info = topic_by_name(description->topic->name);
    if (!info)
        return true;
    size_t len, index;
    const char *contract = embedded_text(info->schema_path, &len);
    if (!registry_register(reader->registry, info->subject, contract, &description->schema_id,
                           error))
        return false;
    description->subject = info->subject;
    g_autoptr(json_t) root = json_loadb(contract, len, 0, NULL);
    const json_t *fields = json_object_get(root, "fields"), *field;
    json_array_foreach(fields, index, field)
    {
        const char *name = json_string_value(json_object_get(field, "name"));
        g_ptr_array_add(description->names, g_strdup(name));
        g_ptr_array_add(description->types, type_text(json_object_get(field, "type")));
    }
    return true;
}

static void print_offset(int64_t offset)
{
    if (offset == UNKNOWN)
        printf(" %14s", "-");
    else
        printf(" %14" G_GINT64_FORMAT, offset);
}

static void print_partitions(const struct description *description)
{
    printf("%-9s %14s %14s", "PARTITION", "START", "END");
    for (unsigned i = 0; i < description->groups->len; i++)
        printf(" %14.14s %14s", g_array_index(description->groups, struct group, i).name, "LAG");
    putchar('\n');
    for (int i = 0; i < description->topic->partitions; i++) {
        printf("%-9d %14" G_GINT64_FORMAT " %14" G_GINT64_FORMAT, i, description->starts[i],
               description->ends[i]);
        for (unsigned j = 0; j < description->groups->len; j++) {
            int64_t offset = g_array_index(description->groups, struct group, j).offsets[i];
            print_offset(offset);
            print_offset(offset == UNKNOWN ? UNKNOWN : description->ends[i] - offset);
        }
        putchar('\n');
    }
}

static char *retention_text(const struct topics_reader *reader)
{
    int64_t minutes = reader->app->config->bus_retention_ms / MS_PER_MINUTE;
    int64_t days = minutes / (24 * 60), hours = minutes / 60 % 24;
    minutes %= 60;
    return g_strdup_printf("%" G_GINT64_FORMAT " d %" G_GINT64_FORMAT " h %" G_GINT64_FORMAT
                           " min (bus.retention)",
                           days, hours, minutes);
}

static void print_text(const struct topics_reader *reader, const struct description *description)
{
    g_autofree char *retention = retention_text(reader);
    printf("topic      %s\nkept       %s\n", description->topic->name, retention);
    if (description->subject)
        printf("schema     %s, id %d\n", description->subject, description->schema_id);
    else
        printf("schema     none: no contract has this topic\n");
    putchar('\n');
    print_partitions(description);
    if (description->names->len)
        printf("\n%-16s %s\n", "FIELD", "TYPE");
    for (unsigned i = 0; i < description->names->len; i++)
        printf("%-16s %s\n", (const char *)description->names->pdata[i],
               (const char *)description->types->pdata[i]);
}

static void write_group(GString *out, const struct group *group, int partition, int64_t end)
{
    json_write_key(out, group->name);
    json_write_object(out);
    if (group->offsets[partition] == UNKNOWN) {
        json_add_null(out, "offset");
        json_add_null(out, "lag");
    } else {
        json_add_int(out, "offset", group->offsets[partition]);
        json_add_int(out, "lag", end - group->offsets[partition]);
    }
    json_write_object_end(out);
}

static void write_partitions(GString *out, const struct description *description)
{
    json_write_key(out, "partitions");
    json_write_array(out);
    for (int i = 0; i < description->topic->partitions; i++) {
        json_write_object(out);
        json_add_int(out, "partition", i);
        json_add_int(out, "start", description->starts[i]);
        json_add_int(out, "end", description->ends[i]);
        json_write_key(out, "groups");
        json_write_object(out);
        for (unsigned j = 0; j < description->groups->len; j++)
            write_group(out, &g_array_index(description->groups, struct group, j), i,
                        description->ends[i]);
        json_write_object_end(out);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void print_json(const struct topics_reader *reader, const struct description *description)
{
    g_autoptr(GString) out = g_string_new(NULL);
    json_write_object(out);
    json_add_string(out, "topic", description->topic->name);
    json_add_int(out, "retention_ms", reader->app->config->bus_retention_ms);
    json_add_string(out, "subject", description->subject);
    if (description->subject)
        json_add_int(out, "schema_id", description->schema_id);
    else
        json_add_null(out, "schema_id");
    json_write_key(out, "fields");
    json_write_array(out);
    for (unsigned i = 0; i < description->names->len; i++) {
        json_write_object(out);
        json_add_string(out, "name", description->names->pdata[i]);
        json_add_string(out, "type", description->types->pdata[i]);
        json_write_object_end(out);
    }
    json_write_array_end(out);
    write_partitions(out, description);
    json_write_object_end(out);
    puts(out->str);
}

bool topics_describe(struct topics_reader *reader,
                     const struct bus_topic *topic,
                     const char *group,
                     GError **error)
{
    struct description description = {
        .topic = topic,
        .groups = g_array_new(FALSE, FALSE, sizeof(struct group)),
        .names = g_ptr_array_new_with_free_func(g_free),
        .types = g_ptr_array_new_with_free_func(g_free),
    };
    bool done = read_ends(reader, &description, error) &&
                read_stream(reader, &description, error) &&
                read_group(reader, &description, BUS_GROUP_ARCHIVE, false, error) &&
                (!group || read_group(reader, &description, group, true, error)) &&
                read_contract(reader, &description, error);
    if (done && reader->app->options.json)
        print_json(reader, &description);
    else if (done)
        print_text(reader, &description);
    g_array_unref(description.groups);
    g_ptr_array_unref(description.names);
    g_ptr_array_unref(description.types);
    return done;
}
