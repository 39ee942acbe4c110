#include "tmdb_sim/sim.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/embedded.h"
#include "base/json_writer.h"
#include "base/stop.h"
#include "tmdb_sim/call.h"
#include "tmdb_sim/dice.h"
#include "tmdb_sim/request_log.h"

#define SIM_THREADS 2
/* A delayed answer holds its worker. */
#define SIM_THREADS_LATENCY 32
#define SIM_CONNECTIONS_MAX 1024
#define SIM_IDLE_TIMEOUT_MS (60 * MS_PER_SECOND)
#define BEARER              "Bearer "
/* 9999-12-31: as far as dates are written with four digits. */
#define AS_OF_MS_MAX INT64_C(253402214400000)

struct tmdb_sim {
    const struct context *context;
    struct phrases *phrases;
    struct catalogue *catalogue;
    struct world *world;
    struct faults *faults;
    struct request_log *log;
    struct http_server *server;
    struct planted_burst *bursts;
    char *require_key, *url;
    atomic_uint_fast64_t requests;
};

/* One thread's own. */
struct sim_worker {
    struct tmdb_sim *sim;
    struct worlds *worlds;
    GString *out;
};

static void *worker_open(void *user, GError **error)
{
    (void)error;
    struct tmdb_sim *sim = user;
    struct sim_worker *worker = g_new0(struct sim_worker, 1);
    worker->sim = sim;
    worker->worlds = worlds_new(sim->world);
    worker->out = g_string_sized_new((size_t)64 * 1024);
    return worker;
}

static void worker_close(void *data)
{
    struct sim_worker *worker = data;
    worlds_free(worker->worlds);
    g_string_free(worker->out, TRUE);
    g_free(worker);
}

/* ---- one request ---- */

static bool key_is_right(const struct tmdb_sim *sim, const struct http_request *request)
{
    if (!sim->require_key)
        return true;
    const char *query = http_request_query(request, "api_key");
    const char *header = http_request_header(request, "Authorization");
    return (query && g_str_equal(query, sim->require_key)) ||
           (header && g_str_has_prefix(header, BEARER) &&
            g_str_equal(header + strlen(BEARER), sim->require_key));
}

static void refuse_for_limit(struct call *call)
{
    call_error(call, TMDB_CODE_LIMIT);
    if (call->plan->retry_after_s >= 0)
        http_header_add(call->response, "Retry-After",
                        arena_printf(http_request_arena(call->request), "%" G_GINT64_FORMAT,
                                     call->plan->retry_after_s));
}

static bool read_as_of(struct call *call)
{
    const char *text = http_request_query(call->request, "as_of");
    if (!text || call_read_int(text, 0, AS_OF_MS_MAX, &call->time_ms))
        return true;
    call_error(call, TMDB_CODE_PARAMETERS);
    return false;
}

/* Leaves in the plan only the faults that were done. */
static void answer_call(struct tmdb_sim *sim, struct call *call)
{
    struct fault_plan *plan = call->plan;
    if (plan->hits[FAULT_LATENCY])
        (void)stop_wait_ms(sim->context->stop, plan->latency_ms);
    bool refused = plan->hits[FAULT_STORM] || plan->hits[FAULT_RATE];
    bool failed = !refused && plan->hits[FAULT_ERROR];
    plan->hits[FAULT_ERROR] = failed;
    if (refused)
        refuse_for_limit(call);
    else if (failed)
        call_error(call, TMDB_CODE_INTERNAL);
    else if (!key_is_right(sim, call->request))
        call_error(call, TMDB_CODE_KEY);
    else if (read_as_of(call) && !call_route(call))
        call_error(call, TMDB_CODE_MISSING);
    plan->hits[FAULT_MISSING_BLOCK] = call->lost_block;
}

/* What happens to an answer that was right. */
static void damage(struct call *call)
{
    struct fault_plan *plan = call->plan;
    bool good = call->response->status == 200;
    plan->hits[FAULT_HTML] = plan->hits[FAULT_HTML] && good;
    plan->hits[FAULT_TRUNCATE] = plan->hits[FAULT_TRUNCATE] && good && !plan->hits[FAULT_HTML];
    if (plan->hits[FAULT_HTML]) {
        size_t size;
        const char *page = embedded_text("data/catalogue/maintenance.html", &size);
        http_reply(call->response, 200, "text/html; charset=utf-8", page, size);
        plan->hits[FAULT_MISSING_BLOCK] = false;
    } else if (plan->hits[FAULT_TRUNCATE]) {
        double share = 0.05 + 0.9 * dice_unit(plan->chance);
        call->response->body_len = (size_t)(share * (double)call->response->body_len);
    }
}

static bool append_query(void *user, const char *name, const char *value)
{
    GString *path = user;
    if (g_str_equal(name, "api_key") || g_str_equal(name, "session_id"))
        return true;
    g_string_append_c(path, strchr(path->str, '?') ? '&' : '?');
    g_string_append_uri_escaped(path, name, NULL, FALSE);
    g_string_append_c(path, '=');
    g_string_append_uri_escaped(path, value, ",", FALSE);
    return true;
}

static void count_and_log(struct tmdb_sim *sim, const struct call *call, int64_t world_ms)
{
    for (enum fault_kind kind = 0; kind < FAULT_KIND_COUNT; kind++)
        if (call->plan->hits[kind])
            faults_applied(sim->faults, kind);
    atomic_fetch_add(&sim->requests, 1);
    if (!sim->log)
        return;
    g_autoptr(GString) path = g_string_new(http_request_path(call->request));
    http_request_each_query(call->request, append_query, path);
    g_autoptr(GString) done = g_string_new(NULL);
    for (enum fault_kind kind = 0; kind < FAULT_KIND_COUNT; kind++)
        if (call->plan->hits[kind])
            g_string_append_printf(done, "%s%s", done->len ? "+" : "", fault_name(kind));
    request_log_write(sim->log, &(struct request_log_entry){
                                    .number = call->plan->number,
                                    .world_ms = world_ms,
                                    .real_ms = clock_monotonic_us(sim->context->clock) / 1000,
                                    .method = http_request_method(call->request),
                                    .path = path->str,
                                    .fault = done->len ? done->str : NULL,
                                    .status = call->response->status,
                                    .bytes = call->response->body_len,
                                });
}

static void
serve_tmdb(const struct http_request *request, struct http_response *response, void *data)
{
    struct sim_worker *worker = data;
    struct tmdb_sim *sim = worker->sim;
    struct fault_plan plan = faults_next(sim->faults);
    int64_t now_ms = clock_now_ms(sim->context->clock);
    struct call call = {
        .world = sim->world,
        .worlds = worker->worlds,
        .request = request,
        .response = response,
        .plan = &plan,
        .time_ms = now_ms,
        .out = g_string_truncate(worker->out, 0),
    };
    answer_call(sim, &call);
    damage(&call);
    count_and_log(sim, &call, now_ms);
}

/* How a client tells the simulator from TMDB, and two processes agree on the time: no faults, no
 * key, not logged. */
static void
serve_clock(const struct http_request *request, struct http_response *response, void *data)
{
    (void)request;
    struct sim_worker *worker = data;
    const struct clock *clock = worker->sim->context->clock;
    GString *out = g_string_truncate(worker->out, 0);
    json_write_object(out);
    json_add_int(out, "now_ms", clock_now_ms(clock));
    json_add_double(out, "speed", clock_speed(clock));
    json_add_int(out, "seed", (int64_t)worker->sim->world->seed);
    json_add_int(out, "movies", (int64_t)worker->sim->catalogue->movies_count);
    json_write_object_end(out);
    http_reply(response, 200, "application/json;charset=utf-8", out->str, out->len);
}

static const struct http_route routes[] = {
    {"GET", "/3/marquee/clock", serve_clock, "clock"},
    {"GET", "*", serve_tmdb, "tmdb"},
};

/* ---- start and stop ---- */

static bool open_parts(struct tmdb_sim *sim, const struct tmdb_sim_options *options, GError **error)
{
    sim->phrases = phrases_open();
    sim->faults = faults_new(options->fault, options->seed, sim->context->clock, error);
    if (!sim->faults)
        return false;
    struct catalogue_options catalogue = {
        .capture_dir = options->capture_dir,
        .movies = options->movies,
        .premieres = options->premieres,
        .seed = options->seed,
        .phrases = sim->phrases,
    };
    sim->catalogue = catalogue_open(&catalogue, error);
    if (!sim->catalogue)
        return false;
    for (size_t i = 0; i < options->bursts_count; i++)
        if (catalogue_find(sim->catalogue, options->bursts[i].movie_id) < 0) {
            error_set(error, CONFIG, "--burst: the catalogue has no movie %d",
                      options->bursts[i].movie_id);
            return false;
        }
    sim->bursts = g_memdup2(options->bursts, options->bursts_count * sizeof *options->bursts);
    sim->world = world_new(sim->catalogue, options->seed, sim->bursts, options->bursts_count);
    if (options->request_log)
        sim->log = request_log_open(options->request_log, error);
    return sim->log || !options->request_log;
}

static bool open_server(struct tmdb_sim *sim, int port, GError **error)
{
    struct http_server_options options = {
        .host = "127.0.0.1",
        .port = port,
        .threads = faults_latency_ms(sim->faults) ? SIM_THREADS_LATENCY : SIM_THREADS,
        .connections_max = SIM_CONNECTIONS_MAX,
        .idle_timeout_ms = SIM_IDLE_TIMEOUT_MS,
        .routes = routes,
        .routes_count = G_N_ELEMENTS(routes),
        .worker_open = worker_open,
        .worker_close = worker_close,
        .user = sim,
    };
    sim->server = http_server_start(sim->context, &options, error);
    return sim->server != NULL;
}

struct tmdb_sim *tmdb_sim_start(const struct context *context,
                                const struct tmdb_sim_options *options,
                                GError **error)
{
    g_assert(context->clock && context->stop && options->bursts_count <= PLANTED_BURSTS_MAX);
    struct tmdb_sim *sim = g_new0(struct tmdb_sim, 1);
    sim->context = context;
    sim->require_key = g_strdup(options->require_key);
    if (!open_parts(sim, options, error) || !open_server(sim, options->port, error)) {
        tmdb_sim_stop(sim);
        return NULL;
    }
    sim->url = g_strdup_printf("http://127.0.0.1:%d/3", tmdb_sim_port(sim));
    return sim;
}

int tmdb_sim_port(const struct tmdb_sim *sim)
{
    return http_server_port(sim->server);
}

const char *tmdb_sim_url(const struct tmdb_sim *sim)
{
    return sim->url;
}

uint64_t tmdb_sim_requests(const struct tmdb_sim *sim)
{
    return atomic_load(&sim->requests);
}

uint64_t tmdb_sim_faults(const struct tmdb_sim *sim, enum fault_kind kind)
{
    return faults_count(sim->faults, kind);
}

void tmdb_sim_stop(struct tmdb_sim *sim)
{
    if (!sim)
        return;
    http_server_stop(sim->server);
    request_log_close(sim->log);
    world_free(sim->world);
    catalogue_close(sim->catalogue);
    faults_free(sim->faults);
    phrases_close(sim->phrases);
    g_free(sim->bursts);
    g_free(sim->require_key);
    g_free(sim->url);
    g_free(sim);
}
