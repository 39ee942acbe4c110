/* Serde: a topic's struct to and from the bytes of a bus record: Confluent's wire format
 * (frame.h) around the codec. Both forms are read, the one with an id is written. One owner thread.
 */
#pragma once

#include "bus/registry.h"
#include "model/codec.h"
#include "model/topic.h"

struct serde;

/* Registers (or finds) the contracts of all topics. The registry outlives the serde. */
struct serde *serde_new(struct registry *registry, GError **error) MUST_CHECK;
void serde_free(struct serde *serde); /* accepts NULL */

/* Appends the framed record to out. */
void serde_encode(struct serde *serde, enum topic topic, const void *record, GByteArray *out);

/* BADDATA: not framed, unknown schema, doesn't resolve, or cut short; the text is the dead letter's
 * reason. AGAIN: the registry can't be asked now. */
bool serde_decode(struct serde *serde,
                  enum topic topic,
                  struct span value,
                  struct arena *arena,
                  void *ret_record,
                  GError **error) MUST_CHECK;

/* The dead letter of a record that could not be used, appended to out; its key is the topic. Bytes
 * that would pass bus.record_max are cut, and the reason says so. */
struct context;
void serde_deadletter_encode(struct serde *serde,
                             const struct context *context,
                             const char *topic,
                             int partition,
                             int64_t offset,
                             const char *reason,
                             struct span bytes,
                             GByteArray *out);
/* Publishes it. Errors as bus_produce. */
struct bus;
bool serde_deadletter(struct serde *serde,
                      struct bus *bus,
                      const char *topic,
                      int partition,
                      int64_t offset,
                      const char *reason,
                      struct span bytes,
                      GError **error) MUST_CHECK;
