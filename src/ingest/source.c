#include "ingest/source.h"

int64_t source_next_multiple(int64_t time_ms, int64_t interval_ms)
{
    return (time_ms / interval_ms + 1) * interval_ms;
}

void source_init(struct source *source, int64_t interval_ms, int32_t pages_wanted, bool first_alone)
{
    *source = (struct source){.interval_ms = interval_ms,
                              .pages_wanted = pages_wanted,
                              .first_alone = first_alone,
                              .due_ms = INT64_MIN,
                              .again = g_array_new(FALSE, FALSE, sizeof(int32_t))};
}

void source_clear(struct source *source)
{
    g_clear_pointer(&source->again, g_array_unref);
}

static bool begin_round(struct source *source, int64_t now_ms)
{
    if (now_ms < source->due_ms || source->under_way)
        return false;
    g_array_set_size(source->again, 0);
    source->round_ms = now_ms;
    source->due_ms = source_next_multiple(now_ms, source->interval_ms);
    source->pages = source->first_alone ? 1 : source->pages_wanted;
    source->next_page = 1;
    return true;
}

bool source_next(struct source *source, int64_t now_ms, int32_t *ret_page)
{
    bool again = !source->next_page && source->again->len && now_ms >= source->again_ms &&
                 now_ms < source->due_ms;
    if (again) {
        *ret_page = g_array_index(source->again, int32_t, 0);
        g_array_remove_index(source->again, 0);
    } else {
        if (!source->next_page && !begin_round(source, now_ms))
            return false;
        *ret_page = source->next_page;
        source->next_page = source->next_page < source->pages ? source->next_page + 1 : 0;
    }
    source->under_way++;
    return true;
}

void source_pages(struct source *source, int32_t page, int32_t total_pages)
{
    int32_t pages = CLAMP(total_pages, 1, source->pages_wanted);
    if (page == 1 && source->first_alone && pages > source->pages) {
        source->next_page = 2;
        source->pages = pages;
    } else if (pages < source->pages) {
        source->pages = pages;
        if (source->next_page > pages)
            source->next_page = 0;
        for (unsigned i = source->again->len; i-- > 0;)
            if (g_array_index(source->again, int32_t, i) > pages)
                g_array_remove_index(source->again, i);
    }
}

bool source_done(struct source *source, int32_t page, bool failed, int64_t now_ms)
{
    source->under_way--;
    if (failed && page <= source->pages) {
        if (!source->again->len)
            source->again_ms = now_ms + source->interval_ms / SOURCE_TRIES_PER_ROUND;
        g_array_append_val(source->again, page);
    }
    return !source->next_page && !source->under_way && !source->again->len;
}

void source_rewind(struct source *source, int64_t now_ms)
{
    source->due_ms = MIN(source->due_ms, now_ms + source->interval_ms);
    source->again_ms = MIN(source->again_ms, now_ms + source->interval_ms);
    source->round_ms = MIN(source->round_ms, now_ms);
}
