/* Log: structured lines, text on a terminal and JSON elsewhere. Library code returns errors and
 * stays silent; stage loops and main log once:
 *
 *   log_info(log, "stream", "committed", LOG_INT("partition", 3), LOG_INT("records", 512));
 *
 * A secret never becomes a field. Any thread; a line is written by one write(2). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_NONE };
enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_field {
    const char *key; /* NULL ends the list */
    enum { LOG_FIELD_INT, LOG_FIELD_DOUBLE, LOG_FIELD_STRING } type;
    union {
        int64_t integer;
        double number;
        const char *string; /* NULL prints as null */
    };
};

#define LOG_INT(k, v)                                                                              \
    {                                                                                              \
        .key = (k), .type = LOG_FIELD_INT, .integer = (int64_t)(v)                                 \
    }
#define LOG_NUM(k, v)                                                                              \
    {                                                                                              \
        .key = (k), .type = LOG_FIELD_DOUBLE, .number = (v)                                        \
    }
#define LOG_STR(k, v)                                                                              \
    {                                                                                              \
        .key = (k), .type = LOG_FIELD_STRING, .string = (v)                                        \
    }

struct log;

/* fd stays the caller's. clock stays the caller's and must outlive the log. */
struct log *
log_new(int fd, enum log_level level, enum log_format format, const struct clock *clock);
void log_free(struct log *log); /* accepts NULL */

/* A NULL log swallows everything: handy in tests. */
void log_write(struct log *log,
               enum log_level level,
               const char *stage,
               const char *message,
               const struct log_field *fields);

#define log_at(log, level, stage, message, ...)                                                    \
    log_write(log, level, stage, message, (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_debug(log, ...) log_at(log, LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(log, ...)  log_at(log, LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(log, ...)  log_at(log, LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(log, ...) log_at(log, LOG_LEVEL_ERROR, __VA_ARGS__)
