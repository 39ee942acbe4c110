/* The history of batch runs. */
#include <string.h>

#include <jansson.h>

#include "base/json_writer.h"
#include "serve/worker.h"

#define RUNS_LIMIT_DEFAULT 20
#define RUNS_LIMIT_MAX     200

/* A detail is JSON, or a sentence that says what failed. */
static void write_detail(GString *out, const char *detail)
{
    json_write_key(out, "detail");
    json_t *parsed = json_loads(detail, 0, NULL);
    if (json_is_object(parsed))
        json_write_raw(out, detail, strlen(detail));
    else
        json_write_string(out, detail);
    json_decref(parsed);
}

void run_write(GString *out, const struct view_run *run)
{
    json_write_object(out);
    json_add_string(out, "run_id", run->run_id);
    json_add_string(out, "state", run->state);
    json_add_time(out, "started_at", run->started_ms);
    json_write_key(out, "ended_at");
    if (run->ended_ms > 0)
        json_write_time(out, run->ended_ms);
    else
        json_write_null(out);
    write_detail(out, run->detail);
    json_write_object_end(out);
}

static bool runs_write(struct answer *answer, GError **error)
{
    int64_t limit;
    struct view_run *runs;
    size_t count;
    if (!http_query_int(answer->request, answer->response, "limit", 1, RUNS_LIMIT_MAX,
                        RUNS_LIMIT_DEFAULT, &limit) ||
        !view_runs(answer->worker->view, (size_t)limit, answer->arena, &runs, &count, error))
        return false;
    json_write_key(answer->body, "data");
    json_write_array(answer->body);
    for (size_t i = 0; i < count; i++)
        run_write(answer->body, &runs[i]);
    json_write_array_end(answer->body);
    return true;
}

static const char *const runs_arguments[] = {"limit", NULL};

const struct endpoint runs_endpoint = {.arguments = runs_arguments, .write = runs_write};
