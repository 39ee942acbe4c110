#include "cli/batch_dag.h"

#include <stdio.h>

#include "base/json_writer.h"
#include "base/stop.h"
#include "ingest/tmdb_client.h"

#define HEALTH_RATE_PER_S 1.0
#define RUN_MS            1000 /* between two looks whether stop is requested */

struct health {
    bool answered;
    enum tmdb_result result;
    char *why; /* NULL: all is well */
};

static void take_answer(const struct ask *ask, const struct tmdb_answer *answer, void *user)
{
    (void)ask;
    struct health *health = user;
    health->answered = true;
    health->result = answer->result;
    health->why = g_strdup(answer->error);
}

/* One page of the popular movies, with all tries that a request of ingest has. */
static bool check_health(const struct context *context, char **ret_note, GError **error)
{
    const struct ask ask = {.kind = ASK_LIST, .list = LIST_POPULAR, .page = 1};
    struct health health = {0};
    struct tmdb_client *client =
        tmdb_client_new(context, HEALTH_RATE_PER_S, take_answer, &health, error);
    if (!client)
        return false;
    bool done = tmdb_client_ask(client, &ask, error);
    while (done && !health.answered && !stop_requested(context->stop))
        tmdb_client_run(client, RUN_MS);
    tmdb_client_free(client);
    if (done && (!health.answered || health.result != TMDB_OK)) {
        if (health.result == TMDB_DENIED)
            error_set(error, DENIED, "%s", health.why ? health.why : "TMDB refuses the key");
        else
            error_set(error, AGAIN, "%s", health.why ? health.why : "TMDB did not answer");
        done = false;
    }
    if (done)
        *ret_note = g_strdup("TMDB answers");
    g_free(health.why);
    return done;
}

int batch_dag_main(struct app *app, const struct dag_step *step)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *note = NULL;
    bool done = step->kind == DAG_HEALTH ? check_health(&app->context, &note, &error)
                                         : dag_run(&app->context, step, &note, &error);
    if (!done) {
        bool due = !error_is(error, NOTFOUND) && !error_is(error, CONFLICT);
        int code = app_fail(error);
        return due ? code : BATCH_EXIT_SKIPPED;
    }
    if (!app->options.json) {
        printf("%s.%s: %s\n", step->dag, step->name, note);
        return EXIT_DONE;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    json_write_object(text);
    json_add_string(text, "dag", step->dag);
    json_add_string(text, "step", step->name);
    json_add_string(text, "note", note);
    json_write_object_end(text);
    puts(text->str);
    return EXIT_DONE;
}

void batch_dag_list(bool json)
{
    for (size_t i = 0; i < dag_steps_count; i++) {
        const struct dag_step *step = &dag_steps[i];
        if (!json) {
            g_autofree char *name = g_strdup_printf("%s.%s", step->dag, step->name);
            printf("%-32s %s\n", name, step->what);
            continue;
        }
        g_autoptr(GString) text = g_string_new(NULL);
        json_write_object(text);
        json_add_string(text, "dag", step->dag);
        json_add_string(text, "step", step->name);
        json_add_string(text, "what", step->what);
        json_write_object_end(text);
        puts(text->str);
    }
}
