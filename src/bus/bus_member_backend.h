/* For backends that have members: the ops table behind bus_member.h. Each function as its namesake
 * there, called from the owner thread. */
#pragma once

#include "bus/bus_backend.h"
#include "bus/bus_member.h"

/* First member of every backend's struct. */
struct bus_member {
    const struct bus_member_ops *ops;
};

struct bus_member_ops {
    bool (*create_topic)(
        struct bus *bus, const char *topic, int partitions, enum member_topic kind, GError **error);
    struct bus_member *(*join)(struct bus *bus,
                               const struct bus_member_options *options,
                               GError **error);
    void (*leave)(struct bus_member *member);
    bool (*poll)(struct bus_member *member,
                 int64_t wait_ms,
                 struct arena *arena,
                 struct member_event *ret_event,
                 GError **error);
    bool (*release)(struct bus_member *member, GError **error);
    bool (*committed)(struct bus_member *member,
                      struct bus_position *positions,
                      size_t count,
                      GError **error);
    bool (*end)(struct bus_member *member,
                const char *topic,
                int partition,
                int64_t *ret_end,
                GError **error);
    bool (*begin)(struct bus_member *member, GError **error);
    bool (*produce)(struct bus_member *member,
                    const struct bus_message *messages,
                    size_t count,
                    GError **error);
    bool (*offsets)(struct bus_member *member,
                    const struct bus_position *positions,
                    size_t count,
                    GError **error);
    bool (*commit)(struct bus_member *member,
                   struct bus_position *ret_last,
                   size_t last_count,
                   GError **error);
    void (*abort)(struct bus_member *member);
};
