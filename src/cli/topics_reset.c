/* marquee topics reset GROUP TOPIC --to WHERE: moves a group's committed offsets. The old and the
 * new ones are shown, and somebody has to agree. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/topics.h"

#define ANSWER_BYTES 16

/* What one partition's offset shall be; CONFIG where --to can't be meant. */
static bool find_target(const char *to,
                        const char *topic,
                        int partition,
                        int64_t start,
                        int64_t end,
                        int64_t *ret_offset,
                        GError **error)
{
    int64_t offset;
    if (g_str_equal(to, "earliest"))
        offset = start;
    else if (g_str_equal(to, "latest"))
        offset = end;
    else if (!g_ascii_string_to_signed(to, 10, 0, INT64_MAX, &offset, NULL)) {
        error_set(error, CONFIG, "--to: expected earliest, latest or an offset, found \"%s\"", to);
        return false;
    }
    if (offset < start || offset > end) {
        error_set(error, CONFIG,
                  "--to: %s/%d has the offsets %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                  ", found %s; --partition resets one alone",
                  topic, partition, start, end, to);
        return false;
    }
    *ret_offset = offset;
    return true;
}

/* What the archive has not read yet must not look as if it had: the bus would let it expire. */
static bool check_archive(
    const char *group, const char *topic, int partition, int64_t from, int64_t to, GError **error)
{
    if (!g_str_equal(group, BUS_GROUP_ARCHIVE) || to <= from)
        return true;
    error_set(error, CONFIG,
              "%s/%d: the archive has read up to %" G_GINT64_FORMAT
              " only; moved on to %" G_GINT64_FORMAT
              ", the records in between could expire before a batch run has stored them",
              topic, partition, from, to);
    return false;
}

static bool agreed(const struct topics_reset *reset, GError **error)
{
    if (reset->yes)
        return true;
    if (!isatty(STDIN_FILENO)) {
        error_set(error, CONFIG,
                  "nothing was changed: no terminal to ask on; --yes agrees beforehand");
        return false;
    }
    char answer[ANSWER_BYTES] = "";
    printf("Move these offsets? Who reads as \"%s\" should not run now. [yes/no] ", reset->group);
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) && g_str_equal(g_strchomp(answer), "yes"))
        return true;
    error_set(error, CONFIG, "nothing was changed: expected yes, found \"%s\"", answer);
    return false;
}

static bool plan(struct topics_reader *reader,
                 const struct bus_topic *topic,
                 const struct topics_reset *reset,
                 int partition,
                 GArray *positions,
                 GError **error)
{
    int64_t start, end, from;
    struct bus_position position = {topic->name, partition, 0};
    if (!bus_offsets(reader->bus, topic->name, partition, &start, &end, error) ||
        !bus_group_offset(reader->bus, reset->group, topic->name, partition, &from, error) ||
        !find_target(reset->to, topic->name, partition, start, end, &position.offset, error) ||
        !check_archive(reset->group, topic->name, partition, from, position.offset, error))
        return false;
    printf("%s  %s/%d  %" G_GINT64_FORMAT " -> %" G_GINT64_FORMAT "\n", reset->group, topic->name,
           partition, from, position.offset);
    g_array_append_val(positions, position);
    return true;
}

bool topics_reset(struct topics_reader *reader,
                  const struct bus_topic *topic,
                  const struct topics_reset *reset,
                  GError **error)
{
    if (g_str_equal(reset->group, TOPICS_GROUP_STREAM)) {
        error_set(
            error, CONFIG,
            "the stream's offsets can't be reset: they live in stream.db, in one transaction "
            "with its windows and the speed tables, and one without the others would count "
            "records twice or not at all. To compute everything again from the log, stop the "
            "stream, remove stream.db, stream.db-wal and stream.db-shm from data.dir, start it");
        return false;
    }
    if (reset->partition >= topic->partitions) {
        error_set(error, CONFIG, "--partition: %s has the partitions 0 to %d, found %d",
                  topic->name, topic->partitions - 1, reset->partition);
        return false;
    }
    int first = MAX(reset->partition, 0);
    int last = reset->partition < 0 ? topic->partitions - 1 : reset->partition;
    g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(struct bus_position));
    for (int partition = first; partition <= last; partition++)
        if (!plan(reader, topic, reset, partition, positions, error))
            return false;
    return agreed(reset, error) &&
           bus_group_commit(reader->bus, reset->group,
                            (const struct bus_position *)(void *)positions->data, positions->len,
                            error);
}
