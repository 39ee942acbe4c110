/* What stream_cluster.c (group, reading) and stream_cluster_commit.c share. Nobody else includes
 * it.
 */
#pragma once

#include "base/helper.h"
#include "stream/holding.h"
#include "stream/part.h"
#include "stream/stream_cluster.h"

struct stream_cluster {
    const struct context *context;
    struct bus *bus;
    struct serde *serde;
    struct stream_settings settings;
    struct sql_file *sql;
    struct speed *speed; /* NULL: rows go to ROWS_TOPIC */
    char *instance, *folder;
    int lock;                  /* descriptor of the folder's lock file */
    struct bus_member *member; /* NULL: to be joined */
    int conflicts;             /* since the last commit */
    GPtrArray *holdings;       /* struct holding *, by number */
    struct intake *intake;
    struct arena *arena;             /* of one fetch, or one poll */
    struct helper *helper;           /* between two calls it has nothing to do */
    struct part *part, *part_beside; /* the owner's, the helper's */
    int64_t last_commit_monotonic_ms;
    int64_t committed[INPUT_COUNT]; /* records, by this process */
    int64_t restore_monotonic_ms;   /* tasks that restore wait until then */
    bool sinking;                   /* committed rows wait for the speed store */
};

/* Writes what waits for the speed store. */
bool stream_cluster_sink(struct stream_cluster *cluster, GError **error) MUST_CHECK;
/* Saves files that are due; behind a commit, or where nothing was read since. */
bool stream_cluster_file(struct stream_cluster *cluster, GError **error) MUST_CHECK;
/* Forgets what isn't committed. */
void stream_cluster_abandon(struct stream_cluster *cluster);
/* Out of the group, without its tasks. */
void stream_cluster_leave(struct stream_cluster *cluster);
