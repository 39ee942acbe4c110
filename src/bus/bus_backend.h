/* For backends of bus.h: the ops table. bus_mem.c is the smallest honest one and the one to copy.
 */
#pragma once

#include "bus/bus.h"

struct bus_ops;
struct bus_member_ops;

/* First member of every backend's struct. */
struct bus {
    const struct bus_ops *ops;
    const struct context *context;
};

/* Each function as its namesake in bus.h, which has checked the arguments (names, counts, limits)
 * and counts the metrics. All are called from the owner thread and may block on storage, not on
 * other producers' work. */
struct bus_ops {
    const char *name;                    /* as in bus.backend */
    const struct bus_member_ops *member; /* NULL: it has no members, see bus_member_backend.h */
    struct bus *(*open)(const struct context *context, GError **error);
    void (*close)(struct bus *bus);
    bool (*create_topic)(struct bus *bus, const char *topic, int partitions, GError **error);
    bool (*topics)(struct bus *bus,
                   struct arena *arena,
                   struct bus_topic **ret_topics,
                   size_t *ret_count,
                   GError **error);
    bool (*produce)(struct bus *bus,
                    const struct bus_message *messages,
                    size_t count,
                    int64_t *ret_offsets,
                    GError **error);
    bool (*fetch)(struct bus *bus,
                  const char *topic,
                  int partition,
                  int64_t offset,
                  size_t bytes_max,
                  struct arena *arena,
                  struct bus_batch *ret_batch,
                  GError **error);
    bool (*offsets)(struct bus *bus,
                    const char *topic,
                    int partition,
                    int64_t *ret_start,
                    int64_t *ret_end,
                    GError **error);
    bool (*group_commit)(struct bus *bus,
                         const char *group,
                         const struct bus_position *positions,
                         size_t count,
                         GError **error);
    bool (*group_offset)(struct bus *bus,
                         const char *group,
                         const char *topic,
                         int partition,
                         int64_t *ret_offset,
                         GError **error);
    bool (*expire)(struct bus *bus,
                   const char *topic,
                   int64_t before_ms,
                   int64_t *ret_records,
                   GError **error);
    /* NULL: it keeps them. */
    bool (*truncate)(
        struct bus *bus, const char *topic, int partition, int64_t before_offset, GError **error);
};

extern const struct bus_ops bus_sqlite_ops;
extern const struct bus_ops bus_kafka_ops; /* where librdkafka was there: MARQUEE_KAFKA */

/* What a record costs of bytes_max besides its key and value, so that a batch of empty records has
 * an end. */
#define BUS_RECORD_OVERHEAD_BYTES ((size_t)16)

/* The errors that every backend words alike. Always false, so that they can be returned. */
bool bus_error_no_topic(const char *topic, GError **error);
bool bus_error_no_partition(const char *topic, int partition, int partitions, GError **error);
bool bus_error_partitions(const char *topic, int found, int wanted, GError **error);
/* offset < start: the records are gone. */
bool bus_error_expired(
    const char *topic, int partition, int64_t offset, int64_t start, GError **error);
/* offset > end: the log lost its tail. who: "fetch", or the group whose commit it is. */
bool bus_error_beyond_end(
    const char *who, const char *topic, int partition, int64_t offset, int64_t end, GError **error);
