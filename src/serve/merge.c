#include "serve/merge.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/json_writer.h"
#include "serve/json_scan.h"

/* Last values are looked for in these hours first. */
#define MERGE_RECENT_HOURS 2

static int64_t hour_floor(int64_t time_ms)
{
    int64_t rest = time_ms % MS_PER_HOUR;
    return time_ms - (rest < 0 ? rest + MS_PER_HOUR : rest);
}

static int64_t hour_ceil(int64_t time_ms)
{
    return hour_floor(time_ms + MS_PER_HOUR - 1);
}

static int64_t day_floor(int64_t time_ms)
{
    return time_ms / MS_PER_DAY * MS_PER_DAY;
}

/* ---- the rule ---- */

static guint count_hash(gconstpointer key)
{
    const struct merge_count *count = key;
    return g_str_hash(count->topic) ^ (guint)(count->hour_ms / MS_PER_HOUR * 31) ^
           (guint)count->partition;
}

static gboolean count_equal(gconstpointer a, gconstpointer b)
{
    const struct merge_count *x = a, *y = b;
    return x->hour_ms == y->hour_ms && x->partition == y->partition &&
           strcmp(x->topic, y->topic) == 0;
}

/* Records below the boundary that the speed layer has counted and the batch run hasn't: they came
 * after its cut. Where the batch counts more, the speed layer is behind: that is no late record,
 * and must not hide one elsewhere. */
static int64_t pending_late(const struct merge_input *input, const struct merge *plan)
{
    g_autoptr(GHashTable) batch = g_hash_table_new(count_hash, count_equal);
    for (size_t i = 0; i < input->batch_counts_count; i++)
        g_hash_table_add(batch, (gpointer)&input->batch_counts[i]);
    int64_t pending = 0;
    for (size_t i = 0; i < input->speed_counts_count; i++) {
        const struct merge_count *speed = &input->speed_counts[i];
        if (speed->hour_ms >= plan->boundary_ms || speed->hour_ms < plan->held_from_ms)
            continue;
        const struct merge_count *counted = g_hash_table_lookup(batch, speed);
        pending += MAX(0, speed->records - (counted ? counted->records : 0));
    }
    return pending;
}

struct merge merge_plan(const struct merge_input *input)
{
    const struct view_generation *generation = &input->generation;
    bool published = generation->generation != 0;
    struct merge plan = {
        .now_ms = input->now_ms,
        .generation = *generation,
        /* held: hour + 1 h + retention > now */
        .held_from_ms = hour_floor(input->now_ms - MS_PER_HOUR - input->retention_ms) + MS_PER_HOUR,
        .speed_synced_at_ms = input->speed_synced_at_ms,
    };
    plan.boundary_ms =
        published ? MIN(hour_ceil(input->now_ms - input->boundary_age_ms), generation->through_ms)
                  : 0;
    plan.pending_late_records = pending_late(input, &plan);
    /* Before the first data there is nothing to miss. */
    int64_t wanted_ms = MAX(plan.boundary_ms, input->earliest_hour_ms);
    if (wanted_ms < plan.held_from_ms) {
        plan.gap_from_ms = wanted_ms;
        plan.gap_to_ms = plan.held_from_ms;
    }
    plan.complete = published && plan.speed_synced_at_ms > 0 && plan.pending_late_records == 0 &&
                    plan.gap_from_ms == plan.gap_to_ms;
    return plan;
}

/* ---- its input ---- */

/* The topics of {"hour":...,"movie.ratings":[...],...}. */
static void read_counts(struct span object, int64_t hour_ms, struct arena *arena, GArray *counts)
{
    struct span key, value, element;
    for (size_t cursor = 0; json_scan_next(object, &cursor, &key, &value);) {
        if (value.len == 0 || value.data[0] != '[')
            continue; /* the hour itself */
        const char *topic = arena_strndup(arena, key.data, key.len);
        struct merge_count count = {.hour_ms = hour_ms, .topic = topic};
        for (size_t at = 0; json_scan_next(value, &at, NULL, &element); count.partition++) {
            if (json_scan_int(element, &count.records))
                g_array_append_val(counts, count);
        }
    }
}

static bool read_speed_counts(struct view *view,
                              struct merge_input *input,
                              struct arena *arena,
                              GArray *counts,
                              GError **error)
{
    struct speed_doc *docs;
    size_t count;
    /* Only hours below any boundary can be pending. */
    int64_t to_ms = hour_ceil(input->now_ms - input->boundary_age_ms);
    if (!view_query_speed(view, "hour_counts", 0, 0, to_ms, arena, &docs, &count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        read_counts(json_scan_text(docs[i].data), docs[i].hour_ms, arena, counts);
    return true;
}

/* Calls fn for each object of a day document's array, with the hour that it names. */
static void each_hour(const char *data,
                      const char *array,
                      void (*fn)(void *user, int64_t hour_ms, struct span object),
                      void *user)
{
    struct span hours, object, hour;
    int64_t hour_ms;
    if (!json_scan_member(json_scan_text(data), array, &hours))
        return;
    for (size_t cursor = 0; json_scan_next(hours, &cursor, NULL, &object);) {
        if (json_scan_member(object, "hour", &hour) && json_scan_time(hour, &hour_ms))
            fn(user, hour_ms, object);
    }
}

struct counts {
    struct arena *arena;
    GArray *counts;
};

static void add_counts(void *user, int64_t hour_ms, struct span object)
{
    struct counts *counts = user;
    read_counts(object, hour_ms, counts->arena, counts->counts);
}

/* Calls each_hour for the documents of a view from one day to another. */
static bool each_day(struct view *view,
                     int64_t generation,
                     const struct view_filter *filter,
                     const char *array,
                     struct arena *arena,
                     void (*fn)(void *user, int64_t hour_ms, struct span object),
                     void *user,
                     GError **error)
{
    const char *cursor = NULL;
    do {
        struct view_doc *docs;
        size_t count;
        if (!view_query(view, generation, filter, cursor, VIEW_QUERY_LIMIT_MAX, arena, &docs,
                        &count, &cursor, error))
            return false;
        for (size_t i = 0; i < count; i++)
            each_hour(docs[i].data, array, fn, user);
    } while (cursor);
    return true;
}

static bool read_batch_counts(struct view *view,
                              struct merge_input *input,
                              struct arena *arena,
                              GArray *counts,
                              GError **error)
{
    struct view_filter filter = {
        .key = {.view_type = "hour_counts"},
        .from_day_ms = day_floor(input->now_ms - input->retention_ms - MS_PER_HOUR),
        .to_day_ms = day_floor(input->now_ms) + MS_PER_DAY,
    };
    struct counts user = {arena, counts};
    return each_day(view, input->generation.generation, &filter, "hours", arena, add_counts, &user,
                    error);
}

static bool read_input(struct view *view,
                       struct merge_input *input,
                       struct arena *arena,
                       GArray *speed_counts,
                       GArray *batch_counts,
                       GError **error)
{
    int64_t position;
    return view_current(view, arena, &input->generation, error) &&
           view_sync_position(view, &position, &input->speed_synced_at_ms, error) &&
           view_earliest_hour(view, &input->earliest_hour_ms, error) &&
           read_speed_counts(view, input, arena, speed_counts, error) &&
           (speed_counts->len == 0 || read_batch_counts(view, input, arena, batch_counts, error));
}

bool merge_load(struct view *view,
                const struct context *context,
                struct arena *arena,
                struct merge *ret_merge,
                GError **error)
{
    g_autoptr(GArray) speed_counts = g_array_new(FALSE, FALSE, sizeof(struct merge_count));
    g_autoptr(GArray) batch_counts = g_array_new(FALSE, FALSE, sizeof(struct merge_count));
    struct merge_input input = {
        .now_ms = clock_now_ms(context->clock),
        .boundary_age_ms = context->config->serve_boundary_ms,
        .retention_ms = context->config->speed_retention_ms,
    };
    if (!read_input(view, &input, arena, speed_counts, batch_counts, error))
        return false;
    input.speed_counts = (const struct merge_count *)(void *)speed_counts->data;
    input.speed_counts_count = speed_counts->len;
    input.batch_counts = (const struct merge_count *)(void *)batch_counts->data;
    input.batch_counts_count = batch_counts->len;
    *ret_merge = merge_plan(&input);
    return true;
}

/* ---- meta ---- */

static void add_time_or_null(GString *out, const char *key, bool known, int64_t time_ms)
{
    if (known)
        json_add_time(out, key, time_ms);
    else
        json_add_null(out, key);
}

void merge_write_meta(const struct merge *merge, GString *out)
{
    const struct view_generation *generation = &merge->generation;
    bool published = generation->generation != 0;
    json_write_object(out);
    add_time_or_null(out, "boundary", published, merge->boundary_ms);
    json_add_string(out, "batch_run_id", published ? generation->batch_run_id : NULL);
    json_add_int(out, "generation", generation->generation);
    add_time_or_null(out, "batch_through", published, generation->through_ms);
    add_time_or_null(out, "batch_computed_at", published, generation->computed_at_ms);
    add_time_or_null(out, "speed_synced_at", merge->speed_synced_at_ms > 0,
                     merge->speed_synced_at_ms);
    json_add_int(out, "pending_late", merge->pending_late_records);
    json_write_key(out, "gaps");
    json_write_array(out);
    if (merge->gap_from_ms < merge->gap_to_ms) {
        json_write_object(out);
        json_add_time(out, "from", merge->gap_from_ms);
        json_add_time(out, "to", merge->gap_to_ms);
        json_write_object_end(out);
    }
    json_write_array_end(out);
    json_add_bool(out, "complete", merge->complete);
    json_add_string(out, "attribution", TMDB_ATTRIBUTION);
    json_write_object_end(out);
}

/* ---- series ---- */

struct points {
    GArray *points;
    int64_t from_ms, to_ms;
};

static void add_batch_point(void *user, int64_t hour_ms, struct span object)
{
    struct points *points = user;
    struct merge_point point = {.hour_ms = hour_ms, .json = object};
    if (hour_ms >= points->from_ms && hour_ms < points->to_ms)
        g_array_append_val(points->points, point);
}

/* Where a series stands on either side, and in which array of its documents. */
struct series {
    const char *batch_type, *batch_array;
    const char *speed_type, *speed_array; /* speed_array NULL: the document is the object */
};

static const struct series stats_series = {"movie_stats", "hours", "stats", NULL},
                           sentiment_series = {"movie_sentiment", "windows", "sentiment",
                                               "windows"};

static bool add_batch_points(struct view *view,
                             const struct merge *merge,
                             const struct series *series,
                             int64_t movie_id,
                             int64_t from_ms,
                             int64_t to_ms,
                             struct arena *arena,
                             GArray *all,
                             GError **error)
{
    to_ms = MIN(to_ms, merge->boundary_ms);
    if (from_ms >= to_ms)
        return true;
    struct view_filter filter = {
        .key = {.view_type = series->batch_type, .movie_id = movie_id},
        .from_day_ms = day_floor(MAX(from_ms, 0)),
        .to_day_ms = day_floor(to_ms - 1) + MS_PER_DAY,
    };
    struct points points = {all, from_ms, to_ms};
    return each_day(view, merge->generation.generation, &filter, series->batch_array, arena,
                    add_batch_point, &points, error);
}

/* The points of one speed document. */
static void add_speed_doc(const struct series *series, const struct speed_doc *doc, GArray *all)
{
    struct merge_point point = {
        .hour_ms = doc->hour_ms, .from_speed = true, .json = json_scan_text(doc->data)};
    struct span array;
    if (!series->speed_array) {
        g_array_append_val(all, point);
    } else if (json_scan_member(point.json, series->speed_array, &array)) {
        for (size_t cursor = 0; json_scan_next(array, &cursor, NULL, &point.json);)
            g_array_append_val(all, point);
    }
}

static bool add_speed_points(struct view *view,
                             const struct merge *merge,
                             const struct series *series,
                             int64_t movie_id,
                             int64_t from_ms,
                             int64_t to_ms,
                             struct arena *arena,
                             GArray *all,
                             GError **error)
{
    from_ms = MAX(from_ms, merge->boundary_ms);
    if (from_ms >= to_ms)
        return true;
    struct speed_doc *docs;
    size_t count;
    if (!view_query_speed(view, series->speed_type, movie_id, from_ms, to_ms, arena, &docs, &count,
                          error))
        return false;
    for (size_t i = 0; i < count; i++)
        add_speed_doc(series, &docs[i], all);
    return true;
}

/* The hours from_ms <= hour < to_ms of a series, each from its side. */
static bool read_series(struct view *view,
                        const struct merge *merge,
                        const struct series *series,
                        int64_t movie_id,
                        int64_t from_ms,
                        int64_t to_ms,
                        struct arena *arena,
                        struct merge_point **ret_points,
                        size_t *ret_count,
                        GError **error)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct merge_point));
    if (!add_batch_points(view, merge, series, movie_id, from_ms, to_ms, arena, all, error) ||
        !add_speed_points(view, merge, series, movie_id, from_ms, to_ms, arena, all, error))
        return false;
    struct merge_point *points = arena_array(arena, struct merge_point, all->len);
    if (all->len > 0)
        memcpy(points, all->data, all->len * sizeof *points);
    *ret_points = points;
    *ret_count = all->len;
    return true;
}

bool merge_stats(struct view *view,
                 const struct merge *merge,
                 int64_t movie_id,
                 int64_t from_ms,
                 int64_t to_ms,
                 struct arena *arena,
                 struct merge_point **ret_points,
                 size_t *ret_count,
                 GError **error)
{
    return read_series(view, merge, &stats_series, movie_id, from_ms, to_ms, arena, ret_points,
                       ret_count, error);
}

bool merge_sentiment(struct view *view,
                     const struct merge *merge,
                     int64_t movie_id,
                     int64_t from_ms,
                     int64_t to_ms,
                     struct arena *arena,
                     struct merge_point **ret_points,
                     size_t *ret_count,
                     GError **error)
{
    return read_series(view, merge, &sentiment_series, movie_id, from_ms, to_ms, arena, ret_points,
                       ret_count, error);
}

bool merge_last_stats(struct view *view,
                      const struct merge *merge,
                      int64_t movie_id,
                      struct arena *arena,
                      struct merge_point *ret_point,
                      bool *ret_found,
                      GError **error)
{
    struct merge_point *points;
    size_t count = 0;
    /* Events may be some minutes ahead of the clock. */
    int64_t to_ms = merge->now_ms + MS_PER_HOUR;
    /* A movie that is observed at all is found in the last hours; all others are a second question.
     */
    const int64_t from_ms[] = {
        hour_floor(merge->now_ms) - MERGE_RECENT_HOURS * MS_PER_HOUR,
        (merge->generation.generation ? merge->boundary_ms : merge->held_from_ms) -
            MERGE_LAST_DAYS * MS_PER_DAY,
    };
    for (size_t i = 0; i < G_N_ELEMENTS(from_ms) && count == 0; i++) {
        if (!merge_stats(view, merge, movie_id, from_ms[i], to_ms, arena, &points, &count, error))
            return false;
    }
    *ret_found = count > 0;
    if (count > 0)
        *ret_point = points[count - 1];
    return true;
}

/* ---- ranks ---- */

static bool batch_trending(struct view *view,
                           const struct merge *merge,
                           int64_t from_ms,
                           int64_t to_ms,
                           struct arena *arena,
                           struct merge_point *ret_point,
                           bool *ret_found,
                           GError **error)
{
    to_ms = MIN(to_ms, merge->boundary_ms);
    *ret_found = false;
    if (from_ms >= to_ms)
        return true;
    struct view_filter filter = {
        .key = {.view_type = "trending_hours"}, .from_day_ms = MAX(from_ms, 0), .to_day_ms = to_ms};
    const char *cursor = NULL;
    do {
        struct view_doc *docs;
        size_t count;
        if (!view_query(view, merge->generation.generation, &filter, cursor, VIEW_QUERY_LIMIT_MAX,
                        arena, &docs, &count, &cursor, error))
            return false;
        if (count > 0) {
            *ret_point = (struct merge_point){.hour_ms = docs[count - 1].key.day_ms,
                                              .json = json_scan_text(docs[count - 1].data)};
            *ret_found = true;
        }
    } while (cursor);
    return true;
}

bool merge_last_trending(struct view *view,
                         const struct merge *merge,
                         int64_t to_ms,
                         struct arena *arena,
                         struct merge_point *ret_point,
                         bool *ret_found,
                         GError **error)
{
    /* Nearly always one of the last hours has ranks; all that are held are a second question. */
    const int64_t from_ms[] = {to_ms - MERGE_RECENT_HOURS * MS_PER_HOUR, merge->held_from_ms};
    for (size_t i = 0; i < G_N_ELEMENTS(from_ms); i++) {
        struct speed_doc *docs;
        size_t count;
        if (!view_query_speed(view, "trending", 0, MAX(from_ms[i], merge->boundary_ms), to_ms,
                              arena, &docs, &count, error))
            return false;
        if (count > 0) {
            *ret_point = (struct merge_point){.hour_ms = docs[count - 1].hour_ms,
                                              .from_speed = true,
                                              .json = json_scan_text(docs[count - 1].data)};
            *ret_found = true;
            return true;
        }
    }
    return batch_trending(view, merge, to_ms - MERGE_LAST_DAYS * MS_PER_DAY, to_ms, arena,
                          ret_point, ret_found, error);
}
