#include "sim_run.h"

#include <stdio.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "bus/bus.h"

#define STEPS_MAX 1000000
#define SETTLES   3

void sim_check(const struct sim *sim, bool done, GError *error)
{
    if (done)
        return;
    fprintf(stderr, "seed %u: %s\n", sim->seed, error ? error->message : "?");
    _exit(1);
}

void run_open(struct run *run, struct sim *sim, const char *folder, int64_t now_ms)
{
    *run = (struct run){.sim = sim, .config = config_new_default()};
    g_free(run->config->data_dir);
    run->config->data_dir = g_build_filename(sim->root, folder, NULL);
    g_mkdir_with_parents(run->config->data_dir, 0700);
    run->config->bus_partitions = SIM_PARTITIONS;
    run->clock = clock_new_manual(now_ms);
    run->metrics = metrics_new();
    run->context =
        (struct context){.config = run->config, .clock = run->clock, .metrics = run->metrics};
}

void run_close(struct run *run)
{
    stream_close(run->stream);
    bus_close(run->bus);
    metrics_free(run->metrics);
    clock_free(run->clock);
    config_free(run->config);
}

void run_create_topics(struct run *run)
{
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
        GError *error = NULL;
        sim_check(run->sim,
                  bus_create_topic(run->bus, topic_info(topic)->name, SIM_PARTITIONS, &error),
                  error);
    }
}

void run_open_stream(struct run *run)
{
    GError *error = NULL;
    run->stream = stream_open(&run->context, run->bus, run->sim->serde, &error);
    sim_check(run->sim, run->stream != NULL, error);
}

/* AGAIN is repeated, as the stage loop does. */
static bool again(const struct run *run, bool done, GError *error)
{
    if (done)
        return false;
    if (!error_is(error, AGAIN))
        sim_check(run->sim, false, error);
    g_error_free(error);
    return true;
}

bool run_step(struct run *run)
{
    bool idle = false, done;
    GError *error;
    do {
        error = NULL;
        done = stream_step(run->stream, &idle, &error);
    } while (again(run, done, error));
    return idle;
}

void run_commit(struct run *run)
{
    bool done;
    GError *error;
    do {
        error = NULL;
        done = stream_commit(run->stream, &error);
    } while (again(run, done, error));
}

/* Everything read, committed and ranked. */
void run_settle(struct run *run)
{
    for (int i = 0; i < STEPS_MAX && !run_step(run); i++)
        continue;
    for (int i = 0; i < SETTLES; i++) {
        clock_advance_monotonic(run->clock, run->config->ranker_late_interval_ms +
                                                run->config->stream_commit_interval_ms);
        run_step(run);
        run_commit(run);
    }
}

/* A producer that repeats its batch until it knows that it is there. */
void run_produce(struct run *run, const struct sim_action *action)
{
    g_autofree struct bus_message *messages = g_new0(struct bus_message, action->count);
    for (guint i = 0; i < action->count; i++) {
        const struct sim_record *record =
            &g_array_index(run->sim->plan->records, struct sim_record, action->first + i);
        gsize len;
        const char *data = g_bytes_get_data(record->bytes, &len);
        messages[i] = (struct bus_message){
            .topic = topic_info(record->topic)->name,
            .partition = record->partition,
            .key = {"0", 1},
            .value = {data ? data : "", len},
        };
    }
    bool done;
    GError *error;
    do {
        error = NULL;
        done = bus_produce(run->bus, messages, action->count, NULL, &error);
    } while (again(run, done, error));
}
