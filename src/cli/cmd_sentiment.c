/* cmd_sentiment.c: see cmd_sentiment.h. */
#include "cli/cmd_sentiment.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <jansson.h>

#include "cli/line_reader.h"
#include "sentiment/sentences.h"
#include "sentiment/vader.h"

#define NAME "marquee sentiment"
/* Flushed before waiting for input, so this only saves calls. */
#define OUTPUT_BYTES ((size_t)256 << 10)
/* Named on standard error one by one; more are only counted. */
#define BAD_LINES_NAMED_MAX 100

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

struct options {
    gboolean jsonl, transform, explain, sentences;
    char *field, *id;
};

struct session {
    struct options options;
    uint64_t bad_lines;
};

/* ---- Output ---- */

/* Appends a decimal as Python's repr writes it, whatever the locale: 0.0, 12.25, -0.128. `value`
 * has at most `digits` digits behind the point (3 or 4) and is below a million. Returns the end. */
static char *put_decimal(char *at, double value, int digits)
{
    const int scale = digits == 3 ? 1000 : 10000;
    int scaled = (int)lrint(fabs(value) * scale), fraction = scaled % scale;

    if (signbit(value))
        *at++ = '-';
    char reversed[16];
    int len = 0, whole = scaled / scale;
    do
        reversed[len++] = (char)('0' + whole % 10);
    while (whole /= 10);
    while (len > 0)
        *at++ = reversed[--len];
    *at++ = '.';
    do {
        fraction *= 10;
        *at++ = (char)('0' + fraction / scale);
        fraction %= scale;
    } while (fraction > 0); /* trailing zeros go, but for the one right behind the point */
    return at;
}

/* The row's last columns: the four scores, and with --sentences the mean. */
static void print_scores(const struct vader_scores *scores, const int *sentences_e4)
{
    const double values[] = {scores->neg, scores->neu, scores->pos, scores->compound};
    char row[80], *at = row;

    for (int i = 0; i < 4; i++) {
        at = put_decimal(at, values[i], i < 3 ? 3 : 4);
        *at++ = '\t';
    }
    if (sentences_e4)
        at = put_decimal(at, *sentences_e4 / 1e4, 4) + 1;
    at[-1] = '\n';
    fwrite(row, 1, (size_t)(at - row), stdout);
}

static void print_step(const struct vader_step *step, void *user)
{
    (void)user;
    if (step->word == VADER_NO_WORD) {
        fputs("-\t-", stdout);
    } else {
        printf("%zu\t", step->word);
        fwrite(step->token, 1, step->token_len, stdout);
    }
    char valence[32], *end = put_decimal(valence, step->valence, 4);
    printf("\t%s\t%.*s\n", step->rule, (int)(end - valence), valence);
}

/* One answer: the row of a text, or with --explain a block of rows, scores last. */
static void answer(const struct session *session, const char *id, const char *text, size_t len)
{
    struct vader_scores scores;

    if (session->options.explain) {
        vader_explain(text, len, print_step, NULL, &scores);
        printf("%s\t", id ? id : "scores");
    } else {
        vader_score(text, len, &scores);
        if (id)
            printf("%s\t", id);
    }
    int sentences_e4 = session->options.sentences ? sentences_compound_e4(text, len) : 0;
    print_scores(&scores, session->options.sentences ? &sentences_e4 : NULL);
}

static void flush_output(void *user)
{
    (void)user;
    fflush(stdout); /* a failure stays in ferror() and is reported at the end */
}

/* ---- Input ---- */

static G_GNUC_PRINTF(3, 4) void bad_line(struct session *session,
                                         const struct line *line,
                                         const char *format,
                                         ...)
{
    if (session->bad_lines++ >= BAD_LINES_NAMED_MAX)
        return;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(stderr, NAME ": line %" G_GUINT64_FORMAT ": %s\n", line->number, text);
}

/* The id's text: a string or an integer, and nothing that would break the row. NULL if it can't be.
 */
static const char *id_text(const json_t *id, char buffer[static 32], const char **ret_reason)
{
    if (json_is_integer(id)) {
        g_snprintf(buffer, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        return buffer;
    }
    if (!json_is_string(id)) {
        *ret_reason = "expected a string or an integer";
        return NULL;
    }
    const char *text = json_string_value(id);
    if (strlen(text) != json_string_length(id) || strpbrk(text, "\t\n\r")) {
        *ret_reason = "it holds a tab, a line's end or a NUL";
        return NULL;
    }
    return text;
}

static void score_json(struct session *session, const struct line *line)
{
    const struct options *options = &session->options;
    json_error_t json_error;
    json_t *object = json_loadb(line->bytes, line->len, JSON_ALLOW_NUL, &json_error);
    char buffer[32];
    const char *id = NULL, *reason = NULL;

    if (!json_is_object(object)) {
        bad_line(session, line, "not a JSON object: %s",
                 object ? "some other JSON value" : json_error.text);
        json_decref(object);
        return;
    }
    const json_t *content = json_object_get(object, options->field);
    if (!json_is_string(content))
        bad_line(session, line, "field \"%s\": expected a string, found %s", options->field,
                 !content                ? "no such field"
                 : json_is_null(content) ? "null"
                                         : "another type");
    else if (options->id && !(id = id_text(json_object_get(object, options->id), buffer, &reason)))
        bad_line(session, line, "field \"%s\": %s", options->id, reason);
    else
        answer(session, id, json_string_value(content), json_string_length(content));
    json_decref(object);
}

/* Base64 of RFC 4648 with its padding and nothing else, or false. */
static bool is_base64(const char *text, size_t len)
{
    size_t digits = len;

    if (len % 4 != 0)
        return false;
    while (digits > 0 && text[digits - 1] == '=' && len - digits < 2)
        digits--;
    for (size_t i = 0; i < digits; i++)
        if (!g_ascii_isalnum(text[i]) && text[i] != '+' && text[i] != '/')
            return false;
    return true;
}

static void score_transform(struct session *session, const struct line *line)
{
    char *tab = memchr(line->bytes, '\t', line->len);
    size_t id_len = tab ? (size_t)(tab - line->bytes) : line->len;

    fwrite(line->bytes, 1, id_len, stdout);
    if (tab && !line->cut) {
        char *text = tab + 1;
        size_t len = line->len - id_len - 1;
        if (is_base64(text, len)) {
            if (len > 0)
                g_base64_decode_inplace(text, &len);
            putchar('\t');
            answer(session, NULL, text, len);
            return;
        }
        /* Spark sends a null as \N, which needs no message. */
        if (strcmp(text, "\\N") != 0)
            bad_line(session, line, "the text is not base64");
    } else {
        bad_line(session, line,
                 line->cut ? "longer than %zu bytes" : "no tab after the id (of %zu)",
                 line->cut ? LINE_BYTES_MAX : line->len);
    }
    fputs("\t\\N\t\\N\t\\N\t\\N", stdout);
    fputs(session->options.sentences ? "\t\\N\n" : "\n", stdout);
}

static void score_line(struct session *session, struct line *line)
{
    if (session->options.transform)
        score_transform(session, line);
    else if (line->cut)
        bad_line(session, line, "longer than %zu bytes", LINE_BYTES_MAX);
    else if (session->options.jsonl)
        score_json(session, line);
    else
        answer(session, NULL, line->bytes, line->len);
}

/* Scores all of standard input; returns the exit code. */
static int run(struct session *session)
{
    struct line_reader *reader = line_reader_open(STDIN_FILENO, flush_output, NULL);
    g_autoptr(GError) error = NULL;
    struct line line;

    while (!ferror(stdout) && line_reader_next(reader, &line, &error))
        score_line(session, &line);
    line_reader_close(reader);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, NAME ": writing output: %s\n", g_strerror(errno));
        return EXIT_FAILED;
    }
    if (error) {
        fprintf(stderr, NAME ": %s\n", error->message);
        return EXIT_FAILED;
    }
    if (session->bad_lines > BAD_LINES_NAMED_MAX)
        fprintf(stderr, NAME ": %" G_GUINT64_FORMAT " bad lines in all, the first %d are named\n",
                session->bad_lines, BAD_LINES_NAMED_MAX);
    return session->bad_lines > 0 && !session->options.transform ? EXIT_FAILED : EXIT_DONE;
}

/* ---- Options ---- */

/* Why these options don't go together; NULL when they do. */
static const char *objection(const struct options *options, int argc)
{
    if (argc > 1)
        return "it reads standard input and takes no file names";
    if (options->transform && (options->jsonl || options->explain))
        return "--transform goes with neither --jsonl nor --explain";
    if (!options->jsonl && (options->field || options->id))
        return "--field and --id need --jsonl";
    return NULL;
}

int cmd_sentiment(int argc, char **argv)
{
    struct session session = {0};
    struct options *options = &session.options;
    const GOptionEntry entries[] = {
        {"jsonl", 0, 0, G_OPTION_ARG_NONE, &options->jsonl, "each line is a JSON object", NULL},
        {"field", 0, 0, G_OPTION_ARG_STRING, &options->field,
         "with --jsonl: the text's field (content)", "NAME"},
        {"id", 0, 0, G_OPTION_ARG_STRING, &options->id, "with --jsonl: a field to print first",
         "NAME"},
        {"transform", 0, 0, G_OPTION_ARG_NONE, &options->transform,
         "each line is id TAB base64(text), as Spark's TRANSFORM sends it", NULL},
        {"explain", 0, 0, G_OPTION_ARG_NONE, &options->explain,
         "print each word's valence after each rule", NULL},
        {"sentences", 0, 0, G_OPTION_ARG_NONE, &options->sentences,
         "append the mean compound of the sentences, a second score", NULL},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    int code = EXIT_USAGE;

    g_option_context_set_summary(
        context, "Reads texts, one a line, and prints VADER's neg, neu, pos and compound of each.");
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_strict_posix(context, TRUE);
    bool parsed = g_option_context_parse(context, &argc, &argv, &error);
    const char *reason = parsed ? objection(options, argc) : error->message;
    if (reason) {
        fprintf(stderr, NAME ": %s; see " NAME " --help\n", reason);
    } else {
        if (!options->field)
            options->field = g_strdup("content");
        setvbuf(stdout, NULL, _IOFBF, OUTPUT_BYTES);
        code = run(&session);
    }
    g_free(options->field);
    g_free(options->id);
    return code;
}
