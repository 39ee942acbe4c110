#include "batch/bronze.h"

#include <string.h>

#include "base/clock.h"
#include "batch/calendar.h"
#include "batch/tables.h"

/* One run may both store and join files of a partition. */
#define JOINED_SUFFIX "-joined"

#define LOG_TABLE(name_)                                                                           \
    {                                                                                              \
        .name = "bronze/" name_, .columns_path = "sql/bronze/" name_ ".sql",                       \
        .hours_path = "sql/bronze/hours_log.sql", .store_path = "sql/bronze/store_log.sql"         \
    }

const struct bronze_table bronze_ratings = LOG_TABLE("ratings");
const struct bronze_table bronze_metadata = LOG_TABLE("metadata");
const struct bronze_table bronze_reviews = LOG_TABLE("reviews");
const struct bronze_table bronze_events = LOG_TABLE("events");
const struct bronze_table bronze_movies = {
    .name = "bronze/movies",
    .columns_path = "sql/bronze/movies.sql",
    .hours_path = "sql/bronze/hours_answers.sql",
    .store_path = "sql/bronze/store_answers.sql",
};

const struct bronze_table bronze_exports = {
    .name = "bronze/exports",
    .columns_path = "sql/bronze/exports.sql",
    .hours_path = "sql/bronze/hours_exports.sql",
    .store_path = "sql/bronze/store_exports.sql",
};

const struct bronze_table *const bronze_tables[] = {&bronze_ratings, &bronze_metadata,
                                                    &bronze_reviews, &bronze_events,
                                                    &bronze_movies,  &bronze_exports};
const size_t bronze_tables_count = G_N_ELEMENTS(bronze_tables);

struct partition {
    enum calendar_unit unit;
    int64_t from_ms, to_ms;
};

static struct partition partition_of(enum calendar_unit unit, int64_t time_ms)
{
    return (struct partition){
        .unit = unit,
        .from_ms = calendar_start(unit, time_ms),
        .to_ms = calendar_next(unit, time_ms),
    };
}

static bool store_partition(const struct bronze_table *table,
                            const struct partition *partition,
                            const char *suffix,
                            struct engine *engine,
                            struct lake *lake,
                            struct manifest *manifest,
                            int64_t *ret_rows,
                            GError **error)
{
    const struct engine_param items[] = {
        {.name = "from_ms", .type = ENGINE_INT, .integer = partition->from_ms},
        {.name = "to_ms", .type = ENGINE_INT, .integer = partition->to_ms},
    };
    const struct engine_params params = {items, G_N_ELEMENTS(items)};
    g_autofree char *folder = calendar_partition(partition->unit, partition->from_ms);
    g_autofree char *name =
        g_strdup_printf("%s/%s/%s%s.parquet", table->name, folder, manifest->run_id, suffix);
    struct manifest_file file = {0};
    if (!tables_write(table->store_path, &params, name, manifest->run_id, engine, lake, &file,
                      error))
        return false;
    file.from_ms = partition->from_ms;
    file.to_ms = partition->to_ms;
    manifest_add_file(manifest, table->name, &file);
    *ret_rows = file.rows;
    manifest_file_clear(&file);
    return true;
}

static bool gather_hour(void *user,
                        const struct engine_column *columns,
                        const struct engine_value *values,
                        size_t count,
                        GError **error)
{
    (void)columns, (void)count, (void)error;
    g_array_append_val((GArray *)user, values[0].integer);
    return true;
}

static enum calendar_unit unit_for(guint hours)
{
    if (hours > BRONZE_HOURS_BY_DAY_MAX)
        return CALENDAR_MONTH;
    return hours > BRONZE_HOURS_BY_HOUR_MAX ? CALENDAR_DAY : CALENDAR_HOUR;
}

bool bronze_store(const struct bronze_table *table,
                  struct engine *engine,
                  struct lake *lake,
                  struct manifest *manifest,
                  int64_t *ret_rows,
                  GError **error)
{
    g_autoptr(GArray) hours = g_array_new(FALSE, FALSE, sizeof(int64_t));
    if (!engine_select(engine, table->hours_path, NULL, gather_hour, hours, error))
        return false;
    enum calendar_unit unit = unit_for(hours->len);
    int64_t total = 0;
    struct partition partition = {0};
    for (guint i = 0; i < hours->len; i++) {
        int64_t hour = g_array_index(hours, int64_t, i);
        if (i > 0 && hour < partition.to_ms)
            continue;
        partition = partition_of(unit, hour);
        int64_t rows;
        if (!store_partition(table, &partition, "", engine, lake, manifest, &rows, error))
            return false;
        total += rows;
    }
    *ret_rows = total;
    return true;
}

/* The table's files that lie in the partition and are shorter than it: indexes into its files. */
static GArray *shorter_files(const struct manifest_table *table,
                             const struct partition *partition,
                             int64_t *ret_bytes)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(guint));
    int64_t bytes = 0;
    for (guint i = 0; i < table->files->len; i++) {
        const struct manifest_file *file = table->files->pdata[i];
        bool whole = file->from_ms == partition->from_ms && file->to_ms == partition->to_ms;
        if (file->from_ms < partition->from_ms || file->to_ms > partition->to_ms || whole)
            continue;
        g_array_append_val(found, i);
        bytes += file->size_bytes;
    }
    *ret_bytes = bytes;
    return found;
}

static bool join_files(const struct bronze_table *table,
                       const struct partition *partition,
                       GArray *indexes,
                       struct engine *engine,
                       struct lake *lake,
                       struct manifest *manifest,
                       GError **error)
{
    struct manifest_table *entry = manifest_table(manifest, table->name);
    struct manifest *chosen = manifest_new(manifest->run_id);
    bool done = true;
    for (guint i = 0; done && i < indexes->len; i++) {
        const struct manifest_file *file = entry->files->pdata[g_array_index(indexes, guint, i)];
        manifest_add_file(chosen, table->name, file);
        done = manifest_check_file(lake, file, error); /* damage must not get a new checksum */
    }
    done = done && bronze_view(table, "incoming", engine, lake, chosen, error);
    manifest_free(chosen);
    int64_t rows;
    if (!done ||
        !store_partition(table, partition, JOINED_SUFFIX, engine, lake, manifest, &rows, error))
        return false;
    for (guint i = indexes->len; i > 0; i--)
        g_ptr_array_remove_index(entry->files, g_array_index(indexes, guint, i - 1));
    return true;
}

/* Each partition of the unit that is over and has small files becomes one file. */
static bool compact_level(const struct bronze_table *table,
                          enum calendar_unit unit,
                          struct engine *engine,
                          struct lake *lake,
                          struct manifest *manifest,
                          int64_t now_ms,
                          int64_t size_min_bytes,
                          GError **error)
{
    struct manifest_table *entry = manifest_table(manifest, table->name);
    for (guint i = 0; i < entry->files->len; i++) {
        const struct manifest_file *file = entry->files->pdata[i];
        struct partition partition = partition_of(unit, file->from_ms);
        if (partition.to_ms > now_ms)
            continue;
        int64_t bytes;
        g_autoptr(GArray) indexes = shorter_files(entry, &partition, &bytes);
        if (indexes->len < 2 || bytes / indexes->len >= size_min_bytes)
            continue;
        if (!join_files(table, &partition, indexes, engine, lake, manifest, error))
            return false;
        i = (guint)-1; /* the array has changed: from the start */
    }
    return true;
}

bool bronze_compact(const struct bronze_table *table,
                    struct engine *engine,
                    struct lake *lake,
                    struct manifest *manifest,
                    int64_t now_ms,
                    int64_t size_min_bytes,
                    GError **error)
{
    static const enum calendar_unit units[] = {CALENDAR_DAY, CALENDAR_MONTH};
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        if (!compact_level(table, units[i], engine, lake, manifest, now_ms, size_min_bytes, error))
            return false;
    }
    return true;
}

bool bronze_view(const struct bronze_table *table,
                 const char *name,
                 struct engine *engine,
                 struct lake *lake,
                 const struct manifest *manifest,
                 GError **error)
{
    return tables_view(name, table->columns_path, manifest_find_table(manifest, table->name),
                       engine, lake, error);
}
