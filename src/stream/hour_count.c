#include "stream/hour_count.h"

/* Most records belong to the newest hour. */
void hour_count_add(GArray *counts, int64_t hour, int64_t used_records)
{
    guint at = counts->len;
    while (at > 0 && g_array_index(counts, struct hour_count, at - 1).hour > hour)
        at--;
    if (at == 0 || g_array_index(counts, struct hour_count, at - 1).hour != hour)
        g_array_insert_val(counts, at, ((struct hour_count){.hour = hour}));
    else
        at--;
    struct hour_count *count = &g_array_index(counts, struct hour_count, at);
    count->used_records += used_records;
    count->dirty = true;
}

void hour_count_drop_below(GArray *counts, int64_t first_hour)
{
    guint gone = 0;
    while (gone < counts->len && g_array_index(counts, struct hour_count, gone).hour < first_hour)
        gone++;
    if (gone)
        g_array_remove_range(counts, 0, gone);
}
