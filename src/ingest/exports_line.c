#include "ingest/exports_line.h"

#include <jansson.h>

#include "model/record.h"

#define POPULARITY_MAX 1e9

static bool missing(const char *what, GError **error)
{
    error_set(error, BADDATA, "%s", what);
    return false;
}

static bool read_fields(const json_t *object, struct exports_line *ret_line, GError **error)
{
    const json_t *id = json_object_get(object, "id"),
                 *popularity = json_object_get(object, "popularity"),
                 *adult = json_object_get(object, "adult"),
                 *video = json_object_get(object, "video");
    if (!json_is_integer(id) || json_integer_value(id) < 1 || json_integer_value(id) > INT32_MAX)
        return missing("id: expected a whole number from 1 to 2147483647", error);
    if (!json_is_number(popularity) || !(json_number_value(popularity) >= 0) ||
        json_number_value(popularity) > POPULARITY_MAX)
        return missing("popularity: expected a number from 0 to 1e9", error);
    if (!json_is_boolean(adult) || !json_is_boolean(video))
        return missing("adult, video: expected true or false", error);
    *ret_line =
        (struct exports_line){.movie_id = (int32_t)json_integer_value(id),
                              .popularity_e4 = e4_from_double(json_number_value(popularity)),
                              .adult = json_is_true(adult),
                              .video = json_is_true(video)};
    return true;
}

bool exports_line_parse(const char *text, size_t len, struct exports_line *ret_line, GError **error)
{
    json_error_t json_error;
    json_t *object = json_loadb(text, len, 0, &json_error);
    bool done = false;
    if (json_is_object(object)) {
        done = read_fields(object, ret_line, error);
    } else if (object) {
        error_set(error, BADDATA, "expected a JSON object");
    } else { /* the text quotes the line's bytes, which may be no UTF-8 */
        g_autofree char *why = g_utf8_make_valid(json_error.text, -1);
        error_set(error, BADDATA, "%s", why);
    }
    json_decref(object);
    return done;
}
