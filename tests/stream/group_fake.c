#include "group_fake.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus_backend.h"
#include "bus/bus_member_backend.h"

#define FETCH_BYTES ((size_t)1 << 20)
#define NOBODY      NULL

struct group_fake {
    struct bus *log;
    struct group_fake_faults faults;
    GRand *random;
    GHashTable *committed; /* "topic/partition" -> int64_t */
    GHashTable *starts;    /* the same: below it nothing can be read; not kept over lives */
    GPtrArray *members;    /* struct fake_member *, in the order of joining */
    int partitions;
    struct fake_member **owners; /* of each partition */
};

struct fake_bus {
    struct bus bus;
    struct bus *reader;
    struct group_fake *group;
};

struct fake_member {
    struct bus_member base;
    struct group_fake *group;
    char *instance;
    GArray *given;     /* int: to be told */
    GArray *taken;     /* int: to be told */
    GArray *releasing; /* int: told, not yet released */
    bool lost;         /* to be told */
    bool fenced;       /* another has its instance */
    bool open;         /* a transaction */
    bool stale;        /* the group moved on while it was open */
    GArray *messages;  /* struct bus_message, with copies of their bytes in room */
    GString *offsets;  /* of the transaction, as a record of GROUP_FAKE_OFFSETS */
    GArray *positions; /* struct bus_position */
    struct arena *room;
};

static const struct bus_ops fake_ops;
static const struct bus_member_ops member_ops;

/* ---- the group ---- */

static char *place(const char *topic, int partition)
{
    return g_strdup_printf("%s/%d", topic, partition);
}

static void take_offsets(struct group_fake *group, struct span text)
{
    g_autofree char *copy = g_strndup(text.data, text.len);
    g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
    for (char **line = lines; *line && **line; line++) {
        char *space = strchr(*line, ' ');
        int64_t offset = g_ascii_strtoll(space + 1, NULL, 10);
        g_hash_table_replace(group->committed, g_strndup(*line, (gsize)(space - *line)),
                             g_memdup2(&offset, sizeof offset));
    }
}

static void read_offsets(struct group_fake *group)
{
    struct arena *arena = arena_new();
    GError *error = NULL;
    struct bus_batch batch;
    int64_t at = 0;
    do {
        arena_reset(arena);
        bool fetched =
            bus_fetch(group->log, GROUP_FAKE_OFFSETS, 0, at, FETCH_BYTES, arena, &batch, &error);
        g_assert_no_error(error);
        g_assert_true(fetched);
        for (size_t i = 0; i < batch.count; i++)
            take_offsets(group, batch.records[i].value);
        at = batch.next_offset;
    } while (batch.count > 0);
    arena_free(arena);
}

struct group_fake *group_fake_new(struct bus *log, struct group_fake_faults faults)
{
    struct group_fake *group = g_new0(struct group_fake, 1);
    GError *error = NULL;
    group->starts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    group->log = log;
    group->faults = faults;
    group->random = g_rand_new_with_seed(faults.seed);
    group->committed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    group->members = g_ptr_array_new();
    bool created = bus_create_topic(log, GROUP_FAKE_OFFSETS, 1, &error);
    g_assert_no_error(error);
    g_assert_true(created);
    read_offsets(group);
    return group;
}

void group_fake_free(struct group_fake *group)
{
    g_assert_cmpuint(group->members->len, ==, 0);
    g_ptr_array_unref(group->members);
    g_hash_table_unref(group->committed);
    g_hash_table_unref(group->starts);
    g_rand_free(group->random);
    g_free(group->owners);
    g_free(group);
}

static void remove_number(GArray *numbers, int number)
{
    for (guint i = numbers->len; i-- > 0;) {
        if (g_array_index(numbers, int, i) == number)
            g_array_remove_index(numbers, i);
    }
}

static bool has_number(const GArray *numbers, int number)
{
    for (guint i = 0; i < numbers->len; i++) {
        if (g_array_index(numbers, int, i) == number)
            return true;
    }
    return false;
}

static bool counts(const struct fake_member *member)
{
    return !member->lost && !member->fenced;
}

/* Partition p belongs to the (p mod n)-th of n members; an owner that shall not have it is asked
 * first, and only when it has released it the next one is told. */
static void rebalance(struct group_fake *group)
{
    g_autoptr(GPtrArray) live = g_ptr_array_new();
    for (guint i = 0; i < group->members->len; i++) {
        if (counts(group->members->pdata[i]))
            g_ptr_array_add(live, group->members->pdata[i]);
    }
    for (int p = 0; live->len > 0 && p < group->partitions; p++) {
        struct fake_member *wanted = live->pdata[(guint)p % live->len], *owner = group->owners[p];
        if (owner == wanted)
            continue;
        if (owner == NOBODY) {
            group->owners[p] = wanted;
            g_array_append_val(wanted->given, p);
        } else if (!has_number(owner->taken, p) && !has_number(owner->releasing, p)) {
            g_array_append_val(owner->taken, p);
        }
    }
}

static void give_up_all(struct group_fake *group, struct fake_member *member)
{
    for (int p = 0; p < group->partitions; p++) {
        if (group->owners[p] == member)
            group->owners[p] = NOBODY;
    }
    g_array_set_size(member->given, 0);
    g_array_set_size(member->taken, 0);
    g_array_set_size(member->releasing, 0);
    member->stale = member->open;
}

static void lose(struct group_fake *group, struct fake_member *member, bool fenced)
{
    give_up_all(group, member);
    member->lost = true;
    member->fenced = member->fenced || fenced;
    rebalance(group);
}

static struct fake_member *find_member(struct group_fake *group, const char *instance)
{
    for (guint i = group->members->len; i-- > 0;) {
        struct fake_member *member = group->members->pdata[i];
        if (strcmp(member->instance, instance) == 0)
            return member;
    }
    return NULL;
}

void group_fake_lose(struct group_fake *group, const char *instance)
{
    struct fake_member *member = find_member(group, instance);
    if (member)
        lose(group, member, false);
}

/* ---- a member ---- */

static struct fake_member *self(struct bus_member *member)
{
    g_assert(member->ops == &member_ops);
    return (struct fake_member *)member;
}

static struct bus_member *
member_join(struct bus *bus, const struct bus_member_options *options, GError **error)
{
    (void)error;
    struct group_fake *group = ((struct fake_bus *)bus)->group;
    struct fake_member *before = find_member(group, options->instance);
    if (before)
        lose(group, before, true);
    if (!group->owners) {
        struct arena *arena = arena_new();
        struct bus_topic *topics;
        size_t count;
        bool listed = bus_topics(group->log, arena, &topics, &count, NULL);
        g_assert_true(listed);
        for (size_t i = 0; i < count; i++) {
            if (strcmp(topics[i].name, options->topic) == 0)
                group->partitions = topics[i].partitions;
        }
        group->owners = g_new0(struct fake_member *, group->partitions);
        arena_free(arena);
    }
    struct fake_member *member = g_new0(struct fake_member, 1);
    member->base.ops = &member_ops;
    member->group = group;
    member->instance = g_strdup(options->instance);
    member->given = g_array_new(FALSE, FALSE, sizeof(int));
    member->taken = g_array_new(FALSE, FALSE, sizeof(int));
    member->releasing = g_array_new(FALSE, FALSE, sizeof(int));
    member->messages = g_array_new(FALSE, FALSE, sizeof(struct bus_message));
    member->positions = g_array_new(FALSE, FALSE, sizeof(struct bus_position));
    member->offsets = g_string_new(NULL);
    member->room = arena_new();
    g_ptr_array_add(group->members, member);
    rebalance(group);
    return &member->base;
}

static void member_leave(struct bus_member *base)
{
    struct fake_member *member = self(base);
    struct group_fake *group = member->group;
    give_up_all(group, member);
    g_ptr_array_remove(group->members, member);
    rebalance(group);
    g_array_unref(member->given);
    g_array_unref(member->taken);
    g_array_unref(member->releasing);
    g_array_unref(member->messages);
    g_array_unref(member->positions);
    g_string_free(member->offsets, TRUE);
    arena_free(member->room);
    g_free(member->instance);
    g_free(member);
}

static void
tell(GArray *numbers, enum member_change change, struct arena *arena, struct member_event *event)
{
    *event = (struct member_event){.change = change, .count = numbers->len};
    event->partitions = arena_array(arena, int, numbers->len);
    memcpy(event->partitions, numbers->data, numbers->len * sizeof(int));
    g_array_set_size(numbers, 0);
}

static bool member_poll(struct bus_member *base,
                        int64_t wait_ms,
                        struct arena *arena,
                        struct member_event *ret_event,
                        GError **error)
{
    (void)wait_ms;
    struct fake_member *member = self(base);
    if (member->fenced) {
        error_set(error, CONFLICT, "group_fake: %s is another's name", member->instance);
        return false;
    }
    *ret_event = (struct member_event){.change = MEMBER_NONE};
    if (member->lost) {
        g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(int));
        for (int p = 0; p < member->group->partitions; p++)
            g_array_append_val(all, p);
        tell(all, MEMBER_LOST, arena, ret_event);
        member->lost = false; /* it is back, with nothing */
        rebalance(member->group);
    } else if (member->taken->len > 0) {
        g_array_append_vals(member->releasing, member->taken->data, member->taken->len);
        tell(member->taken, MEMBER_TAKEN, arena, ret_event);
    } else if (member->given->len > 0) {
        tell(member->given, MEMBER_GIVEN, arena, ret_event);
    }
    return true;
}

static bool member_release(struct bus_member *base, GError **error)
{
    (void)error;
    struct fake_member *member = self(base);
    for (guint i = 0; i < member->releasing->len; i++) {
        int p = g_array_index(member->releasing, int, i);
        if (member->group->owners[p] == member)
            member->group->owners[p] = NOBODY;
        remove_number(member->given, p);
    }
    g_array_set_size(member->releasing, 0);
    rebalance(member->group);
    return true;
}

static bool member_create_topic(
    struct bus *bus, const char *topic, int partitions, enum member_topic kind, GError **error)
{
    (void)kind;
    return bus_create_topic(bus, topic, partitions, error);
}

static bool member_committed(struct bus_member *base,
                             struct bus_position *positions,
                             size_t count,
                             GError **error)
{
    (void)error;
    for (size_t i = 0; i < count; i++) {
        g_autofree char *key = place(positions[i].topic, positions[i].partition);
        const int64_t *offset = g_hash_table_lookup(self(base)->group->committed, key);
        positions[i].offset = offset ? *offset : -1;
    }
    return true;
}

static bool member_end(
    struct bus_member *base, const char *topic, int partition, int64_t *ret_end, GError **error)
{
    int64_t start;
    return bus_offsets(self(base)->group->log, topic, partition, &start, ret_end, error);
}

/* ---- its transactions ---- */

static bool is_fenced(const struct fake_member *member, GError **error)
{
    if (!member->fenced && !member->lost && !member->stale)
        return false;
    error_set(error, CONFLICT, "group_fake: %s owns nothing any more", member->instance);
    return true;
}

static bool member_begin(struct bus_member *base, GError **error)
{
    struct fake_member *member = self(base);
    g_assert_false(member->open);
    member->stale = false;
    if (is_fenced(member, error))
        return false;
    member->open = true;
    return true;
}

static struct span keep(struct fake_member *member, struct span bytes)
{
    return (struct span){arena_strndup(member->room, bytes.data, bytes.len), bytes.len};
}

static bool member_produce(struct bus_member *base,
                           const struct bus_message *messages,
                           size_t count,
                           GError **error)
{
    struct fake_member *member = self(base);
    g_assert_true(member->open);
    if (is_fenced(member, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct bus_message message = messages[i];
        message.key = keep(member, message.key);
        message.value = keep(member, message.value);
        g_array_append_val(member->messages, message);
    }
    return true;
}

static bool member_offsets(struct bus_member *base,
                           const struct bus_position *positions,
                           size_t count,
                           GError **error)
{
    struct fake_member *member = self(base);
    g_assert_true(member->open);
    if (is_fenced(member, error))
        return false;
    for (size_t i = 0; i < count; i++)
        g_string_append_printf(member->offsets, "%s/%d %" PRId64 "\n", positions[i].topic,
                               positions[i].partition, positions[i].offset);
    return true;
}

static void end(struct fake_member *member)
{
    member->open = member->stale = false;
    g_array_set_size(member->messages, 0);
    g_string_set_size(member->offsets, 0);
    arena_reset(member->room);
}

static void member_abort(struct bus_member *base)
{
    end(self(base));
}

static void note_last(const struct fake_member *member,
                      const int64_t *offsets,
                      struct bus_position *last,
                      size_t count)
{
    for (guint i = 0; i < member->messages->len; i++) {
        const struct bus_message *message = &g_array_index(member->messages, struct bus_message, i);
        for (size_t j = 0; j < count; j++) {
            if (message->partition == last[j].partition &&
                strcmp(message->topic, last[j].topic) == 0)
                last[j].offset = offsets[i];
        }
    }
}

static bool member_commit(struct bus_member *base,
                          struct bus_position *ret_last,
                          size_t last_count,
                          GError **error)
{
    struct fake_member *member = self(base);
    struct group_fake *group = member->group;
    g_assert_true(member->open);
    if (is_fenced(member, error)) {
        end(member);
        return false;
    }
    if (g_rand_double(group->random) < group->faults.aborted) {
        end(member);
        error_set(error, AGAIN, "group_fake: aborted");
        return false;
    }
    const struct span text = {member->offsets->str, member->offsets->len};
    const struct bus_message message = {GROUP_FAKE_OFFSETS, 0, {"", 0}, text};
    g_array_append_val(member->messages, message);
    g_autofree int64_t *offsets = g_new(int64_t, member->messages->len);
    if (!bus_produce(group->log, (const struct bus_message *)member->messages->data,
                     member->messages->len, offsets, error)) {
        end(member);
        return false;
    }
    take_offsets(group, text);
    note_last(member, offsets, ret_last, last_count);
    end(member);
    bool unknown = g_rand_double(group->random) < group->faults.unknown;
    if (unknown)
        error_set(error, AGAIN, "group_fake: it isn't known whether it is committed");
    return !unknown;
}

static const struct bus_member_ops member_ops = {
    .create_topic = member_create_topic,
    .join = member_join,
    .leave = member_leave,
    .poll = member_poll,
    .release = member_release,
    .committed = member_committed,
    .end = member_end,
    .begin = member_begin,
    .produce = member_produce,
    .offsets = member_offsets,
    .commit = member_commit,
    .abort = member_abort,
};

/* ---- the bus: the reader's ---- */

static struct bus *reader_of(struct bus *bus)
{
    return ((struct fake_bus *)bus)->reader;
}

static void fake_close(struct bus *bus)
{
    bus_close(reader_of(bus));
    g_free(bus);
}

static bool fake_create_topic(struct bus *bus, const char *topic, int partitions, GError **error)
{
    return bus_create_topic(reader_of(bus), topic, partitions, error);
}

static bool fake_topics(struct bus *bus,
                        struct arena *arena,
                        struct bus_topic **ret_topics,
                        size_t *ret_count,
                        GError **error)
{
    return bus_topics(reader_of(bus), arena, ret_topics, ret_count, error);
}

static bool fake_produce(struct bus *bus,
                         const struct bus_message *messages,
                         size_t count,
                         int64_t *ret_offsets,
                         GError **error)
{
    return bus_produce(reader_of(bus), messages, count, ret_offsets, error);
}

static int64_t start_of(struct bus *bus, const char *topic, int partition)
{
    g_autofree char *key = place(topic, partition);
    const int64_t *start = g_hash_table_lookup(((struct fake_bus *)bus)->group->starts, key);
    return start ? *start : 0;
}

static bool fake_truncate(
    struct bus *bus, const char *topic, int partition, int64_t before_offset, GError **error)
{
    (void)error;
    if (before_offset > start_of(bus, topic, partition))
        g_hash_table_replace(((struct fake_bus *)bus)->group->starts, place(topic, partition),
                             g_memdup2(&before_offset, sizeof before_offset));
    return true;
}

static bool fake_fetch(struct bus *bus,
                       const char *topic,
                       int partition,
                       int64_t offset,
                       size_t bytes_max,
                       struct arena *arena,
                       struct bus_batch *ret_batch,
                       GError **error)
{
    if (offset < start_of(bus, topic, partition))
        return bus_error_expired(topic, partition, offset, start_of(bus, topic, partition), error);
    return bus_fetch(reader_of(bus), topic, partition, offset, bytes_max, arena, ret_batch, error);
}

static bool fake_offsets(struct bus *bus,
                         const char *topic,
                         int partition,
                         int64_t *ret_start,
                         int64_t *ret_end,
                         GError **error)
{
    if (!bus_offsets(reader_of(bus), topic, partition, ret_start, ret_end, error))
        return false;
    *ret_start = MAX(*ret_start, start_of(bus, topic, partition));
    return true;
}

static const struct bus_ops fake_ops = {
    .name = "fake",
    .member = &member_ops,
    .close = fake_close,
    .create_topic = fake_create_topic,
    .topics = fake_topics,
    .produce = fake_produce,
    .fetch = fake_fetch,
    .offsets = fake_offsets,
    .truncate = fake_truncate,
};

struct bus *group_fake_bus(struct group_fake *group, struct bus *reader)
{
    struct fake_bus *bus = g_new0(struct fake_bus, 1);
    bus->bus = (struct bus){.ops = &fake_ops, .context = reader->context};
    bus->reader = reader;
    bus->group = group;
    return &bus->bus;
}
