/* Decimal: value / 10^digits as JSON text that always shows a fraction ("20.0", "652.6109"), so
 * that a number which TMDB gives as a float stays one. Any thread. */
#pragma once

#include <stdint.h>

#include <glib.h>

#define DECIMAL_DIGITS_MAX 4

/* value >= 0; digits from 1 to DECIMAL_DIGITS_MAX. */
void decimal_write(GString *out, int64_t value, int digits);
/* A whole number, without printf. */
void decimal_write_int(GString *out, int64_t value);
