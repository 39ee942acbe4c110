#include "base/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/config_table.h"

#define DEFAULT_PATH   "marquee.yaml"
#define FLAG_ORIGIN    "command line"
#define NAME_CHARS_MAX 64 /* longer names are nobody's typing mistake */

#define FIELD(field) offsetof(struct config, field)
#define ROW(kind, section, key, field, fallback, min, max, choices, env, help)                     \
    {#section, #key, CONFIG_TYPE_##kind, FIELD(field), fallback, min, max, choices, env, help},

const struct config_row config_rows[] = {
#define CONFIG_BOOL(section, key, fallback, env, help)                                             \
    ROW(BOOL, section, key, section##_##key, #fallback, NULL, NULL, NULL, env, help)
#define CONFIG_INT(section, key, fallback, min, max, env, help)                                    \
    ROW(INT, section, key, section##_##key, #fallback, #min, #max, NULL, env, help)
#define CONFIG_DOUBLE(section, key, fallback, min, max, env, help)                                 \
    ROW(DOUBLE, section, key, section##_##key, #fallback, #min, #max, NULL, env, help)
#define CONFIG_STRING(section, key, fallback, env, help)                                           \
    ROW(STRING, section, key, section##_##key, fallback, NULL, NULL, NULL, env, help)
#define CONFIG_SECRET(section, key, env, help)                                                     \
    ROW(SECRET, section, key, section##_##key, "", NULL, NULL, NULL, env, help)
#define CONFIG_CHOICE(section, key, fallback, choices, env, help)                                  \
    ROW(CHOICE, section, key, section##_##key, fallback, NULL, NULL, choices, env, help)
#define CONFIG_DURATION(section, key, fallback, min, max, env, help)                               \
    ROW(DURATION, section, key, section##_##key##_ms, fallback, min, max, NULL, env, help)
#define CONFIG_SIZE(section, key, fallback, min, max, env, help)                                   \
    ROW(SIZE, section, key, section##_##key##_bytes, fallback, min, max, NULL, env, help)
#include "base/config.def"
#include "base/config_undef.h"
};
const size_t config_rows_count = G_N_ELEMENTS(config_rows);

/* Levenshtein's distance, one row of the matrix at a time. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[NAME_CHARS_MAX + 1];
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > NAME_CHARS_MAX || b_len > NAME_CHARS_MAX)
        return MAX(a_len, b_len);
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = MIN(replaced, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_len];
}

/* The same key in another section is nearer than a key that merely looks alike. */
static const struct config_row *nearest_row(const char *section, const char *key)
{
    const struct config_row *nearest = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < config_rows_count; i++) {
        const struct config_row *row = &config_rows[i];
        size_t distance = edit_distance(key, row->key) * 2;
        if (strcmp(section, row->section) != 0)
            distance += MIN(edit_distance(section, row->section), 3);
        if (distance < least) {
            least = distance;
            nearest = row;
        }
    }
    return nearest;
}

const struct config_row *config_row_find(const char *section, const char *key, GError **error)
{
    for (size_t i = 0; i < config_rows_count; i++)
        if (strcmp(section, config_rows[i].section) == 0 && strcmp(key, config_rows[i].key) == 0)
            return &config_rows[i];
    const struct config_row *nearest = nearest_row(section, key);
    g_autofree char *name = g_strdup_printf("%s.%s", section, key);
    g_autofree char *found = config_quote(name);
    error_set(error, CONFIG, "expected a known key, found %s; the nearest is %s.%s", found,
              nearest->section, nearest->key);
    return NULL;
}

bool config_section_find(const char *section, GError **error)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < config_rows_count; i++) {
        size_t distance = edit_distance(section, config_rows[i].section);
        if (distance == 0)
            return true;
        if (distance < least) {
            least = distance;
            nearest = config_rows[i].section;
        }
    }
    g_autofree char *found = config_quote(section);
    error_set(error, CONFIG, "expected a known section, found %s; the nearest is %s", found,
              nearest);
    return false;
}

/* where is NULL for defaults. */
static void store(struct config *config,
                  const struct config_row *row,
                  const union config_value *value,
                  const char *where)
{
    void *field = (char *)config + row->offset;
    switch (row->type) {
    case CONFIG_TYPE_BOOL:
        *(bool *)field = value->truth;
        break;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_DURATION:
    case CONFIG_TYPE_SIZE:
        *(int64_t *)field = value->integer;
        break;
    case CONFIG_TYPE_DOUBLE:
        *(double *)field = value->number;
        break;
    case CONFIG_TYPE_STRING:
    case CONFIG_TYPE_SECRET:
    case CONFIG_TYPE_CHOICE:
        g_free(*(char **)field);
        *(char **)field = value->text;
        break;
    }
    struct config_origin *origin = &config->origins[row - config_rows];
    g_free(origin->where);
    origin->where = g_strdup(where);
}

bool config_assign(struct config *config,
                   const struct config_row *row,
                   const char *text,
                   const char *where,
                   GError **error)
{
    union config_value value;
    if (!config_value_parse(row, text, &value, error)) {
        g_prefix_error(error, "%s: %s.%s: ", where, row->section, row->key);
        return false;
    }
    store(config, row, &value, where);
    return true;
}

struct config *config_new_default(void)
{
    struct config *config = g_new0(struct config, 1);
    config->origins = g_new0(struct config_origin, config_rows_count);
    for (size_t i = 0; i < config_rows_count; i++) {
        const struct config_row *row = &config_rows[i];
        GError *error = NULL;
        union config_value value;
        if (!config_value_parse(row, row->fallback, &value, &error))
            g_error("config.def: %s.%s: %s", row->section, row->key, error->message);
        store(config, row, &value, NULL);
    }
    return config;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config_rows_count; i++) {
        enum config_type type = config_rows[i].type;
        if (type == CONFIG_TYPE_STRING || type == CONFIG_TYPE_SECRET || type == CONFIG_TYPE_CHOICE)
            g_free(*(char **)((char *)config + config_rows[i].offset));
        g_free(config->origins[i].where);
    }
    g_free(config->origins);
    g_free(config);
}

/* At most one byte more than CONFIG_FILE_BYTES_MAX, so that the reader sees when there is too much.
 */
static char *read_bytes(const char *path, size_t *ret_len, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t got = fd < 0 ? -1 : 1;
    g_autofree char *bytes = fd < 0 ? NULL : g_malloc(CONFIG_FILE_BYTES_MAX + 1);
    while (got > 0 && len <= CONFIG_FILE_BYTES_MAX) {
        got = read(fd, bytes + len, CONFIG_FILE_BYTES_MAX + 1 - len);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            len += (size_t)got;
    }
    int reason = errno;
    if (fd >= 0)
        close(fd);
    if (got < 0) {
        error_set(error, CONFIG, "%s: expected a readable file: %s", path, g_strerror(reason));
        return NULL;
    }
    *ret_len = len;
    return g_steal_pointer(&bytes);
}

static bool read_file(struct config *config, const char *path, GError **error)
{
    if (!path && access(DEFAULT_PATH, F_OK) != 0)
        return true;
    path = path ? path : DEFAULT_PATH;
    size_t len;
    g_autofree char *text = read_bytes(path, &len, error);
    return text && config_read_yaml(config, path, text, len, error);
}

/* NULL where it is unset or empty: "TMDB_API_KEY=" in an .env file means none. */
static const char *variable_get(char *const *environment, const char *name)
{
    const char *value = name ? g_environ_getenv((char **)environment, name) : NULL;
    return value && *value ? value : NULL;
}

static bool read_environment(struct config *config, char *const *environment, GError **error)
{
    for (size_t i = 0; environment && i < config_rows_count; i++) {
        const struct config_row *row = &config_rows[i];
        g_autofree char *name = config_variable(row);
        const char *general = variable_get(environment, name);
        const char *own = variable_get(environment, row->env);
        if (general && own && strcmp(general, own) != 0) {
            error_set(error, CONFIG,
                      "%s.%s: expected one value, found two: %s and %s are both set and differ; "
                      "unset one",
                      row->section, row->key, row->env, name);
            return false;
        }
        if (!general && !own)
            continue;
        g_autofree char *where = g_strdup_printf("environment variable %s", own ? row->env : name);
        if (!config_assign(config, row, own ? own : general, where, error))
            return false;
    }
    return true;
}

/* "section.key" up to len characters. */
static const struct config_row *row_of_name(const char *name, size_t len, GError **error)
{
    const char *dot = memchr(name, '.', len);
    g_autofree char *section = g_strndup(name, dot ? (size_t)(dot - name) : 0);
    g_autofree char *key =
        dot ? g_strndup(dot + 1, len - (size_t)(dot + 1 - name)) : g_strndup(name, len);
    const struct config_row *row = config_row_find(section, key, error);
    if (!row)
        g_prefix_error(error, FLAG_ORIGIN ": ");
    return row;
}

static bool read_override(struct config *config, const char *text, GError **error)
{
    const char *equals = strchr(text, '=');
    if (!equals) {
        g_autofree char *found = config_quote(text);
        error_set(error, CONFIG, FLAG_ORIGIN ": expected section.key=value, found %s", found);
        return false;
    }
    const struct config_row *row = row_of_name(text, (size_t)(equals - text), error);
    if (!row)
        return false;
    if (row->type == CONFIG_TYPE_SECRET) {
        g_autofree char *name = config_variable(row);
        error_set(error, CONFIG,
                  FLAG_ORIGIN
                  ": %s.%s: expected the secret in the environment variable %s or in the file, "
                  "found it here, where ps shows it",
                  row->section, row->key, row->env ? row->env : name);
        return false;
    }
    return config_assign(config, row, equals + 1, FLAG_ORIGIN, error);
}

struct config *config_load(const char *path,
                           char *const *environment,
                           const char *const *overrides,
                           GError **error)
{
    struct config *config = config_new_default();
    bool done = read_file(config, path, error) && read_environment(config, environment, error);
    for (size_t i = 0; done && overrides && overrides[i]; i++)
        done = read_override(config, overrides[i], error);
    if (done)
        return config;
    config_free(config);
    return NULL;
}

struct config *config_load_text(const char *name, const char *text, size_t len, GError **error)
{
    struct config *config = config_new_default();
    if (config_read_yaml(config, name, text, len, error))
        return config;
    config_free(config);
    return NULL;
}

bool config_set(struct config *config, const char *key, const char *value, GError **error)
{
    const struct config_row *row = row_of_name(key, strlen(key), error);
    return row && config_assign(config, row, value, FLAG_ORIGIN, error);
}

char *config_path(const struct config *config, const char *name)
{
    return g_build_filename(config->data_dir, name, NULL);
}
