/* Helper: a thread that stands by its owner and does one job at a time for it. What the job touches
 * is the helper's from helper_start until helper_done says true or helper_wait returns, and the
 * owner's again after. One owner thread. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "base/error.h"

struct helper;

/* name: of the thread, at most 15 bytes; it outlives the helper. FAILED: there is no thread to be
 * had. */
struct helper *helper_new(const char *name, GError **error) MUST_CHECK;
/* Waits for the job under way. Accepts NULL. */
void helper_free(struct helper *helper);

/* Only while no job is under way. */
void helper_start(struct helper *helper, void (*job)(void *data), void *data);
/* No job is under way (any more). */
bool helper_done(struct helper *helper);
void helper_wait(struct helper *helper);
