/* Finding: what an inspection of a part has to say: which check, how bad it is, what was found, and
 * what to do. A list of them grows in the order of the checks. One owner thread. */
#pragma once

#include <stddef.h>

#include <glib.h>

enum finding_level {
    FINDING_OK,   /* looked at, nothing wrong */
    FINDING_NOTE, /* couldn't be looked at, or worth knowing */
    FINDING_WARN, /* will hurt if it stays so */
    FINDING_BAD,  /* hurts now */
    FINDING_LEVEL_COUNT
};

struct finding {
    enum finding_level level;
    const char *check;  /* "bus.idle-partition": a constant */
    char *text;         /* what was found, with the numbers */
    const char *advice; /* what to do; NULL where there is nothing to do: a constant */
};

/* Findings of one check beyond it are counted in one line more. */
#define FINDINGS_PER_CHECK_MAX 10

struct findings;

/* "ok", "note", "warn", "bad". */
const char *finding_level_name(enum finding_level level);

struct findings *findings_new(void);
void findings_free(struct findings *findings); /* accepts NULL */

/* check and advice outlive the list. */
void findings_add(struct findings *findings,
                  enum finding_level level,
                  const char *check,
                  const char *advice,
                  const char *format,
                  ...) G_GNUC_PRINTF(5, 6);

size_t findings_count(const struct findings *findings);
const struct finding *findings_get(const struct findings *findings, size_t index);

/* The worst level in the list; of a check (NULL: of all). FINDING_OK where there is none. */
enum finding_level findings_worst(const struct findings *findings, const char *check);
