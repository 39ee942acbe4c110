/* Batch documents: answers that only pass on what a batch run has stored. With these an endpoint is
 * its arguments and a key. */
#pragma once

#include "serve/worker.h"

/* The one document of a key, out of the cache for SERVE_BATCH_TTL_MS; len 0: the served run has
 * none. */
bool batch_doc(struct answer *answer,
               const struct view_key *key,
               struct span *ret_document,
               GError **error) MUST_CHECK;

/* Appends "data": the document. False without an error: the response is a 404 that says that no run
 * has published what ("revenue analytics"). */
bool batch_doc_write(struct answer *answer,
                     const struct view_key *key,
                     const char *what,
                     GError **error) MUST_CHECK;

/* Appends a page of the documents that match the key, as an array, by _id. Takes the query
 * arguments limit and cursor; a cursor goes on in the generation that it names, while that is kept.
 * ret_cursor: of the next page, or NULL. False without an error: the response is a 400. */
#define BATCH_DOCS_LIMIT_DEFAULT 200
bool batch_docs_write(struct answer *answer,
                      const struct view_key *key,
                      const char **ret_cursor,
                      GError **error) MUST_CHECK;
