/* JSON writer: appends JSON to a GString; for answers, documents and events.
 *
 *   json_write_object(out);
 *   json_write_key(out, "hour"), json_write_time(out, hour_ms);
 *   json_write_object_end(out);            ->  {"hour":"2026-03-03T04:00:00Z"}
 *
 * A comma is put where one is needed: before a key or value that doesn't follow '{', '[', ':' or
 * the start of the text. The caller keeps brackets and keys in order. Text that isn't UTF-8 gets
 * U+FFFD for its wrong bytes. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

void json_write_object(GString *out);
void json_write_object_end(GString *out);
void json_write_array(GString *out);
void json_write_array_end(GString *out);
void json_write_key(GString *out, const char *key); /* without what needs escaping */

void json_write_string(GString *out, const char *text); /* NULL: null */
void json_write_int(GString *out, int64_t value);
/* The shortest text that reads back as the same double; null for NaN and infinities. */
void json_write_double(GString *out, double value);
/* value / 10000, exactly: popularity and the like. */
void json_write_e4(GString *out, int64_t value_e4);
void json_write_bool(GString *out, bool value);
void json_write_null(GString *out);
void json_write_time(GString *out, int64_t time_ms); /* ISO 8601 UTC, whole seconds */
/* Text that is JSON already: a stored document. */
void json_write_raw(GString *out, const char *json, size_t len);

/* Key and value together. */
void json_add_string(GString *out, const char *key, const char *text);
void json_add_int(GString *out, const char *key, int64_t value);
void json_add_double(GString *out, const char *key, double value);
void json_add_e4(GString *out, const char *key, int64_t value_e4);
void json_add_bool(GString *out, const char *key, bool value);
void json_add_null(GString *out, const char *key);
void json_add_time(GString *out, const char *key, int64_t time_ms);
