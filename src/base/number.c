#include "base/number.h"

#include <math.h>
#include <stdio.h>

#include <glib.h>

char *number_text(double number, char buffer[NUMBER_TEXT_BYTES])
{
    if (!isfinite(number)) {
        g_strlcpy(buffer, isnan(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf", NUMBER_TEXT_BYTES);
        return buffer;
    }
    /* 15 digits are always kept by a double, 17 always suffice (IEEE 754 binary64). */
    for (int digits = 15; digits <= 17; digits++) {
        char format[8];
        snprintf(format, sizeof format, "%%.%dg", digits);
        g_ascii_formatd(buffer, NUMBER_TEXT_BYTES, format, number);
        double back = g_ascii_strtod(buffer, NULL);
        if (!(back < number || back > number))
            break;
    }
    return buffer;
}
