/* A small HTTP client for tests: one request, the whole answer. */
#pragma once

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

struct api_answer {
    int status;
    GHashTable *headers; /* lower-case name -> value */
    GString *body;
    json_t *json; /* of a body that is JSON; else NULL */
};

/* method NULL: GET. headers: "Name: value" strings, NULL-terminated, or NULL. The address is path
 * on 127.0.0.1. */
struct api_answer *
api_ask(int port, const char *method, const char *path, const char *const *headers);
/* GET that takes gzip, and shows the body unpacked. */
struct api_answer *api_ask_unpacked(int port, const char *path);
void api_answer_free(struct api_answer *answer);
const char *api_header(const struct api_answer *answer, const char *name); /* NULL where absent */

/* json_object_get by a path: "meta.gaps.0.from". */
json_t *api_get(const struct api_answer *answer, const char *path);

/* Reads an event stream until fn returns false (then true) or the time is over. */
bool api_listen(int port,
                const char *path,
                bool (*fn)(void *user, const char *event, json_t *data),
                void *user,
                long timeout_ms);
