#include "batch/drift.h"

#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/json_writer.h"

const char *drift_cause_name(enum drift_cause cause)
{
    static const char *const names[DRIFT_CAUSE_COUNT] = {"missing_speed", "missing_batch", "value"};
    return names[cause];
}

struct drift *drift_new(const char *run_id, int64_t at_ms)
{
    struct drift *drift = g_new0(struct drift, 1);
    drift->run_id = g_strdup(run_id);
    drift->at_ms = at_ms;
    drift->rows = g_array_new(FALSE, TRUE, sizeof(struct drift_row));
    return drift;
}

void drift_free(struct drift *drift)
{
    if (!drift)
        return;
    g_free(drift->run_id);
    g_array_unref(drift->rows);
    g_free(drift);
}

/* ---- writing ---- */

static void write_row(GString *out, const struct drift_row *row)
{
    json_write_object(out);
    json_add_string(out, "table", speed_table_name(row->table));
    json_add_string(out, "cause", drift_cause_name(row->cause));
    json_add_int(out, "movie_id", row->movie_id);
    json_add_time(out, "hour", row->hour_ms);
    json_add_time(out, "window_start", row->window_start_ms);
    json_add_bool(out, "repaired", row->repaired);
    json_write_object_end(out);
}

char *drift_to_json(const struct drift *drift)
{
    GString *out = g_string_new(NULL);
    json_write_object(out);
    json_add_string(out, "run_id", drift->run_id);
    json_add_time(out, "at", drift->at_ms);
    json_add_int(out, "compared", drift->compared);
    for (int i = 0; i < DRIFT_CAUSE_COUNT; i++)
        json_add_int(out, drift_cause_name((enum drift_cause)i), drift->counts[i]);
    json_add_int(out, "repaired", drift->repaired);
    json_write_key(out, "rows");
    json_write_array(out);
    for (guint i = 0; i < drift->rows->len; i++)
        write_row(out, &g_array_index(drift->rows, struct drift_row, i));
    json_write_array_end(out);
    json_write_object_end(out);
    return g_string_free(out, FALSE);
}

bool drift_save(const struct drift *drift, struct lake *lake, GError **error)
{
    g_autofree char *text = drift_to_json(drift);
    return lake_put(lake, DRIFT_OBJECT, text, strlen(text), error);
}

/* ---- reading ---- */

static bool read_time(json_t *object, const char *name, int64_t *ret_time_ms)
{
    const char *text = json_string_value(json_object_get(object, name));
    int64_t time_ms = text ? clock_parse_iso8601(text) : -1;
    if (time_ms < 0)
        return false;
    *ret_time_ms = time_ms;
    return true;
}

static bool read_count(json_t *object, const char *name, int64_t *ret_count)
{
    json_t *value = json_object_get(object, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *ret_count = json_integer_value(value);
    return true;
}

static bool read_row(json_t *object, struct drift_row *ret_row)
{
    const char *table = json_string_value(json_object_get(object, "table"));
    const char *cause = json_string_value(json_object_get(object, "cause"));
    struct drift_row row = {.table = SPEED_TABLE_COUNT, .cause = DRIFT_CAUSE_COUNT};
    for (int i = 0; table && i < SPEED_TABLE_COUNT; i++) {
        if (strcmp(table, speed_table_name((enum speed_table)i)) == 0)
            row.table = (enum speed_table)i;
    }
    for (int i = 0; cause && i < DRIFT_CAUSE_COUNT; i++) {
        if (strcmp(cause, drift_cause_name((enum drift_cause)i)) == 0)
            row.cause = (enum drift_cause)i;
    }
    if (row.table == SPEED_TABLE_COUNT || row.cause == DRIFT_CAUSE_COUNT ||
        !read_time(object, "hour", &row.hour_ms) ||
        !read_time(object, "window_start", &row.window_start_ms))
        return false;
    row.movie_id = (int32_t)json_integer_value(json_object_get(object, "movie_id"));
    row.repaired = json_is_true(json_object_get(object, "repaired"));
    *ret_row = row;
    return true;
}

static bool read_all(json_t *object, struct drift *drift)
{
    const char *run_id = json_string_value(json_object_get(object, "run_id"));
    if (!run_id || !read_time(object, "at", &drift->at_ms) ||
        !read_count(object, "compared", &drift->compared) ||
        !read_count(object, "repaired", &drift->repaired))
        return false;
    drift->run_id = g_strdup(run_id);
    for (int i = 0; i < DRIFT_CAUSE_COUNT; i++) {
        if (!read_count(object, drift_cause_name((enum drift_cause)i), &drift->counts[i]))
            return false;
    }
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(object, "rows"), i, item)
    {
        struct drift_row row;
        if (i >= DRIFT_LISTED_MAX || !read_row(item, &row))
            return false;
        g_array_append_val(drift->rows, row);
    }
    return true;
}

struct drift *drift_load(struct lake *lake, GError **error)
{
    struct arena *arena = arena_new();
    char *text;
    size_t len;
    struct drift *drift = NULL;
    if (lake_get(lake, DRIFT_OBJECT, arena, &text, &len, error)) {
        json_t *object = json_loadb(text, len, 0, NULL);
        drift = drift_new(NULL, 0);
        if (!read_all(object, drift)) {
            error_set(error, BADDATA,
                      "lake: %s isn't a list of drift: the next batch run writes a new one",
                      DRIFT_OBJECT);
            drift_free(drift);
            drift = NULL;
        }
        json_decref(object);
    }
    arena_free(arena);
    return drift;
}

void drift_measure(const struct drift *drift, struct metrics *metrics)
{
    for (int i = 0; i < DRIFT_CAUSE_COUNT; i++)
        metrics_add(metrics, METRIC_RECONCILE_DRIFT, drift_cause_name((enum drift_cause)i),
                    (uint64_t)drift->counts[i]);
}
