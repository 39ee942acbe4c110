/* A line is built in a buffer on the stack and never grows past LOG_LINE_BYTES_MAX, which is also
 * PIPE_BUF: lines of several processes on one pipe don't mix. What doesn't fit is cut and marked
 * with "…"; a JSON line stays valid JSON, because the bytes that close it are kept back
 * (CLOSE_BYTES). */
#include "base/log.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/number.h"

#define LOG_LINE_BYTES_MAX 4096
/* Holds "…", a closing quote, ,"truncated":true} and the line feed. */
#define CLOSE_BYTES 32
#define CUT_MARK    "…"
#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

struct log {
    int fd;
    enum log_level level;
    bool json, colour;
    const struct clock *clock;
};

struct line {
    char bytes[LOG_LINE_BYTES_MAX];
    size_t len;
    bool cut; /* something did not fit: nothing more is added but the close */
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const level_labels[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
static const char *const level_colours[] = {"\033[2m", "\033[32m", "\033[33m", "\033[31m"};
#define COLOUR_END "\033[0m"

struct log *log_new(int fd, enum log_level level, enum log_format format, const struct clock *clock)
{
    struct log *log = g_new0(struct log, 1);
    bool terminal = isatty(fd) == 1;
    const char *no_colour = getenv("NO_COLOR"); /* no-color.org: any value but the empty one */
    log->fd = fd;
    log->level = level;
    log->json = format == LOG_FORMAT_JSON || (format == LOG_FORMAT_AUTO && !terminal);
    log->colour = !log->json && terminal && (!no_colour || !*no_colour);
    log->clock = clock;
    return log;
}

void log_free(struct log *log)
{
    g_free(log);
}

/* All or nothing. */
static void put(struct line *line, const char *text)
{
    size_t len = strlen(text);
    if (line->cut || line->len + len > sizeof line->bytes - CLOSE_BYTES) {
        line->cut = true;
        return;
    }
    memcpy(line->bytes + line->len, text, len);
    line->len += len;
}

/* For the bytes that were kept back. */
static void put_close(struct line *line, const char *text)
{
    size_t len = strlen(text);
    g_assert(line->len + len <= sizeof line->bytes);
    memcpy(line->bytes + line->len, text, len);
    line->len += len;
}

/* Text with control characters and the given quote escaped as JSON does and invalid UTF-8 replaced,
 * so that neither a parser nor a terminal can be fooled by what a remote sent. */
static void put_escaped(struct line *line, const char *text, bool in_quotes)
{
    while (*text && !line->cut) {
        gunichar point = g_utf8_get_char_validated(text, -1);
        char escaped[8] = {0};
        if (point == (gunichar)-1 || point == (gunichar)-2) {
            put(line, REPLACEMENT);
            text++;
            continue;
        }
        if (point == '\n')
            g_strlcpy(escaped, "\\n", sizeof escaped);
        else if (point == '\t')
            g_strlcpy(escaped, "\\t", sizeof escaped);
        else if (point < 0x20 || (point >= 0x7f && point < 0xa0))
            g_snprintf(escaped, sizeof escaped, "\\u%04x", point);
        else if (in_quotes && (point == '"' || point == '\\'))
            g_snprintf(escaped, sizeof escaped, "\\%c", (char)point);
        else
            escaped[g_unichar_to_utf8(point, escaped)] = '\0';
        put(line, escaped);
        text = g_utf8_next_char(text);
    }
}

/* "text" in quotes; the closing quote always fits. */
static void put_quoted(struct line *line, const char *text)
{
    put(line, "\"");
    if (line->cut)
        return;
    put_escaped(line, text, true);
    if (line->cut)
        put_close(line, CUT_MARK);
    put_close(line, "\"");
}

/* "key": with what separates it from the pair before; false, and nothing put, where it doesn't fit.
 */
static bool put_key(struct line *line, const char *key)
{
    size_t len_before = line->len;
    put(line, line->len > 1 ? ",\"" : "\"");
    put_escaped(line, key, true);
    put(line, "\":\"");
    if (line->cut) {
        line->len = len_before;
        return false;
    }
    line->len--; /* the quote was only to know that a value can begin */
    return true;
}

static void put_json_number(struct line *line, const char *key, const char *number)
{
    size_t len_before = line->len;
    if (!put_key(line, key))
        return;
    put(line, number);
    if (line->cut)
        line->len = len_before;
}

static void put_json_string(struct line *line, const char *key, const char *value)
{
    if (!value)
        put_json_number(line, key, "null");
    else if (put_key(line, key))
        put_quoted(line, value);
}

static const char *field_number(const struct log_field *field, char buffer[NUMBER_TEXT_BYTES])
{
    if (field->type == LOG_FIELD_DOUBLE)
        return number_text(field->number, buffer);
    g_snprintf(buffer, NUMBER_TEXT_BYTES, "%" G_GINT64_FORMAT, (gint64)field->integer);
    return buffer;
}

static void build_json(struct line *line,
                       enum log_level level,
                       const char *time,
                       const char *stage,
                       const char *message,
                       const struct log_field *fields)
{
    put(line, "{");
    put_json_string(line, "time", time);
    put_json_string(line, "level", level_names[level]);
    put_json_string(line, "stage", stage);
    put_json_string(line, "message", message);
    for (const struct log_field *field = fields; field && field->key; field++) {
        char number[NUMBER_TEXT_BYTES];
        if (field->type == LOG_FIELD_STRING)
            put_json_string(line, field->key, field->string);
        else if (field->type == LOG_FIELD_DOUBLE && !isfinite(field->number))
            put_json_number(line, field->key, "null"); /* JSON has no NaN */
        else
            put_json_number(line, field->key, field_number(field, number));
    }
    if (line->cut)
        put_close(line, ",\"truncated\":true");
    put_close(line, "}\n");
}

/* A value is quoted where a reader who splits at spaces and '=' would lose its end. */
static bool needs_quotes(const char *text)
{
    if (!*text)
        return true;
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || strchr("\"=\\\x7f", *text))
            return true;
    return false;
}

static void build_text(struct line *line,
                       enum log_level level,
                       bool colour,
                       const char *time,
                       const char *stage,
                       const char *message,
                       const struct log_field *fields)
{
    char date[CLOCK_ISO_BYTES];
    g_strlcpy(date, time, sizeof date);
    g_strdelimit(date, "TZ", ' '); /* "2026-03-03 04:00:00 ": the last space separates */
    put(line, date);
    put(line, colour ? level_colours[level] : "");
    put(line, level_labels[level]);
    put(line, colour ? COLOUR_END " " : " ");
    put_escaped(line, stage, false);
    put(line, "  ");
    put_escaped(line, message, false);
    const char *gap = "  ";
    for (const struct log_field *field = fields; field && field->key && !line->cut; field++) {
        put(line, gap);
        put_escaped(line, field->key, false);
        put(line, "=");
        char number[NUMBER_TEXT_BYTES];
        if (field->type != LOG_FIELD_STRING)
            put(line, field_number(field, number));
        else if (!field->string)
            put(line, "null");
        else if (needs_quotes(field->string))
            put_quoted(line, field->string);
        else
            put_escaped(line, field->string, false);
        gap = " ";
    }
    if (line->cut)
        put_close(line, CUT_MARK);
    put_close(line, "\n");
}

void log_write(struct log *log,
               enum log_level level,
               const char *stage,
               const char *message,
               const struct log_field *fields)
{
    g_assert(level < LOG_LEVEL_NONE);
    if (!log || level < log->level)
        return;
    char time[CLOCK_ISO_BYTES];
    clock_iso8601(clock_now_ms(log->clock), time);
    struct line line = {.len = 0};
    if (log->json)
        build_json(&line, level, time, stage, message, fields);
    else
        build_text(&line, level, log->colour, time, stage, message, fields);
    /* A log that can't be written has nobody to tell; only an interrupted call is repeated. */
    while (write(log->fd, line.bytes, line.len) < 0 && errno == EINTR)
        ;
}
