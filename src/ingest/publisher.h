/* Publisher: records on their way to the bus, in bounded batches.
 *
 *   add ─► encoded messages ── flush ─► bus_produce (all or none) ─► what was published is
 * remembered
 *
 * A flush that fails keeps everything; while the publisher is full, the stage asks TMDB nothing
 * more: that is the back-pressure. One owner thread. */
#pragma once

#include <stdbool.h>

#include "base/context.h"
#include "bus/bus.h"
#include "bus/serde.h"
#include "model/topic.h"

#define PUBLISHER_RECORDS_MAX 10000
#define PUBLISHER_BYTES_MAX   ((size_t)16 * 1024 * 1024)

struct publisher;

/* The bus and the serde outlive the publisher. */
struct publisher *
publisher_new(const struct context *context, struct bus *bus, struct serde *serde);
void publisher_free(struct publisher *publisher); /* accepts NULL; what was not flushed is lost */

/* record is the struct of the topic; it is encoded now and may go away. The key is its movie.
 * BADDATA: larger than bus.record_max; it was not added, because the bus would refuse the whole
 * batch with it, again and again. */
bool publisher_add(struct publisher *publisher,
                   enum topic topic,
                   int32_t movie_id,
                   const void *record,
                   GError **error) MUST_CHECK;

/* Has PUBLISHER_RECORDS_MAX records or PUBLISHER_BYTES_MAX bytes. It still takes what answers that
 * are under way bring: the stage asks no more, so that is little. */
bool publisher_full(const struct publisher *publisher);
size_t publisher_pending_records(const struct publisher *publisher);

/* True where everything is on the bus. AGAIN: nothing is known to be; everything is kept, call
 * again later. */
bool publisher_flush(struct publisher *publisher, GError **error) MUST_CHECK;
