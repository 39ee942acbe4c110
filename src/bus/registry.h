/* Registry: schemas by number, in Confluent's terms (subject, version, id, compatibility).
 * The built-in one keeps them in the bus' SQLite file (or in memory beside bus_mem); the other
 * speaks Confluent's REST. Looked-up schemas are cached for the registry's life. One owner thread.
 */
#pragma once

#include <stdint.h>

#include "base/context.h"
#include "base/error.h"
#include "model/schema.h"

struct registry;

/* config->registry_url empty: the built-in one, in data.dir/registry.db. */
struct registry *registry_open(const struct context *context, GError **error) MUST_CHECK;
struct registry *registry_new_mem(void);
void registry_close(struct registry *registry); /* accepts NULL */

/* The id of this schema under the subject, registering it where it is new. CONFLICT where it is
 * incompatible with the latest version (BACKWARD: the new one must read what the latest wrote); the
 * text names the field. */
bool registry_register(struct registry *registry,
                       const char *subject,
                       const char *schema_json,
                       int32_t *ret_id,
                       GError **error) MUST_CHECK;

/* The schema of an id; owned by the registry. NOTFOUND where there is none, AGAIN where it can't be
 * asked now. */
const struct schema *
registry_schema(struct registry *registry, int32_t id, GError **error) MUST_CHECK;

/* The same of a GUID of SCHEMA_GUID_BYTES. The built-in registry gives none: NOTFOUND. */
const struct schema *
registry_schema_guid(struct registry *registry, const char *guid, GError **error) MUST_CHECK;
