#include "view/view_id.h"

/* The character after '|': "x|" < every _id that begins with "x|" < "x}". */
#define ID_END '}'

static void append_name(GString *out, const char *name)
{
    for (; name && *name; name++) {
        if (*name == '|' || *name == '%')
            g_string_append_printf(out, "%%%02X", (unsigned)*name);
        else
            g_string_append_c(out, *name);
    }
    g_string_append_c(out, '|');
}

static void append_generation(GString *out, int64_t generation)
{
    g_string_append_printf(out, "%010" G_GINT64_FORMAT "|", generation);
}

static void append_movie(GString *out, int64_t movie_id)
{
    g_string_append_printf(out, "%012" G_GINT64_FORMAT "|", movie_id);
}

static void append_day(GString *out, int64_t day_ms)
{
    g_string_append_printf(out, "%015" G_GINT64_FORMAT "|", day_ms);
}

void view_id_append(GString *out, int64_t generation, const struct view_key *key)
{
    append_generation(out, generation);
    append_name(out, key->view_type);
    append_movie(out, key->movie_id);
    append_day(out, key->day_ms);
    append_name(out, key->genre);
    g_string_append_printf(out, "%04d|%02d|", key->year, key->month);
    append_name(out, key->window);
}

/* "x|" becomes the bounds "x|" and "x}". */
static void end_range(GString *after, GString *before)
{
    g_string_assign(before, after->str);
    before->str[before->len - 1] = ID_END;
}

void view_id_range(int64_t generation,
                   const struct view_filter *filter,
                   GString *ret_after,
                   GString *ret_before)
{
    const struct view_key *key = &filter->key;
    g_string_truncate(ret_after, 0);
    append_generation(ret_after, generation);
    append_name(ret_after, key->view_type);
    if (key->movie_id)
        append_movie(ret_after, key->movie_id);
    end_range(ret_after, ret_before);
    if (!key->movie_id)
        return;
    if (key->day_ms) {
        append_day(ret_after, key->day_ms);
        end_range(ret_after, ret_before);
    } else if (filter->to_day_ms) {
        /* A bound needs no whole _id: "...|day" stands before all that begin with "...|day|". */
        g_string_truncate(ret_before, 0);
        g_string_append(ret_before, ret_after->str);
        append_day(ret_after, filter->from_day_ms);
        append_day(ret_before, filter->to_day_ms);
    }
}

void view_id_generation_range(int64_t generation, GString *ret_after, GString *ret_before)
{
    g_string_truncate(ret_after, 0);
    append_generation(ret_after, generation);
    end_range(ret_after, ret_before);
}
