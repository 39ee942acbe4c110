/* Outbox: records of movie.trending between the transaction that decides on them and the bus. They
 * are written in that transaction and sent after it; a crash in between, or a produce call whose
 * outcome isn't known, sends them again. Harmless: a record names its window and revision. One
 * owner thread. */
#pragma once

#include <sqlite3.h>

#include "base/sql_file.h"
#include "bus/serde.h"

/* Records that one produce call takes. */
#define OUTBOX_SEND_MAX 200

struct outbox;
struct bus;

struct outbox *
outbox_new(sqlite3 *db, const struct sql_file *sql, struct serde *serde, GError **error) MUST_CHECK;
/* One for a transaction on Kafka: records wait in memory for the produce call of their own commit.
 */
struct outbox *outbox_new_memory(struct serde *serde);
void outbox_free(struct outbox *outbox); /* accepts NULL */

/* Within the engine's transaction. */
bool outbox_put(struct outbox *outbox, const struct trending *trending, GError **error) MUST_CHECK;

/* What waits in memory, appended to messages (struct bus_message), in order; lives until
 * outbox_clear. */
void outbox_messages(const struct outbox *outbox, GArray *messages);
/* It is committed, or will be decided on again. */
void outbox_clear(struct outbox *outbox);

/* Sends what is there, in order, and removes it; outside a transaction. On AGAIN call again. */
bool outbox_send(struct outbox *outbox, struct bus *bus, GError **error) MUST_CHECK;
