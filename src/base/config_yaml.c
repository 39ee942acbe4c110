/* Reads marquee.yaml from libyaml's events, each of which knows its line. What is understood is
 * small on purpose: one document, a mapping of sections, each a mapping of keys to plain values.
 * Everything else that YAML can say (lists, deeper mappings, anchors, aliases, tags, a second
 * document) is refused by name, and at the first event of it: so nothing nests deeper than two,
 * whatever the file holds.
 *
 *   STREAM-START [DOCUMENT-START (MAPPING-START (key MAPPING-START (key value)* MAPPING-END)*
 * MAPPING-END) DOCUMENT-END] STREAM-END */
#include <string.h>

#include <yaml.h>

#include "base/config_table.h"

struct reader {
    yaml_parser_t parser;
    struct config *config;
    const char *name, *text;
    size_t len;
    GHashTable *lines; /* "section" or "section.key" -> line of its first appearance */
};

static size_t event_line(const yaml_event_t *event)
{
    return event->start_mark.line + 1;
}

/* libyaml's reader (encoding) counts bytes, its scanner and parser know marks. */
static void set_yaml_error(const struct reader *reader, GError **error)
{
    const yaml_parser_t *parser = &reader->parser;
    size_t line = parser->problem_mark.line + 1;
    if (parser->error == YAML_READER_ERROR) {
        line = 1;
        for (size_t i = 0; i < MIN(parser->problem_offset, reader->len); i++)
            line += reader->text[i] == '\n';
    }
    error_set(error, CONFIG, "%s:%zu: expected YAML, found a mistake in it: %s%s%s", reader->name,
              line, parser->problem ? parser->problem : "unknown", parser->context ? " " : "",
              parser->context ? parser->context : "");
}

/* What marquee.yaml never needs; NULL where the event has none of it. */
static const char *event_excess(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return "an alias (*name)";
    case YAML_SCALAR_EVENT:
        if (event->data.scalar.anchor)
            return "an anchor (&name)";
        if (event->data.scalar.tag)
            return "a tag (!name)";
        return strlen((const char *)event->data.scalar.value) != event->data.scalar.length
                   ? "a NUL character"
                   : NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor ? "an anchor (&name)"
               : event->data.mapping_start.tag  ? "a tag (!name)"
                                                : NULL;
    case YAML_SEQUENCE_START_EVENT:
        return "a list";
    default:
        return NULL;
    }
}

/* On false there is no event to delete. what: "section.key" or "" for the message. */
static bool next_event(struct reader *reader, const char *what, yaml_event_t *event, GError **error)
{
    if (!yaml_parser_parse(&reader->parser, event)) {
        set_yaml_error(reader, error);
        return false;
    }
    const char *excess = event_excess(event);
    if (!excess)
        return true;
    error_set(error, CONFIG, "%s:%zu: %s%sexpected plain names and values, found %s", reader->name,
              event_line(event), what, *what ? ": " : "", excess);
    yaml_event_delete(event);
    return false;
}

static const char *scalar_text(const yaml_event_t *event)
{
    return (const char *)event->data.scalar.value;
}

/* `key:` with nothing behind it, `~` or `null`. */
static bool is_null(const yaml_event_t *event)
{
    const char *text = scalar_text(event);
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (!*text || g_str_equal(text, "~") || g_str_equal(text, "null"));
}

/* Notes the first appearance of a name; a second one is an error. */
static bool note_once(struct reader *reader, const char *name, size_t line, GError **error)
{
    size_t first = GPOINTER_TO_SIZE(g_hash_table_lookup(reader->lines, name));
    if (first) {
        error_set(error, CONFIG, "%s:%zu: %s: expected it once, found it again (first in line %zu)",
                  reader->name, line, name, first);
        return false;
    }
    g_hash_table_insert(reader->lines, g_strdup(name), GSIZE_TO_POINTER(line));
    return true;
}

static void prefix_line(GError **error, const struct reader *reader, size_t line)
{
    g_prefix_error(error, "%s:%zu: ", reader->name, line);
}

static bool read_value(struct reader *reader, const struct config_row *row, GError **error)
{
    g_autofree char *what = g_strdup_printf("%s.%s", row->section, row->key);
    yaml_event_t event;
    if (!next_event(reader, what, &event, error))
        return false;
    bool done = false;
    size_t line = event_line(&event);
    g_autofree char *where = g_strdup_printf("%s:%zu", reader->name, line);
    if (event.type != YAML_SCALAR_EVENT) {
        g_autofree char *expected = config_expectation(row);
        error_set(error, CONFIG, "%s: %s: expected %s, found deeper keys", where, what, expected);
    } else if (is_null(&event)) {
        /* As an empty text, which a number refuses; "null" must not become a folder's name. */
        done = config_assign(reader->config, row, "", where, error);
    } else {
        done = config_assign(reader->config, row, scalar_text(&event), where, error);
    }
    yaml_event_delete(&event);
    return done;
}

/* After the MAPPING-START of a section, to its end. */
static bool read_keys(struct reader *reader, const char *section, GError **error)
{
    for (;;) {
        yaml_event_t event;
        if (!next_event(reader, section, &event, error))
            return false;
        size_t line = event_line(&event);
        if (event.type != YAML_SCALAR_EVENT) {
            bool end = event.type == YAML_MAPPING_END_EVENT;
            yaml_event_delete(&event);
            if (!end)
                error_set(error, CONFIG, "%s:%zu: %s: expected a key, found a mapping",
                          reader->name, line, section);
            return end;
        }
        g_autofree char *key = g_strdup(scalar_text(&event));
        yaml_event_delete(&event);
        const struct config_row *row = config_row_find(section, key, error);
        if (!row) {
            prefix_line(error, reader, line);
            return false;
        }
        g_autofree char *name = g_strdup_printf("%s.%s", section, key);
        if (!note_once(reader, name, line, error) || !read_value(reader, row, error))
            return false;
    }
}

/* After a section's name. */
static bool read_section(struct reader *reader, const char *section, GError **error)
{
    yaml_event_t event;
    if (!next_event(reader, section, &event, error))
        return false;
    bool mapping = event.type == YAML_MAPPING_START_EVENT;
    bool empty = event.type == YAML_SCALAR_EVENT && is_null(&event); /* all its keys are comments */
    if (!mapping && !empty)
        error_set(error, CONFIG,
                  "%s:%zu: %s: expected a section with keys indented below it, found a value",
                  reader->name, event_line(&event), section);
    yaml_event_delete(&event);
    return mapping ? read_keys(reader, section, error) : empty;
}

/* After the root's MAPPING-START, to its end. */
static bool read_sections(struct reader *reader, GError **error)
{
    for (;;) {
        yaml_event_t event;
        if (!next_event(reader, "", &event, error))
            return false;
        size_t line = event_line(&event);
        if (event.type != YAML_SCALAR_EVENT) {
            bool end = event.type == YAML_MAPPING_END_EVENT;
            yaml_event_delete(&event);
            if (!end)
                error_set(error, CONFIG, "%s:%zu: expected the name of a section, found a mapping",
                          reader->name, line);
            return end;
        }
        g_autofree char *section = g_strdup(scalar_text(&event));
        yaml_event_delete(&event);
        if (!config_section_find(section, error)) {
            prefix_line(error, reader, line);
            return false;
        }
        if (!note_once(reader, section, line, error) || !read_section(reader, section, error))
            return false;
    }
}

/* After DOCUMENT-START: the root and DOCUMENT-END. */
static bool read_document(struct reader *reader, GError **error)
{
    yaml_event_t event;
    if (!next_event(reader, "", &event, error))
        return false;
    bool mapping = event.type == YAML_MAPPING_START_EVENT;
    bool empty = event.type == YAML_SCALAR_EVENT && is_null(&event);
    if (!mapping && !empty)
        error_set(error, CONFIG,
                  "%s:%zu: expected sections with keys indented below them, found only a text",
                  reader->name, event_line(&event));
    yaml_event_delete(&event);
    if (!(mapping ? read_sections(reader, error) : empty) || !next_event(reader, "", &event, error))
        return false;
    g_assert(event.type == YAML_DOCUMENT_END_EVENT); /* libyaml's grammar: a root is one node */
    yaml_event_delete(&event);
    return true;
}

static bool read_stream(struct reader *reader, GError **error)
{
    for (int documents = 0;;) {
        yaml_event_t event;
        if (!next_event(reader, "", &event, error))
            return false;
        yaml_event_type_t type = event.type;
        size_t line = event_line(&event);
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT)
            return true;
        if (type != YAML_DOCUMENT_START_EVENT)
            continue; /* STREAM-START */
        if (documents++) {
            error_set(error, CONFIG, "%s:%zu: expected one document, found a second one (---)",
                      reader->name, line);
            return false;
        }
        if (!read_document(reader, error))
            return false;
    }
}

bool config_read_yaml(
    struct config *config, const char *name, const char *text, size_t len, GError **error)
{
    if (len > CONFIG_FILE_BYTES_MAX) {
        error_set(error, CONFIG, "%s: expected at most %zu bytes, found more", name,
                  CONFIG_FILE_BYTES_MAX);
        return false;
    }
    if (!len)
        return true; /* libyaml wants an address, and nothing may have none */
    struct reader reader = {.config = config, .name = name, .text = text, .len = len};
    if (!yaml_parser_initialize(&reader.parser))
        g_error("out of memory");
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
    reader.lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    bool done = read_stream(&reader, error);
    g_hash_table_unref(reader.lines);
    yaml_parser_delete(&reader.parser);
    return done;
}
