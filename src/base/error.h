/* Errors: GError with one domain. The code says what the caller does, the text says what happened,
 * where, and what to do. A connector translates its library's errors once, at its edge. */
#pragma once

#include <glib.h>

enum marquee_error {
    MARQUEE_ERROR_AGAIN,    /* time will mend it: back off, repeat the same call */
    MARQUEE_ERROR_BADDATA,  /* this input will never be right: dead letter, 400, quarantine */
    MARQUEE_ERROR_NOTFOUND, /* what was asked for isn't there */
    MARQUEE_ERROR_CONFLICT, /* somebody else changed it first: read again, decide again */
    MARQUEE_ERROR_FENCED,   /* another owner has taken over: stop this stage */
    MARQUEE_ERROR_DENIED,   /* key or right is missing: final until a person acts */
    MARQUEE_ERROR_CONFIG,   /* the setting is wrong: don't start */
    MARQUEE_ERROR_FAILED,   /* anything else: stop and say so */
};

#define MARQUEE_ERROR (marquee_error_quark())
GQuark marquee_error_quark(void);

/* "AGAIN", "BADDATA" ... for logs. */
const char *marquee_error_name(int code);

#define error_set(error, code, ...)                                                                \
    g_set_error(error, MARQUEE_ERROR, MARQUEE_ERROR_##code, __VA_ARGS__)
#define error_is(error, code) g_error_matches(error, MARQUEE_ERROR, MARQUEE_ERROR_##code)

#define MUST_CHECK G_GNUC_WARN_UNUSED_RESULT
