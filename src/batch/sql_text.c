#include "batch/sql_text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/embedded.h"
#include "base/number.h"

#define PARAM_NAME_BYTES_MAX 64
#define NAME_CHARACTERS      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

static const struct engine_param *
find(const struct engine_params *params, const char *name, size_t len)
{
    for (size_t i = 0; params && i < params->count; i++) {
        if (strlen(params->items[i].name) == len && memcmp(params->items[i].name, name, len) == 0)
            return &params->items[i];
    }
    return NULL;
}

static bool append_text(GString *out, const char *text)
{
    if (!text || !*text || strspn(text, NAME_CHARACTERS) != strlen(text))
        return false;
    g_string_append_printf(out, "'%s'", text);
    return true;
}

static bool append(GString *out, const struct engine_param *param)
{
    char number[NUMBER_TEXT_BYTES];
    switch (param->type) {
    case ENGINE_INT:
        g_string_append_printf(out, "(%" PRId64 ")", param->integer);
        return true;
    case ENGINE_DOUBLE:
        if (!isfinite(param->number))
            return false;
        g_string_append_printf(out, "CAST('%s' AS DOUBLE)", number_text(param->number, number));
        return true;
    case ENGINE_NAME:
        return append_text(out, param->text);
    case ENGINE_DATE:
        return param->text && strlen(param->text) == strlen("2026-03-03") &&
               strspn(param->text, "0123456789-") == strlen(param->text) &&
               append_text(out, param->text);
    }
    return false;
}

static void trim_end(GString *text)
{
    while (text->len && strchr(" \t\r\n;", text->str[text->len - 1]))
        g_string_truncate(text, text->len - 1);
}

char *sql_text_fill(const char *sql_path, const struct engine_params *params, GError **error)
{
    const struct embedded_file *file = embedded_find(sql_path);
    if (!file) {
        error_set(error, FAILED, "%s is not part of this build", sql_path);
        return NULL;
    }
    GString *out = g_string_new(NULL);
    const char *at = file->data;
    for (const char *mark; (mark = strstr(at, "${"));) {
        g_string_append_len(out, at, mark - at);
        const char *name = mark + 2;
        const char *end = strchr(name, '}');
        size_t len = end ? (size_t)(end - name) : 0;
        const struct engine_param *param =
            len <= PARAM_NAME_BYTES_MAX ? find(params, name, len) : NULL;
        if (!param || !append(out, param)) {
            error_set(error, BADDATA, "%s: ${%.*s} %s", sql_path,
                      (int)MIN(len, PARAM_NAME_BYTES_MAX), name,
                      param ? "has no sound value" : "is no parameter");
            g_string_free(out, TRUE);
            return NULL;
        }
        at = end + 1;
    }
    g_string_append(out, at);
    trim_end(out);
    return g_string_free(out, FALSE);
}
