/* One line of TMDB's daily ID export. Pure; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct exports_line {
    int32_t movie_id;
    int64_t popularity_e4; /* ten-thousandths, rounded to even */
    bool adult, video;
};

/* BADDATA says which field is wrong. */
bool exports_line_parse(const char *text, size_t len, struct exports_line *ret_line, GError **error)
    MUST_CHECK;
