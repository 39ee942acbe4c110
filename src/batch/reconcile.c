#include "batch/reconcile.h"

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/stop.h"
#include "batch/reconcile_look.h"
#include "model/db.h"
#include "speed/speed_sqlite.h"

#define RANKER_SPARE_MS 1000 /* real time, for the commit behind the ranking */

struct reconcile {
    struct run_state *state;
    int64_t held_from_ms;
    /* The embedded speed store's: one transaction a look, one a repair. NULL: a store that has
     * none. */
    sqlite3 *db;
    struct speed *speed;
    struct reconcile_counts *counts;
    struct look look;
    bool looked;
};

static bool is_embedded(const struct reconcile *reconcile)
{
    return g_str_equal(reconcile->state->context->config->speed_backend, "sqlite");
}

static bool open_speed(struct reconcile *reconcile, GError **error)
{
    const struct context *context = reconcile->state->context;
    if (!is_embedded(reconcile)) {
        reconcile->speed = speed_open(context, error);
        return reconcile->speed != NULL;
    }
    g_autofree char *path = config_path(context->config, SPEED_SQLITE_FILE);
    reconcile->db = db_open(path, &(struct db_options){.sync = DB_SYNC_NORMAL}, error);
    reconcile->speed = reconcile->db ? speed_sqlite_attach(context, reconcile->db, error) : NULL;
    return reconcile->speed != NULL;
}

static bool look_once(struct reconcile *reconcile, GError **error)
{
    if (reconcile->looked)
        look_clear(&reconcile->look);
    look_init(&reconcile->look, reconcile->state, reconcile->counts, reconcile->held_from_ms);
    reconcile->looked = true;
    if (reconcile->db && !db_begin_read(reconcile->db, error))
        return false;
    bool done = reconcile_counts_read(reconcile->counts, reconcile->speed, error) &&
                look_run(&reconcile->look, reconcile->speed, error);
    if (reconcile->db)
        db_rollback(reconcile->db);
    return done;
}

static int64_t drifted(const struct look *look)
{
    int64_t total = 0;
    for (int i = 0; i < DRIFT_CAUSE_COUNT; i++)
        total += look->drifted[i];
    return total;
}

static bool look(struct reconcile *reconcile, GError **error)
{
    const struct context *context = reconcile->state->context;
    if (!look_once(reconcile, error))
        return false;
    if ((reconcile->db ? reconcile->look.hours_drifted : drifted(&reconcile->look)) == 0)
        return true;
    if (context->stop &&
        stop_wait_ms(context->stop, context->config->ranker_late_interval_ms + RANKER_SPARE_MS)) {
        error_set(error, AGAIN, "stop was requested");
        return false;
    }
    return look_once(reconcile, error);
}

/* ---- repair ---- */

/* What is wrong of one writer. */
struct repair {
    int writer;
    int64_t sequence;
    GArray *stats, *stats_gone, *sentiment, *sentiment_gone, *ranks, *hours_gone;
};

static void add_ranks(struct repair *repair, const struct look *look, int64_t hour_ms)
{
    for (guint i = 0; i < look->ranks->len; i++) {
        const struct trending_row *row = &g_array_index(look->ranks, struct trending_row, i);
        if (row->hour_ms == hour_ms)
            g_array_append_val(repair->ranks, *row);
    }
}

static void add(struct repair *repair, const struct look *look, const struct finding *finding)
{
    bool gone = finding->cause == DRIFT_MISSING_BATCH;
    if (finding->table == SPEED_STATS)
        g_array_append_val(gone ? repair->stats_gone : repair->stats, finding->row.stats);
    else if (finding->table == SPEED_SENTIMENT)
        g_array_append_val(gone ? repair->sentiment_gone : repair->sentiment,
                           finding->row.sentiment);
    else if (gone)
        g_array_append_val(repair->hours_gone, finding->hour_ms);
    else
        add_ranks(repair, look, finding->hour_ms);
}

static struct speed_batch batch_of(const struct repair *repair)
{
    return (struct speed_batch){
        .source = repair->writer,
        .sequence = repair->sequence,
        .repair = true,
        .stats = (struct stats_row *)(void *)repair->stats->data,
        .stats_count = repair->stats->len,
        .stats_gone = (struct stats_row *)(void *)repair->stats_gone->data,
        .stats_gone_count = repair->stats_gone->len,
        .sentiment = (struct sentiment_row *)(void *)repair->sentiment->data,
        .sentiment_count = repair->sentiment->len,
        .sentiment_gone = (struct sentiment_row *)(void *)repair->sentiment_gone->data,
        .sentiment_gone_count = repair->sentiment_gone->len,
        .trending = (struct trending_row *)(void *)repair->ranks->data,
        .trending_count = repair->ranks->len,
        .trending_gone = (int64_t *)(void *)repair->hours_gone->data,
        .trending_gone_count = repair->hours_gone->len,
    };
}

/* What holds other records than the lake by now is left to the engine, which has just computed it.
 */
static bool
write_repair(struct reconcile *reconcile, struct repair *repair, GArray *rows, GError **error)
{
    const struct look *look = &reconcile->look;
    guint found = 0;
    for (guint i = 0; i < look->findings->len; i++) {
        const struct finding *finding = &g_array_index(look->findings, struct finding, i);
        if (finding->writer != repair->writer ||
            !look_comparable(look, reconcile->counts, finding->table, finding->movie_id,
                             finding->hour_ms))
            continue;
        add(repair, look, finding);
        repair->sequence = finding->sequence; /* the same for all of its */
        g_array_index(rows, struct drift_row, i).repaired = true;
        found++;
    }
    const struct speed_batch batch = batch_of(repair);
    return found == 0 || speed_write(reconcile->speed, &batch, error);
}

static bool repair_writer(struct reconcile *reconcile, int writer, GArray *rows, GError **error)
{
    struct repair repair = {
        .writer = writer,
        .stats = g_array_new(FALSE, FALSE, sizeof(struct stats_row)),
        .stats_gone = g_array_new(FALSE, FALSE, sizeof(struct stats_row)),
        .sentiment = g_array_new(FALSE, FALSE, sizeof(struct sentiment_row)),
        .sentiment_gone = g_array_new(FALSE, FALSE, sizeof(struct sentiment_row)),
        .ranks = g_array_new(FALSE, FALSE, sizeof(struct trending_row)),
        .hours_gone = g_array_new(FALSE, FALSE, sizeof(int64_t)),
    };
    bool done = write_repair(reconcile, &repair, rows, error);
    g_array_unref(repair.stats);
    g_array_unref(repair.stats_gone);
    g_array_unref(repair.sentiment);
    g_array_unref(repair.sentiment_gone);
    g_array_unref(repair.ranks);
    g_array_unref(repair.hours_gone);
    return done;
}

static bool repair_all(struct reconcile *reconcile, GArray *rows, GError **error)
{
    if (reconcile->db && !db_begin(reconcile->db, error))
        return false;
    bool done = reconcile_counts_read(reconcile->counts, reconcile->speed, error);
    int last = reconcile_counts_ranker(reconcile->counts);
    for (int writer = 0; done && writer <= last; writer++)
        done = repair_writer(reconcile, writer, rows, error);
    if (reconcile->db && done)
        return db_commit(reconcile->db, error);
    if (reconcile->db)
        db_rollback(reconcile->db);
    return done;
}

/* The lake is right whether or not the speed tables could be written: the next run tries again. */
static void try_repair(struct reconcile *reconcile, struct drift *drift)
{
    g_autoptr(GError) trouble = NULL;
    bool done = drift->rows->len == 0 || repair_all(reconcile, drift->rows, &trouble);
    for (guint i = 0; i < drift->rows->len; i++) {
        struct drift_row *row = &g_array_index(drift->rows, struct drift_row, i);
        row->repaired = row->repaired && done;
        drift->repaired += row->repaired;
    }
    if (!done)
        log_warn(reconcile->state->context->log, "batch", "the speed tables were not repaired",
                 LOG_STR("error", trouble->message));
}

/* ---- the step ---- */

static struct drift *list_drift(const struct reconcile *reconcile)
{
    const struct look *look = &reconcile->look;
    struct drift *drift = drift_new(reconcile->state->manifest->run_id,
                                    clock_now_ms(reconcile->state->context->clock));
    drift->compared = look->compared;
    for (int i = 0; i < DRIFT_CAUSE_COUNT; i++)
        drift->counts[i] = look->drifted[i];
    for (guint i = 0; i < look->findings->len; i++) {
        const struct finding *finding = &g_array_index(look->findings, struct finding, i);
        struct drift_row row = {
            .table = finding->table,
            .cause = finding->cause,
            .movie_id = finding->movie_id,
            .hour_ms = finding->hour_ms,
            .window_start_ms = finding->window_start_ms,
        };
        g_array_append_val(drift->rows, row);
    }
    return drift;
}

static bool tell(struct reconcile *reconcile, GError **error)
{
    const struct run_state *state = reconcile->state;
    struct drift *drift = list_drift(reconcile);
    try_repair(reconcile, drift);
    drift_measure(drift, state->context->metrics);
    int64_t total = drifted(&reconcile->look);
    if (total)
        log_warn(state->context->log, "batch", "speed tables and lake disagree",
                 LOG_INT("rows", total), LOG_INT("repaired", drift->repaired),
                 LOG_INT("compared", drift->compared));
    bool done = drift_save(drift, state->lake, error);
    drift_free(drift);
    return done;
}

/* A store of its own machines that is away, or doesn't let the batch in. */
static bool is_away(const struct reconcile *reconcile, const GError *error)
{
    const struct context *context = reconcile->state->context;
    return !is_embedded(reconcile) && !(context->stop && stop_requested(context->stop)) &&
           (error_is(error, AGAIN) || error_is(error, DENIED) || error_is(error, CONFIG));
}

/* The run goes on without: nothing is compared. */
static void look_at_nothing(struct reconcile *reconcile, const GError *why)
{
    log_warn(reconcile->state->context->log, "batch", "the speed tables were not compared",
             LOG_STR("error", why->message));
    if (reconcile->looked)
        look_clear(&reconcile->look);
    look_init(&reconcile->look, reconcile->state, reconcile->counts, reconcile->held_from_ms);
    reconcile->looked = true;
}

static bool look_at_speed(struct reconcile *reconcile, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (open_speed(reconcile, &failure) && look(reconcile, &failure))
        return true;
    if (!is_away(reconcile, failure)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    look_at_nothing(reconcile, failure);
    return true;
}

bool reconcile_run(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    const struct config *config = state->context->config;
    int64_t now_ms = clock_now_ms(state->context->clock);
    int64_t held_ms = now_ms - config->speed_retention_ms - MS_PER_HOUR;
    struct reconcile reconcile = {
        .state = state,
        /* Held is hour + 1 h + retention > now; one hour more, as clock goes on while we look. */
        .held_from_ms = (held_ms / MS_PER_HOUR + 2) * MS_PER_HOUR,
    };
    run_state_set_int(state, "held_from_ms", reconcile.held_from_ms);
    reconcile.counts = reconcile_counts_new(state, reconcile.held_from_ms, error);
    bool done = reconcile.counts && look_at_speed(&reconcile, error) && tell(&reconcile, error);
    if (done)
        ret_step->rows = reconcile.look.compared;
    if (reconcile.looked)
        look_clear(&reconcile.look);
    reconcile_counts_free(reconcile.counts);
    speed_close(reconcile.speed);
    db_close(reconcile.db);
    return done;
}
