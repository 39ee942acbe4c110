#include "batch/quality_condition.h"

#include <math.h>
#include <string.h>

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static const char *const comparisons[] = {"==", "!=", "<=", ">=", "<", ">"};

/* ---- as text ---- */

struct reader {
    const char *text, *at;
};

static void skip_space(struct reader *reader)
{
    while (*reader->at == ' ')
        reader->at++;
}

static bool take(struct reader *reader, const char *word)
{
    skip_space(reader);
    if (!g_str_has_prefix(reader->at, word))
        return false;
    reader->at += strlen(word);
    return true;
}

/* What stands between two quotes; NULL where nothing sound does. */
static char *take_quoted(struct reader *reader, const char *quotes)
{
    skip_space(reader);
    char quote = *reader->at;
    if (!quote || !strchr(quotes, quote))
        return NULL;
    const char *end = strchr(reader->at + 1, quote);
    if (!end || memchr(reader->at, '\\', (size_t)(end - reader->at)))
        return NULL;
    char *text = g_strndup(reader->at + 1, (gsize)(end - reader->at - 1));
    reader->at = end + 1;
    return text;
}

static char *take_column(struct reader *reader)
{
    if (take(reader, "col(")) {
        char *name = take_quoted(reader, "\"'");
        if (name && take(reader, ")"))
            return name;
        g_free(name);
        return NULL;
    }
    char *quoted = take_quoted(reader, "`");
    if (quoted)
        return quoted;
    size_t len = strspn(reader->at, NAME_CHARACTERS);
    if (len == 0 || g_ascii_isdigit(*reader->at))
        return NULL;
    char *name = g_strndup(reader->at, len);
    reader->at += len;
    return name;
}

static json_t *take_literal(struct reader *reader)
{
    g_autofree char *text = take_quoted(reader, "\"'");
    if (text)
        return json_string(text);
    size_t len = strspn(reader->at, "+-.0123456789eE");
    g_autofree char *number = g_strndup(reader->at, len);
    char *end = number;
    reader->at += len;
    gint64 integer;
    if (g_ascii_string_to_signed(number, 10, G_MININT64, G_MAXINT64, &integer, NULL))
        return json_integer(integer);
    double real = g_ascii_strtod(number, &end);
    return len > 0 && !*end && isfinite(real) ? json_real(real) : NULL;
}

static json_t *nullity(const char *column, bool is_null)
{
    return json_pack("{s:s, s:{s:s}, s:b}", "type", "nullity", "column", "name", column, "is_null",
                     is_null);
}

static json_t *take_term(struct reader *reader)
{
    g_autofree char *column = take_column(reader);
    if (!column)
        return NULL;
    if (take(reader, ".is_null()"))
        return nullity(column, true);
    if (take(reader, ".is_not_null()") || take(reader, ".notNull()"))
        return nullity(column, false);
    for (size_t i = 0; i < G_N_ELEMENTS(comparisons); i++) {
        if (!take(reader, comparisons[i]))
            continue;
        json_t *literal = take_literal(reader);
        return literal ? json_pack("{s:s, s:{s:s}, s:s, s:o}", "type", "comparison", "column",
                                   "name", column, "operator", comparisons[i], "parameter", literal)
                       : NULL;
    }
    return NULL;
}

static bool read_text(const char *text, json_t **ret_condition, GError **error)
{
    struct reader reader = {text, text};
    json_t *terms = json_array();
    do {
        json_t *term = take_term(&reader);
        if (!term) {
            error_set(error, BADDATA,
                      "row_condition: \"%s\" can't be read from \"%s\" on: use COLUMN OP LITERAL, "
                      "joined by \"and\", or the object form",
                      text, reader.at);
            json_decref(terms);
            return false;
        }
        json_array_append_new(terms, term);
    } while (take(&reader, "and ") || take(&reader, "&"));
    skip_space(&reader);
    if (*reader.at || json_array_size(terms) > QUALITY_CONDITIONS_MAX) {
        error_set(error, BADDATA, "row_condition: \"%s\": \"%s\" can't be read", text, reader.at);
        json_decref(terms);
        return false;
    }
    *ret_condition = json_pack("{s:s, s:o}", "type", "and", "conditions", terms);
    return true;
}

/* ---- as an object ---- */

static bool has_only(const json_t *object, const char *const *names, GError **error)
{
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)object, key, member)
    {
        if (!g_strv_contains(names, key)) {
            g_autofree char *known = g_strjoinv(", ", (char **)names);
            error_set(error, BADDATA, "row_condition: \"%s\" isn't known; known are: %s", key,
                      known);
            return false;
        }
    }
    return true;
}

static bool is_scalar(const json_t *value)
{
    return json_is_number(value) || json_is_string(value) || json_is_boolean(value);
}

static bool check_column(const json_t *condition, GError **error)
{
    const char *name =
        json_string_value(json_object_get(json_object_get(condition, "column"), "name"));
    if (name && *name)
        return true;
    error_set(error, BADDATA, "row_condition: there is no column.name");
    return false;
}

static bool check_list(const json_t *list, GError **error)
{
    bool sound = json_is_array(list) && json_array_size(list) <= QUALITY_CONDITIONS_MAX;
    for (size_t i = 0; sound && i < json_array_size(list); i++)
        sound = is_scalar(json_array_get(list, i));
    if (!sound)
        error_set(error, BADDATA,
                  "row_condition: parameter of IN and NOT_IN is a list of at most %d numbers or "
                  "texts",
                  QUALITY_CONDITIONS_MAX);
    return sound;
}

static bool check_comparison(const json_t *condition, GError **error)
{
    static const char *const names[] = {"type", "column", "operator", "parameter", NULL};
    const char *op = json_string_value(json_object_get(condition, "operator"));
    const json_t *parameter = json_object_get(condition, "parameter");
    if (!has_only(condition, names, error) || !check_column(condition, error))
        return false;
    if (g_strcmp0(op, "IN") == 0 || g_strcmp0(op, "NOT_IN") == 0)
        return check_list(parameter, error);
    for (size_t i = 0; i < G_N_ELEMENTS(comparisons); i++) {
        if (g_strcmp0(op, comparisons[i]) != 0)
            continue;
        if (is_scalar(parameter))
            return true;
        error_set(error, BADDATA, "row_condition: parameter of %s is a number, a text or a bool",
                  op);
        return false;
    }
    error_set(error, BADDATA,
              "row_condition: operator \"%s\" isn't known; known are: ==, !=, <, <=, >, >=, IN, "
              "NOT_IN",
              op ? op : "");
    return false;
}

static bool
read_node(const json_t *value, int depth, size_t *count, json_t **ret_condition, GError **error);

static bool
read_list(const json_t *value, int depth, size_t *count, json_t **ret_condition, GError **error)
{
    static const char *const names[] = {"type", "conditions", NULL};
    const json_t *conditions = json_object_get(value, "conditions");
    if (!has_only(value, names, error))
        return false;
    if (json_array_size(conditions) == 0) {
        error_set(error, BADDATA, "row_condition: conditions is an empty list, or none");
        return false;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < json_array_size(conditions); i++) {
        json_t *item;
        if (!read_node(json_array_get(conditions, i), depth + 1, count, &item, error)) {
            json_decref(items);
            return false;
        }
        json_array_append_new(items, item);
    }
    *ret_condition =
        json_pack("{s:O, s:o}", "type", json_object_get(value, "type"), "conditions", items);
    return true;
}

static bool
read_node(const json_t *value, int depth, size_t *count, json_t **ret_condition, GError **error)
{
    static const char *const nullity_names[] = {"type", "column", "is_null", NULL};
    static const char *const pass_names[] = {"type", "pass_through_filter", NULL};
    const char *type = json_string_value(json_object_get(value, "type"));
    if (++*count > QUALITY_CONDITIONS_MAX || depth > QUALITY_DEPTH_MAX) {
        error_set(error, BADDATA, "row_condition: more than %d conditions, or %d levels",
                  QUALITY_CONDITIONS_MAX, QUALITY_DEPTH_MAX);
        return false;
    }
    if (g_strcmp0(type, "and") == 0 || g_strcmp0(type, "or") == 0)
        return read_list(value, depth, count, ret_condition, error);
    if (g_strcmp0(type, "pass_through") == 0 &&
        json_is_string(json_object_get(value, "pass_through_filter")))
        return has_only(value, pass_names, error) &&
               read_text(json_string_value(json_object_get(value, "pass_through_filter")),
                         ret_condition, error);
    bool sound = false;
    if (g_strcmp0(type, "comparison") == 0) {
        sound = check_comparison(value, error);
    } else if (g_strcmp0(type, "nullity") == 0 &&
               json_is_boolean(json_object_get(value, "is_null"))) {
        sound = has_only(value, nullity_names, error) && check_column(value, error);
    } else {
        error_set(error, BADDATA,
                  "row_condition: type \"%s\" can't be read; known are: comparison, nullity (with "
                  "is_null), and, or, pass_through (with pass_through_filter)",
                  type ? type : "");
    }
    if (sound)
        *ret_condition = json_deep_copy(value);
    return sound;
}

bool quality_condition_read(const json_t *value, json_t **ret_condition, GError **error)
{
    size_t count = 0;
    if (json_is_string(value))
        return read_text(json_string_value(value), ret_condition, error);
    return read_node(value, 0, &count, ret_condition, error);
}
