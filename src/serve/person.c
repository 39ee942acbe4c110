/* A person: the filmography that the last batch run has stored. */
#include "serve/batch_docs.h"

static bool person_write(struct answer *answer, GError **error)
{
    struct view_key key = {.view_type = "people"};
    return http_param_int(answer->request, answer->response, "id", 1, INT32_MAX, &key.movie_id) &&
           batch_doc_write(answer, &key, "this person", error);
}

const struct endpoint person_endpoint = {.write = person_write};
