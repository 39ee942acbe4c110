/* TMDB client: turns an ask into a URL, sends it through the one HTTP client, and checks the
 * answer. One owner thread; callbacks come from tmdb_client_run. */
#pragma once

#include <stdbool.h>

#include "base/context.h"
#include "base/error.h"
#include "ingest/planner.h"
#include "net/http_client.h"

struct tmdb_client;

enum tmdb_result {
    TMDB_OK,      /* a JSON object of status 200 */
    TMDB_MISSING, /* 404: TMDB doesn't have it */
    TMDB_FAILED,  /* no usable answer after all tries */
    TMDB_DENIED,  /* 401, 403: the key is wrong; nothing else will work either */
};

struct tmdb_answer {
    enum tmdb_result result;
    int status;           /* of HTTP; 0: no answer came */
    const char *endpoint; /* "/movie/603?append_to_response=credits,keywords", for bronze */
    const char *body;     /* lives during the callback */
    size_t body_len;
    const char *error; /* what went wrong, with status and endpoint; NULL for TMDB_OK */
};

typedef void (*tmdb_answer_fn)(const struct ask *ask, const struct tmdb_answer *answer, void *user);

/* Settings as in config (tmdb.*, ingest.*). rate_per_s is in real time; 0: no limit. The bucket
 * starts empty. CONFIG: the key can't be sent (spaces, line ends, not ASCII). */
struct tmdb_client *tmdb_client_new(const struct context *context,
                                    double rate_per_s,
                                    tmdb_answer_fn fn,
                                    void *user,
                                    GError **error) MUST_CHECK;
/* Accepts NULL; what is under way is dropped without callback. */
void tmdb_client_free(struct tmdb_client *client);

/* Only the simulator knows the past: as_of_ms > 0 asks for the state at that time; 0 asks for now.
 */
void tmdb_client_set_as_of(struct tmdb_client *client, int64_t as_of_ms);

/* AGAIN where too many wait. */
bool tmdb_client_ask(struct tmdb_client *client, const struct ask *ask, GError **error) MUST_CHECK;
/* Drives what was asked for at most timeout_ms; returns early after an answer, or on stop. */
void tmdb_client_run(struct tmdb_client *client, int64_t timeout_ms);
size_t tmdb_client_pending(const struct tmdb_client *client);
