/* Events: the stage that stands for a site's users. It makes events as time passes and publishes
 * them on user.events.
 *
 *   generator ─► event_id <producer>.<epoch>:<sequence> ─► batch ── bus_produce ─► user.events
 *                                                           ▲ └─ AGAIN: the same batch once more
 *                                                           └ bounded: no batch is made while one
 *                                                             waits
 *
 * The sequence counts the events of a start over all partitions, so each partition sees it grow: a
 * batch that is published twice is told by it (docs/semantics.md). Where publishing stands still
 * for longer than EVENTS_CATCH_UP_MS, what would have happened is left out and counted.
 *
 * One owner thread. */
#pragma once

#include "base/context.h"
#include "bus/bus.h"
#include "bus/serde.h"
#include "events/catalogue.h"
#include "events/generator.h"

#define EVENTS_BATCH_RECORDS 5000
#define EVENTS_CATCH_UP_MS   INT64_C(60000) /* of a real clock; a scaled one's are longer */

struct events;

/* Makes the topic where it is absent. Time begins now. bus and serde outlive it; epoch: epoch.h. */
struct events *events_open(const struct context *context,
                           struct bus *bus,
                           struct serde *serde,
                           int64_t epoch,
                           GError **error) MUST_CHECK;
/* What isn't published goes. Accepts NULL. */
void events_close(struct events *events);

/* From now on users act on these movies. Takes the catalogue. */
void events_set_catalogue(struct events *events, struct catalogue *catalogue);

/* Makes and publishes at most EVENTS_BATCH_RECORDS events of the time that has passed. ret_idle:
 * that was all until now. Without a catalogue nobody acts. AGAIN: the batch waits; back off and
 * call again. After any other error: close. */
bool events_step(struct events *events, bool *ret_idle, GError **error) MUST_CHECK;

/* Publishes the batch that waits, if there is one. */
bool events_flush(struct events *events, GError **error) MUST_CHECK;

/* Settings of the generator: two producers of one seed do different things. */
struct generator_settings events_generator_settings(const struct config *config);

/* The stage: leads by the lease "events:PRODUCER" (a second process of the same name waits), takes
 * an epoch, and steps until stop is requested. CONFIG where events.rate_per_s is 0. */
bool events_run(const struct context *context, GError **error) MUST_CHECK;

/* Whether `up` runs the stage: events.rate_per_s is above 0. */
bool events_wanted(const struct config *config);
