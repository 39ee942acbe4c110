#include "tmdb_sim/phrases.h"

#include <string.h>

#include "base/embedded.h"
#include "tmdb_sim/dice.h"

#define PHRASE_DEPTH_MAX 4

/* The phrases of one kind and tone. */
struct phrase_group {
    const char *kind;
    enum phrase_tone tone;
    GPtrArray *texts;
};

struct phrases {
    char *text; /* the file, cut at tabs and line ends */
    GArray *groups;
};

static struct phrase_group *
group_find(const struct phrases *phrases, const char *kind, enum phrase_tone tone)
{
    for (guint i = 0; i < phrases->groups->len; i++) {
        struct phrase_group *group = &g_array_index(phrases->groups, struct phrase_group, i);
        if (group->tone == tone && g_str_equal(group->kind, kind))
            return group;
    }
    return NULL;
}

static void
phrase_add(struct phrases *phrases, const char *kind, enum phrase_tone tone, const char *text)
{
    struct phrase_group *group = group_find(phrases, kind, tone);
    if (!group) {
        struct phrase_group fresh = {kind, tone, g_ptr_array_new()};
        g_array_append_val(phrases->groups, fresh);
        group = &g_array_index(phrases->groups, struct phrase_group, phrases->groups->len - 1);
    }
    g_ptr_array_add(group->texts, (void *)text);
}

/* Our own file: what is wrong in it is asserted. */
static void line_read(struct phrases *phrases, char *line)
{
    if (line[0] == '#' || line[0] == '\0')
        return;
    char *tone = strchr(line, '\t');
    g_assert(tone);
    *tone++ = '\0';
    char *text = strchr(tone, '\t');
    g_assert(text && text == tone + 1);
    text++;
    g_assert(strchr("+-0", tone[0]));
    phrase_add(phrases, line,
               tone[0] == '+'   ? TONE_GOOD
               : tone[0] == '-' ? TONE_BAD
                                : TONE_NEUTRAL,
               text);
    phrase_add(phrases, line, TONE_ANY, text);
}

static void group_clear(void *data)
{
    struct phrase_group *group = data;
    g_ptr_array_unref(group->texts);
}

struct phrases *phrases_open(void)
{
    struct phrases *phrases = g_new0(struct phrases, 1);
    phrases->text = g_strdup(embedded_text("data/catalogue/phrases.tsv", NULL));
    phrases->groups = g_array_new(FALSE, FALSE, sizeof(struct phrase_group));
    g_array_set_clear_func(phrases->groups, group_clear);
    for (char *line = phrases->text; line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        line_read(phrases, line);
        line = end;
    }
    return phrases;
}

void phrases_close(struct phrases *phrases)
{
    if (!phrases)
        return;
    g_array_unref(phrases->groups);
    g_free(phrases->text);
    g_free(phrases);
}

static const char *slot_text(const struct phrase_slots *slots, const char *name)
{
    if (!slots)
        return NULL;
    return g_str_equal(name, "title")      ? slots->title
           : g_str_equal(name, "director") ? slots->director
           : g_str_equal(name, "actor")    ? slots->actor
           : g_str_equal(name, "genre")    ? slots->genre
                                           : NULL;
}

static void say(const struct phrases *phrases,
                const char *kind,
                enum phrase_tone tone,
                const struct phrase_slots *slots,
                uint64_t *chain,
                int depth,
                GString *out)
{
    const struct phrase_group *group = group_find(phrases, kind, tone);
    if (!group)
        group = group_find(phrases, kind, TONE_ANY);
    g_assert(group && depth < PHRASE_DEPTH_MAX);
    const char *text = group->texts->pdata[dice_below(dice_next(chain), group->texts->len)];
    for (const char *open = strchr(text, '{'); open; open = strchr(text, '{')) {
        g_string_append_len(out, text, open - text);
        const char *close = strchr(open, '}');
        g_assert(close);
        char name[16];
        g_strlcpy(name, open + 1, MIN(sizeof name, (size_t)(close - open)));
        const char *slot = slot_text(slots, name);
        if (slot)
            g_string_append(out, slot);
        else
            say(phrases, name, TONE_ANY, slots, chain, depth + 1, out);
        text = close + 1;
    }
    g_string_append(out, text);
}

void phrases_say(const struct phrases *phrases,
                 const char *kind,
                 enum phrase_tone tone,
                 const struct phrase_slots *slots,
                 uint64_t *chain,
                 GString *out)
{
    say(phrases, kind, tone, slots, chain, 0, out);
}
