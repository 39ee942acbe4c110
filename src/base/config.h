/* Config: every setting of marquee, one row each in config.def.
 *
 * Precedence: default < marquee.yaml < environment < command line (--set section.key=value).
 * Any mistake stops the start: an unknown key, a wrong type or range, an unusable folder, each with
 * file, line, key and what was expected. After config_load the struct is constant; any thread may
 * read it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/error.h"

/* The fields: config->ingest_rate_per_s for the key ingest.rate_per_s. The strings are its own. */
struct config {
#define CONFIG_BOOL(section, key, fallback, env, help)             bool section##_##key;
#define CONFIG_INT(section, key, fallback, min, max, env, help)    int64_t section##_##key;
#define CONFIG_DOUBLE(section, key, fallback, min, max, env, help) double section##_##key;
#define CONFIG_STRING(section, key, fallback, env, help)           char *section##_##key;
#define CONFIG_SECRET(section, key, env, help)                     char *section##_##key;
#define CONFIG_CHOICE(section, key, fallback, choices, env, help)  char *section##_##key;
/* Milliseconds, written "250ms", "30s", "5m", "1h30m", "2d". */
#define CONFIG_DURATION(section, key, fallback, min, max, env, help) int64_t section##_##key##_ms;
/* Bytes, written "64KB", "8MB", "2GB". */
#define CONFIG_SIZE(section, key, fallback, min, max, env, help) int64_t section##_##key##_bytes;
#include "base/config.def"
#include "base/config_undef.h"
    struct config_origin *origins; /* where each value came from; private */
};

/* Only defaults: for tests, which then set fields directly (free strings with g_free first). */
struct config *config_new_default(void);

/* - path: NULL tries ./marquee.yaml and takes the defaults where that is absent; a path given must
 *   exist.
 * - environment: NULL reads none (tests), else as from g_get_environ(). A key is read from the
 *   variable that its row names and from MARQUEE_SECTION_KEY; an empty variable counts as unset.
 * - overrides: "section.key=value" strings, NULL-terminated, or NULL; never secrets, which ps would
 *   show. */
struct config *config_load(const char *path,
                           char *const *environment,
                           const char *const *overrides,
                           GError **error) MUST_CHECK;
/* The defaults and the text of a marquee.yaml, which need not end with a NUL; name is for messages.
 * For tests and the fuzzer. */
struct config *
config_load_text(const char *name, const char *text, size_t len, GError **error) MUST_CHECK;
void config_free(struct config *config); /* accepts NULL */

/* Sets one key as an override would ("ingest.rate_per_s", "8"). */
bool config_set(struct config *config, const char *key, const char *value, GError **error)
    MUST_CHECK;

/* Rules that need more than one key (retention >= 48 h ...), and that the data folder can be made
 * and written. config_load has already checked types and ranges. */
bool config_check(const struct config *config, GError **error) MUST_CHECK;

/* The longest time between two batch runs: batch.interval, or what batch.schedule leaves. */
int64_t config_batch_gap_ms(const struct config *config);

/* How long the archive of the bus is kept at least, so that an hour that may still change can be
 * computed again: speed.retention + 2 x stream.velocity_lookback (an acceleration reads two windows
 * back) + stream.future_limit + config_batch_gap_ms + 2 h (hours are whole, on both sides). */
int64_t config_bronze_least_ms(const struct config *config);

/* data.dir joined with name; newly allocated. */
char *config_path(const struct config *config, const char *name);

/* Appends every key with its value and where that came from; secrets print as ***. */
void config_write_values(const struct config *config, GString *out);
/* Appends CONFIGURATION.md, and an annotated marquee.yaml with every default. */
void config_write_reference(GString *out);
void config_write_example(GString *out);
