#include "stream/cascade.h"

#include "stream/window.h"

/* The changed windows come in ascending order, so what a change reaches is already there where an
 * earlier change reached it: nothing is ever inserted before the end, but a depth may fall. */
static void reach(GArray *out, const struct window_ref *ref, int depth)
{
    for (guint i = out->len; i-- > 0;) {
        struct cascade_window *known = &g_array_index(out, struct cascade_window, i);
        if (known->ref.start_ms < ref->start_ms)
            break;
        if (known->ref.start_ms == ref->start_ms) {
            known->depth = MIN(known->depth, depth);
            return;
        }
    }
    g_array_append_val(out, ((struct cascade_window){*ref, depth}));
}

static bool follow(struct state *state,
                   struct movie *movie,
                   enum bin_kind kind,
                   struct window_ref ref,
                   int depth_max,
                   GArray *out,
                   GError **error)
{
    for (int depth = 0;; depth++) {
        reach(out, &ref, depth);
        if (depth == depth_max)
            return true;
        bool found;
        if (!state_after(state, movie, kind, ref.start_ms, &ref, &found, error))
            return false;
        if (!found)
            return true;
    }
}

bool cascade_collect(struct state *state,
                     struct movie *movie,
                     enum bin_kind kind,
                     int depth_max,
                     int64_t window_ms,
                     GArray *out,
                     GError **error)
{
    g_array_set_size(out, 0);
    /* Following may load bins behind the one at hand, which moves the array's later part. */
    int64_t hour = INT64_MIN;
    for (uint32_t i = movie->changed_from; i < movie->bins_count; i++) {
        struct bin *bin = movie->bins[i];
        if (bin->kind != kind || !bin->dirty_windows || bin->hour <= hour)
            continue;
        hour = bin->hour;
        for (uint32_t at = 0; at < bin->count; at++) {
            if (!bin->windows[at].dirty)
                continue;
            struct window_ref ref = {bin, at,
                                     window_start_ms(hour, bin->windows[at].index, window_ms)};
            if (!follow(state, movie, kind, ref, depth_max, out, error))
                return false;
        }
    }
    return true;
}
