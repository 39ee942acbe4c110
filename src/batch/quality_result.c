#include "batch/quality_result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"

/* numpy.isclose, by which their quantiles are compared. */
#define CLOSE_RELATIVE 1e-4
#define CLOSE_ABSOLUTE 1e-8

/* ---- values ---- */

/* A number of the JSON that the engine made, or its text where it is none of JSON's (Infinity). */
static json_t *from_engine(const struct engine_value *value)
{
    if (value->is_null)
        return json_null();
    json_t *json = json_loadb(value->text, value->len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!json) /* a whole number of more than 64 bits */
        json = json_loadb(value->text, value->len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    return json ? json : json_stringn(value->text, value->len);
}

static bool same(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) {
        double x = json_number_value(a), y = json_number_value(b);
        return !(x < y || x > y);
    }
    return json_equal(a, b);
}

static bool holds(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (same(json_array_get(list, i), value))
            return true;
    }
    return false;
}

static json_t *percent(int64_t part, int64_t whole)
{
    return whole > 0 ? json_real((double)part / (double)whole * 100) : json_null();
}

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static void set_int(json_t *object, const char *key, int64_t value)
{
    set(object, key, json_integer(value));
}

/* ---- what judges rows ---- */

static json_t *unexpected_list(const struct quality_expectation *expectation,
                               const struct engine_value *values)
{
    int64_t unexpected = values[2].integer;
    json_t *list = from_engine(&values[3]);
    json_t *out = json_array();
    if (expectation->kind->id == QUALITY_NOT_NULL) {
        for (int64_t i = 0; i < MIN(unexpected, QUALITY_LIST_MAX); i++)
            json_array_append_new(out, json_null());
    } else if (expectation->kind->domain == QUALITY_DOMAIN_PAIR) {
        for (size_t i = 0; i < json_array_size(list); i++) {
            json_t *pair = json_array();
            const char *key;
            json_t *value;
            json_object_foreach(json_array_get(list, i), key, value) json_array_append(pair, value);
            json_array_append_new(out, pair);
        }
    } else {
        json_array_extend(out, list);
    }
    json_decref(list);
    return out;
}

static bool of_rows(const struct quality_expectation *expectation,
                    const struct engine_value *values,
                    json_t *result)
{
    int64_t elements = values[0].integer, considered = values[1].integer,
            unexpected = values[2].integer;
    enum quality_id id = expectation->kind->id;
    set_int(result, "element_count", elements);
    set_int(result, "unexpected_count", unexpected);
    set(result, "unexpected_percent", percent(unexpected, considered));
    set(result, "partial_unexpected_list", unexpected_list(expectation, values));
    if (id != QUALITY_NOT_NULL && id != QUALITY_NULL) {
        set_int(result, "missing_count", elements - considered);
        set(result, "missing_percent", percent(elements - considered, elements));
        set(result, "unexpected_percent_total", percent(unexpected, elements));
        set(result, "unexpected_percent_nonmissing", percent(unexpected, considered));
    }
    return considered == 0 ||
           (double)(considered - unexpected) / (double)considered >= expectation->mostly;
}

/* ---- figures ---- */

static bool is_close(double a, double b)
{
    return fabs(a - b) <= CLOSE_ABSOLUTE + CLOSE_RELATIVE * fabs(b);
}

static bool in_range(const json_t *value, const json_t *range)
{
    const json_t *least = json_array_get(range, 0), *most = json_array_get(range, 1);
    if (!json_is_number(value))
        return false;
    double x = json_number_value(value);
    bool above = json_is_null(least) || x >= json_number_value(least);
    bool below = json_is_null(most) || x <= json_number_value(most);
    return (above && below) || (json_is_number(least) && is_close(x, json_number_value(least))) ||
           (json_is_number(most) && is_close(x, json_number_value(most)));
}

static bool of_quantiles(const struct quality_expectation *expectation,
                         const struct engine_value *values,
                         json_t *result)
{
    const json_t *wanted = quality_expectation_get(expectation, "quantile_ranges");
    const json_t *quantiles = json_object_get(wanted, "quantiles");
    const json_t *ranges = json_object_get(wanted, "value_ranges");
    json_t *found = from_engine(&values[0]);
    json_t *details = json_array();
    bool success = true;
    for (size_t i = 0; i < json_array_size(ranges); i++) {
        bool good = in_range(json_array_get(found, i), json_array_get(ranges, i));
        json_array_append_new(details, json_boolean(good));
        success = success && good;
    }
    set(result, "observed_value", json_pack("{s:O, s:o}", "quantiles", quantiles, "values", found));
    set(result, "details", json_pack("{s:o}", "success_details", details));
    return success;
}

static bool of_most_common(const struct quality_expectation *expectation,
                           const struct engine_value *values,
                           json_t *result)
{
    json_t *modes = from_engine(&values[0]);
    set(result, "observed_value", json_is_array(modes) ? json_incref(modes) : json_array());
    json_decref(modes);
    int64_t count = values[1].integer, in_set = values[2].integer;
    return quality_expectation_flag(expectation, "ties_okay") ? in_set > 0
                                                              : count == 1 && in_set == 1;
}

/* Values of the set that the column lacks, each once. */
static json_t *missing_of(const json_t *set_of_values, const json_t *present)
{
    json_t *missing = json_array();
    for (size_t i = 0; i < json_array_size(set_of_values); i++) {
        json_t *value = json_array_get(set_of_values, i);
        if (!json_is_null(value) && !holds(present, value) && !holds(missing, value))
            json_array_append(missing, value);
    }
    return missing;
}

static bool of_distinct(const struct quality_expectation *expectation,
                        const struct engine_value *values,
                        json_t *result)
{
    enum quality_id id = expectation->kind->id;
    int64_t unexpected = values[0].integer;
    json_t *list = from_engine(&values[1]);
    json_t *present = from_engine(&values[2]);
    json_t *missing = missing_of(quality_expectation_get(expectation, "value_set"), present);
    int64_t missing_count = (int64_t)json_array_size(missing);
    set(result, "observed_value", json_null());
    if (id != QUALITY_DISTINCT_CONTAIN_SET) {
        set_int(result, "unexpected_count", unexpected);
        set(result, "partial_unexpected_list",
            json_is_array(list) ? json_incref(list) : json_array());
    }
    if (id != QUALITY_DISTINCT_IN_SET) {
        set_int(result, "missing_count", missing_count);
        while (json_array_size(missing) > QUALITY_LIST_MAX)
            json_array_remove(missing, json_array_size(missing) - 1);
        set(result, "partial_missing_list", json_incref(missing));
    }
    json_decref(list);
    json_decref(present);
    json_decref(missing);
    return (id == QUALITY_DISTINCT_CONTAIN_SET || unexpected == 0) &&
           (id == QUALITY_DISTINCT_IN_SET || missing_count == 0);
}

static bool of_figure(const struct quality_expectation *expectation,
                      const struct engine_value *values,
                      json_t *result)
{
    switch (expectation->kind->id) {
    case QUALITY_QUANTILES:
        return of_quantiles(expectation, values, result);
    case QUALITY_MOST_COMMON:
        return of_most_common(expectation, values, result);
    case QUALITY_DISTINCT_IN_SET:
    case QUALITY_DISTINCT_EQUAL_SET:
    case QUALITY_DISTINCT_CONTAIN_SET:
        return of_distinct(expectation, values, result);
    default:
        set(result, "observed_value", from_engine(&values[0]));
        return values[1].integer != 0;
    }
}

/* ---- the table ---- */

/* value, or min_value and max_value with their strict_. */
static bool of_count(const struct quality_expectation *expectation, int64_t count, json_t *result)
{
    const json_t *value = quality_expectation_get(expectation, "value");
    const json_t *least = quality_expectation_get(expectation, "min_value");
    const json_t *most = quality_expectation_get(expectation, "max_value");
    double found = (double)count;
    set_int(result, "observed_value", count);
    if (value)
        return !(found < json_number_value(value) || found > json_number_value(value));
    bool strict_min = quality_expectation_flag(expectation, "strict_min");
    bool strict_max = quality_expectation_flag(expectation, "strict_max");
    return (!least || found > json_number_value(least) ||
            (!strict_min && found >= json_number_value(least))) &&
           (!most || found < json_number_value(most) ||
            (!strict_max && found <= json_number_value(most)));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of one list what the other lacks, sorted. */
static json_t *lacking(const json_t *names, const json_t *other)
{
    GPtrArray *found = g_ptr_array_new();
    for (size_t i = 0; i < json_array_size(names); i++) {
        const json_t *name = json_array_get(names, i);
        if (!other || !holds(other, name))
            g_ptr_array_add(found, (void *)json_string_value(name));
    }
    g_ptr_array_sort(found, by_text);
    json_t *out = json_array();
    for (guint i = 0; i < found->len; i++) {
        if (i == 0 || strcmp(found->pdata[i], found->pdata[i - 1]) != 0)
            json_array_append_new(out, json_string(found->pdata[i]));
    }
    g_ptr_array_unref(found);
    return out;
}

static bool
of_columns_set(const struct quality_expectation *expectation, const json_t *names, json_t *result)
{
    const json_t *wanted = quality_expectation_get(expectation, "column_set");
    const json_t *exact = quality_expectation_get(expectation, "exact_match");
    json_t *unexpected = lacking(names, wanted), *missing = lacking(wanted, names);
    size_t unexpected_count = json_array_size(unexpected), missing_count = json_array_size(missing);
    set(result, "observed_value", lacking(names, NULL));
    json_t *mismatched = json_object();
    if (unexpected_count)
        json_object_set(mismatched, "unexpected", unexpected);
    if (missing_count)
        json_object_set(mismatched, "missing", missing);
    if (json_object_size(mismatched))
        set(result, "details", json_pack("{s:O}", "mismatched", mismatched));
    json_decref(mismatched);
    json_decref(unexpected);
    json_decref(missing);
    return missing_count == 0 && (unexpected_count == 0 || (exact && json_is_false(exact)));
}

static bool
of_columns_list(const struct quality_expectation *expectation, const json_t *names, json_t *result)
{
    const json_t *wanted = quality_expectation_get(expectation, "column_list");
    json_t *mismatched = json_array();
    size_t longest = MAX(json_array_size(names), json_array_size(wanted));
    for (size_t i = 0; i < longest; i++) {
        json_t *expected = json_array_get(wanted, i), *found = json_array_get(names, i);
        if (!expected || !found || !json_equal(expected, found))
            json_array_append_new(mismatched,
                                  json_pack("{s:I, s:O?, s:O?}", "Expected Column Position",
                                            (json_int_t)i, "Expected", expected, "Found", found));
    }
    bool success = json_array_size(mismatched) == 0;
    set(result, "observed_value", json_deep_copy(names));
    if (!success)
        set(result, "details", json_pack("{s:O}", "mismatched", mismatched));
    json_decref(mismatched);
    return success;
}

static bool of_existence(const struct quality_expectation *expectation, const json_t *names)
{
    const json_t *index = quality_expectation_get(expectation, "column_index");
    const json_t *name = quality_expectation_get(expectation, "column");
    size_t at = index ? (size_t)json_number_value(index) : 0;
    /* Theirs takes an index of 0 for none. */
    return at > 0 ? json_equal(json_array_get(names, at), name) : holds(names, name);
}

static bool of_table(const struct quality_expectation *expectation,
                     const struct quality_columns *columns,
                     json_t *result)
{
    if (expectation->kind->id == QUALITY_COLUMN_COUNT_BETWEEN ||
        expectation->kind->id == QUALITY_COLUMN_COUNT_EQUAL)
        return of_count(expectation, (int64_t)columns->count, result);
    json_t *names = json_array();
    for (size_t i = 0; i < columns->count; i++)
        json_array_append_new(names, json_string(columns->items[i].name));
    bool success;
    if (expectation->kind->id == QUALITY_COLUMN_EXISTS)
        success = of_existence(expectation, names);
    else if (expectation->kind->id == QUALITY_COLUMNS_SET)
        success = of_columns_set(expectation, names, result);
    else
        success = of_columns_list(expectation, names, result);
    json_decref(names);
    return success;
}

/* ---- types ---- */

/* The names by which pandas, numpy and Spark call a type, so that one suite serves all. */
static bool is_type(const char *name, const char *type)
{
    static const struct {
        const char *type;
        const char *names[8];
    } known[] = {
        {"BOOLEAN", {"bool", "bool_", "boolean", "BooleanType"}},
        {"TINYINT", {"int8", "ByteType"}},
        {"SMALLINT", {"int16", "ShortType"}},
        {"INTEGER", {"int32", "int", "IntegerType"}},
        {"BIGINT", {"int64", "long", "LongType"}},
        {"FLOAT", {"float32", "real", "FloatType"}},
        {"DOUBLE", {"float64", "float", "DoubleType"}},
        {"VARCHAR", {"str", "string", "text", "object", "StringType"}},
        {"DATE", {"DateType"}},
        {"TIMESTAMP", {"datetime64", "datetime", "TimestampType"}},
    };
    if (g_ascii_strcasecmp(name, type) == 0)
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (strcmp(known[i].type, type) != 0)
            continue;
        for (size_t j = 0; known[i].names[j]; j++) {
            if (g_ascii_strcasecmp(known[i].names[j], name) == 0)
                return true;
        }
    }
    return false;
}

static bool of_type(const struct quality_expectation *expectation,
                    const struct quality_column *column,
                    json_t *result)
{
    const json_t *list = quality_expectation_get(expectation, "type_list");
    bool success = false;
    if (expectation->kind->id == QUALITY_OF_TYPE)
        success = is_type(quality_expectation_text(expectation, "type_"), column->type);
    for (size_t i = 0; i < json_array_size(list); i++)
        success = success || is_type(json_string_value(json_array_get(list, i)), column->type);
    set(result, "observed_value", json_string(column->type));
    return success;
}

/* ---- the document ---- */

static bool judge(const struct quality_expectation *expectation,
                  const struct quality_columns *columns,
                  const struct engine_value *values,
                  json_t *result,
                  char **ret_trouble)
{
    switch (expectation->kind->domain) {
    case QUALITY_DOMAIN_FIGURE:
        return of_figure(expectation, values, result);
    case QUALITY_DOMAIN_ROWS:
        return of_count(expectation, values[0].integer, result);
    case QUALITY_DOMAIN_TABLE:
        return of_table(expectation, columns, result);
    case QUALITY_DOMAIN_TYPE: {
        const char *name = quality_expectation_text(expectation, "column");
        const struct quality_column *column = quality_columns_find(columns, name);
        if (column)
            return of_type(expectation, column, result);
        *ret_trouble = g_strdup_printf("the table has no column \"%s\"", name);
        return false;
    }
    case QUALITY_DOMAIN_COLUMN:
    case QUALITY_DOMAIN_PAIR:
    case QUALITY_DOMAIN_COLUMNS:
        break;
    }
    return of_rows(expectation, values, result);
}

static json_t *one_result(const struct quality_expectation *expectation,
                          const struct quality_slot *slot,
                          const struct quality_columns *columns,
                          const struct engine_value *values,
                          bool *ret_success)
{
    g_autofree char *trouble = g_strdup(slot->trouble);
    json_t *result = json_object();
    *ret_success = !trouble && judge(expectation, columns, values + slot->first, result, &trouble);
    json_t *config = json_deep_copy(expectation->config);
    if (!json_object_get(config, "meta"))
        set(config, "meta", json_object());
    json_object_set_new(config, "severity", json_string(expectation->severity));
    json_t *exceptions = json_object();
    set(exceptions, "raised_exception", json_boolean(trouble != NULL));
    set(exceptions, "exception_traceback", json_null());
    set(exceptions, "exception_message", trouble ? json_string(trouble) : json_null());
    return json_pack("{s:b, s:o, s:o, s:{}, s:o}", "success", *ret_success, "expectation_config",
                     config, "result", result, "meta", "exception_info", exceptions);
}

static json_t *meta_of(const char *run_id, int64_t time_ms)
{
    char time[CLOCK_ISO_BYTES];
    return json_pack("{s:s, s:{s:s, s:s}}", "marquee_version", MARQUEE_VERSION, "run_id",
                     "run_name", run_id, "run_time", clock_iso8601(time_ms, time));
}

struct quality_result *quality_result_new(const struct quality_suite *suite,
                                          const struct quality_plan *plan,
                                          const struct quality_columns *columns,
                                          const struct engine_value *values,
                                          const char *run_id,
                                          int64_t time_ms)
{
    struct quality_result *result = g_new0(struct quality_result, 1);
    json_t *results = json_array();
    result->rows = values[0].integer;
    result->passed = values[1].integer;
    for (size_t i = 0; i < suite->count; i++) {
        bool success;
        json_array_append_new(
            results, one_result(&suite->items[i], &plan->slots[i], columns, values, &success));
        result->evaluated++;
        result->successful += success;
        result->critical_failed =
            result->critical_failed ||
            (!success && strcmp(suite->items[i].severity, QUALITY_SEVERITY_CRITICAL) == 0);
    }
    json_t *share = percent((int64_t)result->successful, (int64_t)result->evaluated);
    json_t *statistics = json_pack(
        "{s:I, s:I, s:I, s:o}", "evaluated_expectations", (json_int_t)result->evaluated,
        "successful_expectations", (json_int_t)result->successful, "unsuccessful_expectations",
        (json_int_t)(result->evaluated - result->successful), "success_percent", share);
    result->document = json_pack("{s:b, s:o, s:s, s:{}, s:o, s:o, s:n}", "success",
                                 result->successful == result->evaluated, "results", results,
                                 "suite_name", suite->name, "suite_parameters", "statistics",
                                 statistics, "meta", meta_of(run_id, time_ms), "id");
    return result;
}

void quality_result_free(struct quality_result *result)
{
    if (!result)
        return;
    json_decref(result->document);
    g_free(result);
}

double quality_result_score(const struct quality_result *result)
{
    return result->rows > 0 ? (double)result->passed / (double)result->rows : 1;
}

/* ---- text ---- */

static void write_text(GString *out, const char *text, size_t len)
{
    json_t *value = json_stringn(text, len);
    char *quoted = json_dumps(value, JSON_ENCODE_ANY);
    g_string_append(out, quoted);
    free(quoted);
    json_decref(value);
}

static void write_members(GString *out, const json_t *value)
{
    const char *key;
    json_t *member;
    bool first = true;
    g_string_append_c(out, '{');
    json_object_foreach((json_t *)value, key, member)
    {
        if (!first)
            g_string_append_c(out, ',');
        first = false;
        write_text(out, key, strlen(key));
        g_string_append_c(out, ':');
        quality_result_write(out, member);
    }
    g_string_append_c(out, '}');
}

void quality_result_write(GString *out, const json_t *value)
{
    g_autoptr(GString) number = g_string_new(NULL);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_members(out, value);
        break;
    case JSON_ARRAY:
        g_string_append_c(out, '[');
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (i)
                g_string_append_c(out, ',');
            quality_result_write(out, json_array_get(value, i));
        }
        g_string_append_c(out, ']');
        break;
    case JSON_STRING:
        write_text(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        g_string_append_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        json_write_double(number, json_real_value(value));
        g_string_append(out, number->str);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        g_string_append(out, json_is_true(value) ? "true" : "false");
        break;
    case JSON_NULL:
        g_string_append(out, "null");
        break;
    }
}
