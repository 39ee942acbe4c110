/* What people read about settings, all from config.def: CONFIGURATION.md, the example marquee.yaml,
 * and the values of a running configuration. */
#include <string.h>

#include "base/config_table.h"

#define COMMENT_COLUMNS 96

#define ORIGIN_DEFAULT "default"

static bool starts_section(size_t i)
{
    return i == 0 || strcmp(config_rows[i].section, config_rows[i - 1].section) != 0;
}

void config_write_values(const struct config *config, GString *out)
{
    for (size_t i = 0; i < config_rows_count; i++) {
        const struct config_row *row = &config_rows[i];
        g_autofree char *name = g_strdup_printf("%s.%s", row->section, row->key);
        g_autofree char *text = config_value_text(config, row);
        bool secret = row->type == CONFIG_TYPE_SECRET && *text;
        g_autofree char *shown = secret ? g_strdup("***") : config_mask_url(text);
        const char *where = config->origins[i].where;
        g_string_append_printf(out, "%-28s %-32s %s\n", name, *shown ? shown : "\"\"",
                               where ? where : ORIGIN_DEFAULT);
    }
}

/* Both names of a row's variable, or the one where they are the same. */
static char *variables_text(const struct config_row *row, const char *quote, const char *separator)
{
    g_autofree char *general = config_variable(row);
    if (!row->env || g_str_equal(row->env, general))
        return g_strdup_printf("%s%s%s", quote, general, quote);
    return g_strdup_printf("%s%s%s%s%s%s%s", quote, row->env, quote, separator, quote, general,
                           quote);
}

static const char *type_name(enum config_type type)
{
    switch (type) {
    case CONFIG_TYPE_BOOL:
        return "true or false";
    case CONFIG_TYPE_INT:
        return "whole number";
    case CONFIG_TYPE_DOUBLE:
        return "number";
    case CONFIG_TYPE_STRING:
        return "text";
    case CONFIG_TYPE_SECRET:
        return "secret";
    case CONFIG_TYPE_CHOICE:
        return "one of";
    case CONFIG_TYPE_DURATION:
        return "duration";
    case CONFIG_TYPE_SIZE:
        return "size";
    }
    g_assert_not_reached();
}

/* "duration, 1s to 1h"; "one of sqlite, kafka". */
static char *type_text(const struct config_row *row)
{
    if (row->min)
        return g_strdup_printf("%s, %s to %s", type_name(row->type), row->min, row->max);
    if (!row->choices)
        return g_strdup(type_name(row->type));
    g_auto(GStrv) choices = g_strsplit(row->choices, "|", -1);
    g_autofree char *list = g_strjoinv(", ", choices);
    return g_strdup_printf("%s %s", type_name(row->type), list);
}

void config_write_reference(GString *out)
{
    g_string_append(
        out, "# Configuration\n\n"
             "Made from `src/base/config.def` by `ninja docs`; don't edit.\n\n"
             "A value comes from the default, then `marquee.yaml` (the file in the current folder, "
             "or the one that\n"
             "`--config` names), then the environment, then the command line (`--set "
             "section.key=value`): the last\n"
             "one wins. Any mistake stops the start and says where it is. `marquee config check` "
             "prints every value\n"
             "and where it came from.\n\n"
             "- Durations are whole numbers with the units `d h m s ms`: `250ms`, `30s`, `1h30m`, "
             "`2d`.\n"
             "- Sizes are a whole number with one of the units `B KB MB GB`, powers of 1024.\n"
             "- Every key has a variable `MARQUEE_SECTION_KEY`; some have a shorter or customary "
             "one too. An empty\n"
             "  variable counts as unset; two that differ are a mistake.\n"
             "- Secrets belong in the environment or in the file; the command line refuses them, "
             "because `ps`\n"
             "  shows it. They print as `***`.\n");
    for (size_t i = 0; i < config_rows_count; i++) {
        const struct config_row *row = &config_rows[i];
        if (starts_section(i))
            g_string_append_printf(out,
                                   "\n## %s\n\n| key | value | default | environment | meaning |\n"
                                   "|---|---|---|---|---|\n",
                                   row->section);
        g_autofree char *type = type_text(row);
        g_autofree char *variables = variables_text(row, "`", ", ");
        const char *quote = *row->fallback ? "`" : "";
        g_string_append_printf(out, "| `%s` | %s | %s%s%s | %s | %s |\n", row->key, type, quote,
                               *row->fallback ? row->fallback : "empty", quote, variables,
                               row->help);
    }
}

/* Words of text as comment lines of at most COMMENT_COLUMNS. */
static void append_comment(GString *out, const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    size_t column = 0;
    for (size_t i = 0; words[i]; i++) {
        size_t len = strlen(words[i]);
        if (column == 0 || column + 1 + len > COMMENT_COLUMNS) {
            g_string_append(out, column ? "\n  #" : "  #");
            column = 3;
        }
        g_string_append_printf(out, " %s", words[i]);
        column += 1 + len;
    }
    g_string_append_c(out, '\n');
}

void config_write_example(GString *out)
{
    g_string_append(
        out, "# Every setting of marquee with its default; what you leave out keeps it. Made from\n"
             "# src/base/config.def by `ninja docs`. The same as tables: docs/CONFIGURATION.md.\n"
             "# The environment and --set section.key=value come after this file and win.\n");
    for (size_t i = 0; i < config_rows_count; i++) {
        const struct config_row *row = &config_rows[i];
        if (starts_section(i))
            g_string_append_printf(out, "\n%s:\n", row->section);
        g_autofree char *type = type_text(row);
        g_autofree char *variables = variables_text(row, "", " or ");
        g_autofree char *comment = g_strdup_printf("%s (%s; %s)", row->help, type, variables);
        append_comment(out, comment);
        bool quoted = row->type == CONFIG_TYPE_STRING || row->type == CONFIG_TYPE_SECRET;
        g_string_append_printf(out, "  %s: %s%s%s\n", row->key, quoted ? "\"" : "", row->fallback,
                               quoted ? "\"" : "");
    }
}
