/* Log dump: lines of tools/loggen.py as records on a bus. Test code: a mistake ends the program. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bus/serde.h"

struct log_line {
    const struct topic_info *info;
    int partition;
    int64_t offset, append_time_ms;
    GByteArray
        *bytes; /* the record as the producer would send it, or the broken bytes; the caller's */
};

/* Fills ret_line; bytes is emptied first. */
void log_dump_parse(const char *line,
                    struct serde *serde,
                    GByteArray *bytes,
                    struct log_line *ret_line);
