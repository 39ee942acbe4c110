#include "batch/partition.h"

#include <string.h>

#include "base/config.h"
#include "base/failpoint.h"
#include "batch/tables.h"

#define PLACED_NAME       "placed.parquet"
#define GENRE_LETTERS_MAX 64 /* of a folder's name; longer ones are named by their checksum */
#define PARTS_MAX         20000

const struct partition partition_movies = {
    .table = "silver/movies",
    .columns_path = "sql/silver/movies_columns.sql",
    .cells_path = "sql/silver/movies_cells.sql",
    .placed_path = "sql/silver/movies_placed.sql",
    .part_path = "sql/silver/movies_part.sql",
};
const struct partition partition_reviews = {
    .table = "silver/reviews",
    .columns_path = "sql/silver/reviews_columns.sql",
    .cells_path = "sql/silver/reviews_cells.sql",
    .placed_path = "sql/silver/reviews_placed.sql",
    .part_path = "sql/silver/reviews_part.sql",
};

struct part {
    int64_t number, level; /* 0: the rest, 1: year, 2: month, 3: genre */
    int64_t year, month;   /* 0: not known */
    char *genre;
};

static void part_free(void *pointer)
{
    struct part *part = pointer;
    g_free(part->genre);
    g_free(part);
}

static bool gather_part(void *user,
                        const struct engine_column *columns,
                        const struct engine_value *values,
                        size_t count,
                        GError **error)
{
    (void)columns;
    GPtrArray *parts = user;
    g_assert(count == 5);
    if (parts->len == PARTS_MAX) {
        error_set(error, FAILED, "more than %d partitions: raise lake.partition_min", PARTS_MAX);
        return false;
    }
    struct part *part = g_new0(struct part, 1);
    part->number = values[0].integer;
    part->level = values[1].integer;
    part->year = values[2].integer;
    part->month = values[3].integer;
    part->genre = g_strdup(values[4].text);
    g_ptr_array_add(parts, part);
    return true;
}

/* A genre comes from outside: letters, digits, - and _ stay, other bytes are %XX, as Hive writes
 * them. */
static void append_genre(GString *name, const char *genre)
{
    if (strlen(genre) > GENRE_LETTERS_MAX) {
        g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, genre, -1);
        g_string_append(name, sum);
        return;
    }
    for (const char *at = genre; *at; at++) {
        if (g_ascii_isalnum(*at) || *at == '-' || *at == '_')
            g_string_append_c(name, *at);
        else
            g_string_append_printf(name, "%%%02X", (unsigned char)*at);
    }
    if (!*genre)
        g_string_append(name, "none");
}

static char *
name_of(const struct partition *partition, const struct run_state *state, const struct part *part)
{
    GString *name = g_string_new(state->prefix);
    g_string_append(name, partition->table);
    if (part->level >= 1 && part->year != 0)
        g_string_append_printf(name, "/year=%04d", (int)part->year);
    else if (part->level >= 1)
        g_string_append(name, "/year=none");
    if (part->level >= 2)
        g_string_append_printf(name, "/month=%02d", (int)part->month);
    if (part->level >= 3) {
        g_string_append(name, "/genre=");
        append_genre(name, part->genre);
    }
    g_string_append_printf(name, "/%s.parquet", state->manifest->run_id);
    return g_string_free(name, FALSE);
}

/* The relation over one file of the lake. */
static bool view_file(const struct partition *partition,
                      const char *relation,
                      const char *name,
                      struct run_state *state,
                      GError **error)
{
    struct arena *arena = arena_new();
    const char *url = lake_url(state->lake, name, arena, error);
    bool done =
        url && engine_view(state->engine, relation, partition->columns_path, &url, 1, error);
    arena_free(arena);
    return done;
}

static bool find_parts(const struct partition *partition,
                       struct run_state *state,
                       const struct manifest_file *whole,
                       GPtrArray *parts,
                       GError **error)
{
    run_state_set_int(state, "file_bytes", whole->size_bytes);
    run_state_set_int(state, "file_rows", MAX(whole->rows, 1));
    run_state_set_int(state, "partition_min", state->context->config->lake_partition_min_bytes);
    struct engine_params params = run_state_params(state);
    return view_file(partition, "staged", whole->name, state, error) &&
           engine_table(state->engine, "cells", partition->cells_path, &params, NULL, error) &&
           engine_table(state->engine, "parts", "sql/silver/parts.sql", &params, NULL, error) &&
           engine_select(state->engine, "sql/silver/parts_list.sql", &params, gather_part, parts,
                         error);
}

/* All rows by part, so that a part's rows stand together: each part then reads its own alone. */
static bool
place(const struct partition *partition, struct run_state *state, const char *name, GError **error)
{
    struct arena *arena = arena_new();
    struct engine_params params = run_state_params(state);
    struct engine_report report;
    const char *url = lake_url(state->lake, name, arena, error);
    bool done =
        url && engine_write(state->engine, partition->placed_path, &params, url, &report, error);
    arena_free(arena);
    return done && view_file(partition, "placed", name, state, error);
}

static bool write_parts(const struct partition *partition,
                        struct run_state *state,
                        const GPtrArray *parts,
                        GError **error)
{
    for (guint i = 0; i < parts->len; i++) {
        const struct part *part = parts->pdata[i];
        run_state_set_int(state, "part", part->number);
        struct engine_params params = run_state_params(state);
        g_autofree char *name = name_of(partition, state, part);
        struct manifest_file file = {0};
        if (!tables_write(partition->part_path, &params, name, state->manifest->run_id,
                          state->engine, state->lake, &file, error))
            return false;
        manifest_add_file(state->manifest, partition->table, &file);
        manifest_file_clear(&file);
        failpoint("batch.partition.written");
    }
    return true;
}

static bool forget(struct run_state *state, GError **error)
{
    static const char *const relations[] = {"staged", "cells", "parts", "placed"};
    for (size_t i = 0; i < G_N_ELEMENTS(relations); i++) {
        if (!engine_drop(state->engine, relations[i], error))
            return false;
    }
    return true;
}

static bool split_into(const struct partition *partition,
                       struct run_state *state,
                       const struct manifest_file *whole,
                       const GPtrArray *parts,
                       GError **error)
{
    g_autofree char *placed = g_strdup_printf("tmp/%s/" PLACED_NAME, state->manifest->run_id);
    bool rest = ((const struct part *)parts->pdata[0])->level == 0; /* it takes the whole's name */
    return place(partition, state, placed, error) && write_parts(partition, state, parts, error) &&
           (rest || lake_delete(state->lake, whole->name, error)) &&
           lake_delete(state->lake, placed, error);
}

/* One cell, month or year has all rows: the file is there already, and gets its name. */
static bool rename_whole(const struct partition *partition,
                         struct run_state *state,
                         const struct manifest_file *whole,
                         const struct part *part,
                         GError **error)
{
    g_autofree char *name = name_of(partition, state, part);
    struct manifest_file file = *whole;
    file.name = name;
    if (!lake_rename(state->lake, whole->name, name, error))
        return false;
    manifest_add_file(state->manifest, partition->table, &file);
    return true;
}

bool partition_split(const struct partition *partition,
                     struct run_state *state,
                     const struct manifest_file *whole,
                     GError **error)
{
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(part_free);
    bool may = whole->size_bytes >= state->context->config->lake_partition_min_bytes;
    if (may && !find_parts(partition, state, whole, parts, error))
        return false;
    const struct part *first = parts->len ? parts->pdata[0] : NULL;
    if (!first || (parts->len == 1 && first->level == 0))
        manifest_add_file(state->manifest, partition->table, whole);
    else if (parts->len == 1 ? !rename_whole(partition, state, whole, first, error)
                             : !split_into(partition, state, whole, parts, error))
        return false;
    return forget(state, error);
}
