/* Topics: what the verbs of `marquee topics` share. */
#pragma once

#include "bus/bus.h"
#include "bus/serde.h"
#include "cli/app.h"

struct topics_reader {
    struct app *app;
    struct bus *bus;
    struct registry *registry;
    struct serde *serde;
    struct arena *arena; /* as long as the command */
};

/* partitions: the topic's. group: one more group to show, or NULL. */
bool topics_describe(struct topics_reader *reader,
                     const struct bus_topic *topic,
                     const char *group,
                     GError **error) MUST_CHECK;

/* Where a group shall go on. */
struct topics_reset {
    const char *group, *to; /* "earliest", "latest" or an offset */
    int partition;          /* -1: all */
    bool yes;               /* don't ask */
};

/* CONFIG: what was asked for isn't possible, or nobody said yes; nothing was changed. */
bool topics_reset(struct topics_reader *reader,
                  const struct bus_topic *topic,
                  const struct topics_reset *reset,
                  GError **error) MUST_CHECK;

/* The stream's offsets are no group of the bus; so it is called in what is shown. */
#define TOPICS_GROUP_STREAM "stream"
