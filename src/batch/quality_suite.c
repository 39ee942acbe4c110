#include "batch/quality_suite.h"

#include <math.h>
#include <string.h>

#include "batch/quality_condition.h"

/* ---- arguments ---- */

static bool is_text(const json_t *value)
{
    return json_is_string(value) && json_string_length(value) > 0 &&
           json_string_length(value) <= QUALITY_TEXT_BYTES_MAX;
}

static bool is_scalar(const json_t *value)
{
    return json_is_null(value) || json_is_boolean(value) || json_is_number(value) ||
           (json_is_string(value) && json_string_length(value) <= QUALITY_TEXT_BYTES_MAX);
}

static bool is_list(const json_t *value, bool (*is_item)(const json_t *))
{
    bool sound = json_is_array(value) && json_array_size(value) <= QUALITY_VALUES_MAX;
    for (size_t i = 0; sound && i < json_array_size(value); i++)
        sound = is_item(json_array_get(value, i));
    return sound;
}

static bool is_pair(const json_t *value)
{
    return json_array_size(value) == 2 && is_scalar(json_array_get(value, 0)) &&
           is_scalar(json_array_get(value, 1));
}

static bool is_share(const json_t *value)
{
    return json_is_number(value) && json_number_value(value) >= 0 && json_number_value(value) <= 1;
}

static bool is_range(const json_t *value)
{
    const json_t *least = json_array_get(value, 0), *most = json_array_get(value, 1);
    return json_array_size(value) == 2 && (json_is_null(least) || json_is_number(least)) &&
           (json_is_null(most) || json_is_number(most));
}

static bool is_quantiles(const json_t *value)
{
    const json_t *quantiles = json_object_get(value, "quantiles");
    const json_t *ranges = json_object_get(value, "value_ranges");
    return json_object_size(value) == 2 && is_list(quantiles, is_share) &&
           is_list(ranges, is_range) && json_array_size(quantiles) > 0 &&
           json_array_size(quantiles) == json_array_size(ranges);
}

static bool is_choice(const char *choices, const json_t *value)
{
    g_auto(GStrv) known = g_strsplit(choices, "|", -1);
    return json_is_string(value) &&
           g_strv_contains((const char *const *)known, json_string_value(value));
}

/* NULL where the value is sound, else what it must be. */
static const char *expected(const struct quality_argument *argument, const json_t *value)
{
    switch (argument->type) {
    case QUALITY_ARGUMENT_BOOL:
        return json_is_boolean(value) ? NULL : "true or false";
    case QUALITY_ARGUMENT_COUNT: {
        double number = json_number_value(value);
        return json_is_number(value) && number >= 0 && number <= QUALITY_COUNT_MAX &&
                       !(number < floor(number) || number > floor(number))
                   ? NULL
                   : "a whole number from 0";
    }
    case QUALITY_ARGUMENT_NUMBER:
        return json_is_number(value) ? NULL : "a number";
    case QUALITY_ARGUMENT_SHARE:
        return is_share(value) ? NULL : "a number from 0 to 1";
    case QUALITY_ARGUMENT_BOUND:
        return json_is_number(value) || is_text(value) ? NULL : "a number, a text or a date";
    case QUALITY_ARGUMENT_TEXT:
        return is_text(value) ? NULL : "a text of at most 4096 bytes";
    case QUALITY_ARGUMENT_TEXTS:
        return json_array_size(value) > 0 && is_list(value, is_text) ? NULL
                                                                     : "a list of 1 to 1000 texts";
    case QUALITY_ARGUMENT_ESCAPE:
        return json_string_length(value) == 1 && json_string_value(value)[0] > 0
                   ? NULL
                   : "one ASCII character";
    case QUALITY_ARGUMENT_VALUES:
        return is_list(value, is_scalar) ? NULL : "a list of at most 1000 numbers, texts or bools";
    case QUALITY_ARGUMENT_PAIRS:
        return is_list(value, is_pair) ? NULL : "a list of at most 1000 lists of two values";
    case QUALITY_ARGUMENT_QUANTILES:
        return is_quantiles(value)
                   ? NULL
                   : "{\"quantiles\": [...], \"value_ranges\": [[least, most], ...]}, equally long";
    case QUALITY_ARGUMENT_CONDITION:
        return NULL; /* quality_condition_read says more */
    case QUALITY_ARGUMENT_CHOICE:
        return is_choice(argument->choices, value) ? NULL : argument->choices;
    }
    return "something known";
}

static char *known_arguments(const struct quality_kind *kind)
{
    GString *known = g_string_new(NULL);
    size_t at = 0;
    const struct quality_argument *argument;
    while ((argument = quality_kind_next(kind, &at)))
        g_string_append_printf(known, "%s%s", known->len ? ", " : "", argument->name);
    return g_string_free(known, FALSE);
}

static bool check_given(const struct quality_expectation *expectation, GError **error)
{
    const struct quality_kind *kind = expectation->kind;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)expectation->kwargs, name, value)
    {
        const struct quality_argument *argument = quality_kind_argument(kind, name);
        if (!argument) {
            g_autofree char *known = known_arguments(kind);
            error_set(error, BADDATA, "%s has no argument \"%s\"; known are: %s", kind->type, name,
                      *known ? known : "none");
            return false;
        }
        const char *wanted = json_is_null(value) ? NULL : expected(argument, value);
        if (wanted) {
            error_set(error, BADDATA, "%s: \"%s\" must be %s", kind->type, name, wanted);
            return false;
        }
    }
    return true;
}

static bool check_required(const struct quality_expectation *expectation, GError **error)
{
    size_t at = 0;
    const struct quality_argument *argument;
    while ((argument = quality_kind_next(expectation->kind, &at))) {
        if (argument->required && !quality_expectation_get(expectation, argument->name)) {
            error_set(error, BADDATA, "%s needs \"%s\"", expectation->kind->type, argument->name);
            return false;
        }
    }
    return true;
}

/* What can't be seen from one argument alone. */
static bool check_together(const struct quality_expectation *expectation, GError **error)
{
    const json_t *least = quality_expectation_get(expectation, "min_value");
    const json_t *most = quality_expectation_get(expectation, "max_value");
    const char *type = expectation->kind->type;
    bool judges =
        expectation->kind->id == QUALITY_BETWEEN || expectation->kind->id == QUALITY_LENGTH_BETWEEN;
    if (judges && !least && !most) {
        error_set(error, BADDATA, "%s needs \"min_value\" or \"max_value\"", type);
        return false;
    }
    if (least && most && json_is_string(least) != json_is_string(most)) {
        error_set(error, BADDATA, "%s: \"min_value\" and \"max_value\" are of different types",
                  type);
        return false;
    }
    bool reversed =
        least && most &&
        (json_is_string(least) ? strcmp(json_string_value(least), json_string_value(most)) > 0
                               : json_number_value(least) > json_number_value(most));
    if (reversed)
        error_set(error, BADDATA, "%s: \"min_value\" is above \"max_value\"", type);
    return !reversed;
}

/* ---- an expectation ---- */

static bool check_fields(const json_t *config, GError **error)
{
    static const char *const names[] = {"id",    "type",        "kwargs",   "meta",
                                        "notes", "description", "severity", "rendered_content",
                                        NULL};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)config, name, value)
    {
        if (!g_strv_contains(names, name)) {
            g_autofree char *known = g_strjoinv(", ", (char **)names);
            error_set(error, BADDATA, "field \"%s\" isn't known; known are: %s", name, known);
            return false;
        }
    }
    return true;
}

static bool read_kind(const json_t *config, const struct quality_kind **ret_kind, GError **error)
{
    const char *type = json_string_value(json_object_get(config, "type"));
    const struct quality_kind *kind = type ? quality_kind_find(type) : NULL;
    if (kind) {
        *ret_kind = kind;
        return true;
    }
    g_autoptr(GString) known = g_string_new(NULL);
    for (size_t i = 0; i < quality_kinds_count; i++)
        g_string_append_printf(known, "%s%s", i ? ", " : "", quality_kinds[i].type);
    error_set(error, BADDATA, "type \"%s\" isn't known; known are: %s", type ? type : "",
              known->str);
    return false;
}

static bool read_severity(const json_t *config, const char **ret_severity, GError **error)
{
    const json_t *severity = json_object_get(config, "severity");
    if (!severity || json_is_null(severity)) {
        *ret_severity = QUALITY_SEVERITY_CRITICAL;
        return true;
    }
    if (!is_choice(QUALITY_SEVERITY_CRITICAL "|warning|info", severity)) {
        error_set(error, BADDATA, "severity must be critical, warning or info");
        return false;
    }
    *ret_severity = json_string_value(severity);
    return true;
}

static bool
read_expectation(const json_t *config, struct quality_expectation *expectation, GError **error)
{
    const json_t *kwargs = json_object_get(config, "kwargs");
    if (!json_is_object(kwargs)) {
        error_set(error, BADDATA, "there is no object \"kwargs\"");
        return false;
    }
    *expectation = (struct quality_expectation){.config = config, .kwargs = kwargs, .mostly = 1};
    if (!check_fields(config, error) || !read_kind(config, &expectation->kind, error) ||
        !read_severity(config, &expectation->severity, error) || !check_given(expectation, error) ||
        !check_required(expectation, error) || !check_together(expectation, error))
        return false;
    const json_t *mostly = quality_expectation_get(expectation, "mostly");
    if (mostly)
        expectation->mostly = json_number_value(mostly);
    const json_t *condition = quality_expectation_get(expectation, "row_condition");
    return !condition || quality_condition_read(condition, &expectation->condition, error);
}

/* ---- the suite ---- */

static bool check_document(const json_t *document, GError **error)
{
    static const char *const names[] = {
        "name", "id", "notes", "meta", "expectations", "suite_parameters", NULL};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)document, name, value)
    {
        if (!g_strv_contains(names, name)) {
            g_autofree char *known = g_strjoinv(", ", (char **)names);
            error_set(error, BADDATA, "\"%s\" isn't known; known are: %s", name, known);
            return false;
        }
    }
    if (json_object_size(json_object_get(document, "suite_parameters")) > 0) {
        error_set(error, BADDATA, "suite_parameters aren't supported: write the values themselves");
        return false;
    }
    const json_t *expectations = json_object_get(document, "expectations");
    if (!is_text(json_object_get(document, "name")) || !json_is_array(expectations)) {
        error_set(error, BADDATA, "not a suite: there is no \"name\" or no list \"expectations\"");
        return false;
    }
    if (json_array_size(expectations) > QUALITY_EXPECTATIONS_MAX) {
        error_set(error, BADDATA, "%zu expectations are more than %d: split the suite",
                  json_array_size(expectations), QUALITY_EXPECTATIONS_MAX);
        return false;
    }
    return true;
}

static json_t *load(const char *text, size_t len, GError **error)
{
    if (len > QUALITY_SUITE_BYTES_MAX) {
        error_set(error, BADDATA, "larger than the %zu bytes that are read",
                  QUALITY_SUITE_BYTES_MAX);
        return NULL;
    }
    json_error_t trouble;
    json_t *document = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &trouble);
    if (!document)
        error_set(error, BADDATA, "line %d, column %d: %s", trouble.line, trouble.column,
                  trouble.text);
    return document;
}

struct quality_suite *
quality_suite_parse(const char *path, const char *text, size_t len, GError **error)
{
    json_t *document = load(text, len, error);
    if (!document || !check_document(document, error)) {
        g_prefix_error(error, "%s: ", path);
        json_decref(document);
        return NULL;
    }
    const json_t *expectations = json_object_get(document, "expectations");
    struct quality_suite *suite = g_new0(struct quality_suite, 1);
    suite->path = g_strdup(path);
    suite->document = document;
    suite->name = json_string_value(json_object_get(document, "name"));
    suite->items = g_new0(struct quality_expectation, json_array_size(expectations) + 1);
    for (size_t i = 0; i < json_array_size(expectations); i++) {
        if (!read_expectation(json_array_get(expectations, i), &suite->items[suite->count++],
                              error)) {
            g_prefix_error(error, "%s: expectation %zu: ", path, i);
            quality_suite_free(suite);
            return NULL;
        }
    }
    return suite;
}

void quality_suite_free(struct quality_suite *suite)
{
    if (!suite)
        return;
    for (size_t i = 0; i < suite->count; i++)
        json_decref(suite->items[i].condition);
    g_free(suite->items);
    json_decref(suite->document);
    g_free(suite->path);
    g_free(suite);
}

bool quality_expectation_gates(const struct quality_expectation *expectation)
{
    return quality_kind_is_row_level(expectation->kind) &&
           strcmp(expectation->severity, QUALITY_SEVERITY_CRITICAL) == 0;
}

const json_t *quality_expectation_get(const struct quality_expectation *expectation,
                                      const char *name)
{
    const json_t *value = json_object_get(expectation->kwargs, name);
    return json_is_null(value) ? NULL : value;
}

const char *quality_expectation_text(const struct quality_expectation *expectation,
                                     const char *name)
{
    return json_string_value(quality_expectation_get(expectation, name));
}

bool quality_expectation_flag(const struct quality_expectation *expectation, const char *name)
{
    return json_is_true(quality_expectation_get(expectation, name));
}
