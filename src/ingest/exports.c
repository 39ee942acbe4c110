#include "ingest/exports.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/stop.h"
#include "ingest/exports_line.h"
#include "ingest/gzip_lines.h"
#include "ingest/ingest_state.h"

#define READ_BYTES        ((size_t)256 * 1024)
#define PROGRESS_BYTES    (INT64_C(1024) * 1024)
#define CONNECT_TIMEOUT_S 10L
#define STALL_TIMEOUT_S   30L /* without a byte */
#define REDIRECTS_MAX     3L
#define GZIP_LEVEL        6
#define GZIP_WINDOW       (15 + 16)
#define CSV_LINE_BYTES    64
#define DATE_BYTES        11 /* "2026-03-03" */
#define EXPORTS_NAME      "movie_ids_"
#define POPULARITY_SCALE  10000

struct row {
    int32_t movie_id;
    int64_t popularity_e4;
};

struct reading {
    const struct context *context;
    const char *source;
    struct gzip_lines *lines;
    GHashTable *tracked; /* ids that have not been met yet */
    GArray *rows;        /* struct row of tracked movies */
    GArray *popular;     /* struct row of others: at most twice popular_max */
    size_t popular_max;
    int64_t least_e4; /* what is less popular can't be kept */
    struct exports_progress progress;
    int64_t tell_at_bytes;
    void (*fn)(const struct exports_progress *progress, void *user);
    void *user;
    GError *error; /* what ended the reading */
};

/* ---- which rows are kept ---- */

static int by_popularity(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->popularity_e4 != y->popularity_e4)
        return x->popularity_e4 > y->popularity_e4 ? -1 : 1;
    return (x->movie_id > y->movie_id) - (x->movie_id < y->movie_id);
}

/* Of two rows of one movie the more popular first. */
static int by_id(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->movie_id != y->movie_id)
        return x->movie_id > y->movie_id ? 1 : -1;
    return by_popularity(a, b);
}

/* A file that names a movie twice: the first of adjacent rows stays. */
static void drop_repeated(GArray *rows)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < rows->len; i++) {
        struct row row = g_array_index(rows, struct row, i);
        if (!kept || g_array_index(rows, struct row, kept - 1).movie_id != row.movie_id)
            g_array_index(rows, struct row, kept++) = row;
    }
    g_array_set_size(rows, kept);
}

/* Keeps the most popular ones. */
static void trim_popular(struct reading *reading)
{
    GArray *popular = reading->popular;
    unsigned before = popular->len;
    qsort(popular->data, popular->len, sizeof(struct row), by_popularity);
    drop_repeated(popular);
    if (popular->len >= reading->popular_max) {
        g_array_set_size(popular, (unsigned)reading->popular_max);
        reading->least_e4 =
            g_array_index(popular, struct row, reading->popular_max - 1).popularity_e4;
    }
    reading->progress.left_out += before - popular->len;
}

static void keep(struct reading *reading, const struct exports_line *line)
{
    struct row row = {line->movie_id, line->popularity_e4};
    if (line->adult || line->video) {
        reading->progress.left_out++;
    } else if (g_hash_table_remove(reading->tracked, GINT_TO_POINTER(line->movie_id))) {
        g_array_append_val(reading->rows, row);
    } else if (line->popularity_e4 < reading->least_e4) {
        reading->progress.left_out++;
    } else {
        g_array_append_val(reading->popular, row);
        if (reading->popular->len >= 2 * reading->popular_max)
            trim_popular(reading);
    }
}

/* ---- reading ---- */

static void malformed(struct reading *reading, int64_t number, const char *why)
{
    if (reading->progress.malformed++ < EXPORTS_MALFORMED_TOLD)
        log_warn(reading->context->log, "exports", "a line is malformed and left out",
                 LOG_STR("source", reading->source), LOG_INT("line", number),
                 LOG_STR("error", why));
}

static bool take_line(void *user, int64_t number, const char *text, size_t len, GError **error)
{
    struct reading *reading = user;
    struct exports_line line;
    g_autoptr(GError) line_error = NULL;
    if (number > EXPORTS_LINES_MAX) {
        error_set(error, BADDATA, "more than %" PRId64 " lines", EXPORTS_LINES_MAX);
        return false;
    }
    reading->progress.lines = number;
    if (!text)
        malformed(reading, number, "longer than the limit of a line");
    else if (exports_line_parse(text, len, &line, &line_error))
        keep(reading, &line);
    else
        malformed(reading, number, line_error->message);
    return true;
}

static void tell(struct reading *reading)
{
    reading->tell_at_bytes = reading->progress.bytes + PROGRESS_BYTES;
    if (reading->fn)
        reading->fn(&reading->progress, reading->user);
}

static bool stopped(const struct reading *reading, GError **error)
{
    if (!reading->context->stop || !stop_requested(reading->context->stop))
        return false;
    error_set(error, AGAIN, "stopped before the end; nothing was written");
    return true;
}

static bool take_bytes(struct reading *reading, const void *data, size_t len, GError **error)
{
    if (stopped(reading, error) || !gzip_lines_feed(reading->lines, data, len, error))
        return false;
    reading->progress.bytes += (int64_t)len;
    if (reading->progress.bytes >= reading->tell_at_bytes)
        tell(reading);
    return true;
}

static bool read_file(struct reading *reading, GError **error)
{
    FILE *file = fopen(reading->source, "rbe");
    if (!file) {
        if (errno == ENOENT)
            error_set(error, NOTFOUND, "no such file");
        else
            error_set(error, FAILED, "can't be opened: %s", g_strerror(errno));
        return false;
    }
    if (fseeko(file, 0, SEEK_END) == 0)
        reading->progress.total_bytes = ftello(file);
    rewind(file);
    g_autofree char *buffer = g_malloc(READ_BYTES);
    bool done = true;
    for (size_t len; done && (len = fread(buffer, 1, READ_BYTES, file));)
        done = take_bytes(reading, buffer, len, error);
    if (done && ferror(file)) {
        error_set(error, FAILED, "can't be read to the end");
        done = false;
    }
    fclose(file);
    return done;
}

static size_t body_came(char *data, size_t size, size_t count, void *user)
{
    struct reading *reading = user;
    return take_bytes(reading, data, size * count, &reading->error) ? size * count : 0;
}

/* Called by libcurl about once a second, also while nothing comes. */
static int
transfer_goes_on(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    struct reading *reading = user;
    (void)now;
    (void)up_total;
    (void)up;
    reading->progress.total_bytes = total > 0 ? total : -1;
    return !reading->error && stopped(reading, &reading->error);
}

static void set_options(CURL *easy, struct reading *reading, char *curl_error)
{
    curl_easy_setopt(easy, CURLOPT_URL, reading->source);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, STALL_TIMEOUT_S);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_came);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, reading);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, transfer_goes_on);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, reading);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, curl_error);
}

/* What a failed transfer means to the caller. */
static void transfer_error(CURLcode code, long status, const char *text, GError **error)
{
    if (status == 404 || status == 403) /* an object store says 403 for what it doesn't have */
        error_set(error, NOTFOUND,
                  "status %ld: there is no such file (TMDB keeps about three months, and a day's "
                  "file comes at 08:00 UTC)",
                  status);
    else if (status == 429 || status >= 500 || code != CURLE_HTTP_RETURNED_ERROR)
        error_set(error, AGAIN, "can't be fetched now: %s", text);
    else
        error_set(error, FAILED, "status %ld", status);
}

static bool read_url(struct reading *reading, GError **error)
{
    char curl_error[CURL_ERROR_SIZE] = "";
    CURL *easy = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
    long status = 0;
    if (!easy) {
        error_set(error, FAILED, "libcurl can't be started");
        return false;
    }
    set_options(easy, reading, curl_error);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(easy);
    curl_global_cleanup();
    if (reading->error)
        g_propagate_error(error, g_steal_pointer(&reading->error));
    else if (code != CURLE_OK)
        transfer_error(code, status, *curl_error ? curl_error : curl_easy_strerror(code), error);
    else
        return true;
    return false;
}

/* ---- writing ---- */

static void append_row(GString *csv, const char *date, const struct row *row)
{
    char line[CSV_LINE_BYTES];
    int len = g_snprintf(line, sizeof line, "%s,%" PRId32 ",%" PRId64 ".%04" PRId64 "\n", date,
                         row->movie_id, row->popularity_e4 / POPULARITY_SCALE,
                         row->popularity_e4 % POPULARITY_SCALE);
    g_string_append_len(csv, line, len);
}

/* A gzip stream without name and time: the same text gives the same bytes. */
static GByteArray *pack(const GString *text, GError **error)
{
    z_stream zlib = {0};
    int code =
        deflateInit2(&zlib, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY);
    g_autoptr(GByteArray) packed = g_byte_array_new();
    if (code == Z_OK) {
        g_byte_array_set_size(packed, (unsigned)deflateBound(&zlib, text->len));
        zlib.next_in = (unsigned char *)text->str;
        zlib.avail_in = (unsigned)text->len;
        zlib.next_out = packed->data;
        zlib.avail_out = packed->len;
        code = deflate(&zlib, Z_FINISH);
        g_byte_array_set_size(packed, (unsigned)zlib.total_out);
        deflateEnd(&zlib);
    }
    if (code == Z_STREAM_END)
        return g_steal_pointer(&packed);
    error_set(error, FAILED, "zlib: error %d", code);
    return NULL;
}

static bool write_day(struct reading *reading, int64_t day_ms, GError **error)
{
    char iso[CLOCK_ISO_BYTES], date[DATE_BYTES];
    g_strlcpy(date, clock_iso8601(day_ms, iso), sizeof date);
    trim_popular(reading);
    GArray *rows = reading->rows;
    g_array_append_vals(rows, reading->popular->data, reading->popular->len);
    qsort(rows->data, rows->len, sizeof(struct row), by_id);
    drop_repeated(rows);
    g_autoptr(GString) csv = g_string_new("day,movie_id,popularity\n");
    for (size_t i = 0; i < rows->len; i++) {
        append_row(csv, date, &g_array_index(rows, struct row, i));
        reading->progress.kept++;
    }
    g_autoptr(GByteArray) packed = pack(csv, error);
    g_autofree char *name = g_strconcat(EXPORTS_PREFIX, date, EXPORTS_SUFFIX, NULL);
    struct lake *lake = packed ? lake_open(reading->context, error) : NULL;
    bool done = lake && lake_put(lake, name, packed->data, packed->len, error);
    lake_close(lake);
    return done;
}

/* ---- one day ---- */

static bool is_url(const char *source)
{
    return g_str_has_prefix(source, "http://") || g_str_has_prefix(source, "https://");
}

static bool read_day(struct reading *reading, GError **error)
{
    if (!(is_url(reading->source) ? read_url(reading, error) : read_file(reading, error)) ||
        !gzip_lines_end(reading->lines, error))
        return false;
    int64_t good = reading->progress.lines - reading->progress.malformed;
    if (reading->progress.malformed > good || !reading->progress.lines) {
        error_set(error, BADDATA,
                  "%" PRId64 " of %" PRId64 " lines are malformed: expected TMDB's daily ID export "
                  "of movies, one JSON object a line",
                  reading->progress.malformed, reading->progress.lines);
        return false;
    }
    return true;
}

static bool load_tracked(struct reading *reading, GError **error)
{
    struct ingest_state *state = ingest_state_open(reading->context, error);
    bool done = state && ingest_state_movie_ids(state, &reading->tracked, error);
    ingest_state_close(state);
    return done;
}

static bool read_and_write(struct reading *reading, int64_t day_ms, GError **error)
{
    if (load_tracked(reading, error) && read_day(reading, error) &&
        write_day(reading, day_ms, error))
        return true;
    g_prefix_error(error, "export %s: ", reading->source);
    return false;
}

bool ingest_exports(const struct context *context,
                    const char *source,
                    int64_t day_ms,
                    void (*progress)(const struct exports_progress *progress, void *user),
                    void *user,
                    GError **error)
{
    day_ms = day_ms < 0 ? exports_day(source) : day_ms;
    if (day_ms < 0) {
        error_set(error, CONFIG,
                  "export %s: its name doesn't say of which day it is: expected "
                  "movie_ids_MM_DD_YYYY.json.gz, or the day beside it",
                  source);
        return false;
    }
    struct reading reading = {
        .context = context,
        .source = source,
        .rows = g_array_new(FALSE, FALSE, sizeof(struct row)),
        .popular = g_array_new(FALSE, FALSE, sizeof(struct row)),
        .popular_max = (size_t)context->config->ingest_tracked_movies_max,
        .progress = {.total_bytes = -1},
        .fn = progress,
        .user = user,
    };
    reading.lines = gzip_lines_new(take_line, &reading);
    bool done = read_and_write(&reading, day_ms, error);
    if (done) {
        tell(&reading);
        log_info(context->log, "exports", "an export was read", LOG_STR("source", source),
                 LOG_INT("lines", reading.progress.lines), LOG_INT("kept", reading.progress.kept),
                 LOG_INT("left_out", reading.progress.left_out));
    }
    if (reading.progress.malformed)
        log_warn(context->log, "exports", done ? "a file had malformed lines" : "a file is refused",
                 LOG_STR("source", source), LOG_INT("lines", reading.progress.lines),
                 LOG_INT("malformed", reading.progress.malformed));
    gzip_lines_free(reading.lines);
    g_array_unref(reading.rows);
    g_array_unref(reading.popular);
    g_clear_pointer(&reading.tracked, g_hash_table_unref);
    g_clear_error(&reading.error);
    return done;
}

int64_t exports_day(const char *source)
{
    const char *name = strrchr(source, '/');
    unsigned month, day, year;
    int end = 0;
    name = name ? name + 1 : source;
    if (sscanf(name, EXPORTS_NAME "%2u_%2u_%4u.json%n", &month, &day, &year, &end) != 3 || !end)
        return -1;
    g_autofree char *date = g_strdup_printf("%04u-%02u-%02u", year, month, day);
    return clock_parse_iso8601(date);
}

bool exports_sweep(
    struct lake *lake, int64_t before_ms, struct arena *arena, int64_t *ret_days, GError **error)
{
    struct lake_object *objects;
    size_t count;
    int64_t days = 0;
    if (!lake_list(lake, EXPORTS_PREFIX, arena, &objects, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *date = objects[i].name + strlen(EXPORTS_PREFIX);
        g_autofree char *day = g_strndup(date, DATE_BYTES - 1);
        int64_t day_ms = clock_parse_iso8601(day);
        if (day_ms < 0 || day_ms >= before_ms)
            continue;
        if (!lake_delete(lake, objects[i].name, error))
            return false;
        days++;
    }
    *ret_days = days;
    return true;
}
