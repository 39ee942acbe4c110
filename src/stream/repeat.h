/* Repeat: which reviews and user events have come before (docs/semantics.md, duplicate). Asked for
 * each record that isn't bad, in offset order. State is in seen.h; its bounds:
 *
 *   reviews     as long as the review's hour is held; later all its versions are expired anyway
 *   producers   REPEAT_PRODUCER_MS of append time after the last one of a producer and epoch
 *   other ids   REPEAT_ID_MS of append time, in buckets of that length */
#pragma once

#include "stream/seen.h"

/* Numbers of the rule, not the settings of the same value. */
#define REPEAT_PRODUCER_MS (52 * MS_PER_HOUR)
#define REPEAT_ID_MS       (10 * MS_PER_MINUTE)

/* An event id of our producers' form: [a-z0-9-]+\.[0-9]+:[0-9]+, both numbers signed 64 bits. */
struct producer_id {
    struct span producer;
    int64_t epoch, sequence;
};
bool producer_id_parse(struct span id, struct producer_id *ret_id);

/* The version of a review: updated_at, else created_at. */
int64_t review_version(const struct review *review);

/* ret_repeat: its version is not above the highest one before. Else ret_replaces says whether there
 * is a lower one, with ret_old_compound_e4. Changes nothing: a review that is used is noted by
 * repeat_note_review. */
bool repeat_review(struct seen *seen,
                   const struct review *review,
                   bool *ret_repeat,
                   bool *ret_replaces,
                   int64_t *ret_old_compound_e4,
                   GError **error) MUST_CHECK;
void repeat_note_review(struct seen *seen, const struct review *review, int64_t compound_e4);

/* Notes the event too, whatever becomes of it. append_ms: the highest one of the partition so far.
 */
bool repeat_event(struct seen *seen,
                  struct span event_id,
                  int64_t append_ms,
                  bool *ret_repeat,
                  GError **error) MUST_CHECK;

/* Lets go what append time has passed. */
void repeat_pass(struct seen *seen, int64_t append_ms);
/* Reviews of hours below it are expired. */
void repeat_forget_reviews(struct seen *seen, int64_t first_held_hour);
