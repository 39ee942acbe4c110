/* Avro's rules of resolution, as a question about two schemas. A pair of records that is being
 * compared already counts as readable, so that types which contain themselves end. Source: Avro
 * specification, "Schema Resolution". */
#include <string.h>

#include "model/schema_node.h"

struct comparison {
    GHashTable *pairs; /* struct pair -> enum verdict */
    GString *path;     /* of the field being compared: ".movies[].title" */
    char *reason;      /* of the first difference */
};

/* Failing although all pairs under way counted as readable is final. */
enum verdict { VERDICT_NONE, VERDICT_READABLE, VERDICT_UNREADABLE };

struct pair {
    const struct schema_node *reader, *writer;
};

static guint pair_hash(const void *key)
{
    const struct pair *pair = key;
    return g_direct_hash(pair->reader) * 31 + g_direct_hash(pair->writer);
}

static gboolean pair_equal(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return x->reader == y->reader && x->writer == y->writer;
}

bool schema_shallow_match(const struct schema_node *reader, const struct schema_node *writer)
{
    switch (reader->type) {
    case SCHEMA_LONG:
        return writer->type == SCHEMA_LONG || writer->type == SCHEMA_INT;
    case SCHEMA_FLOAT:
        return writer->type == SCHEMA_FLOAT || writer->type == SCHEMA_LONG ||
               writer->type == SCHEMA_INT;
    case SCHEMA_DOUBLE:
        return writer->type == SCHEMA_DOUBLE || writer->type == SCHEMA_FLOAT ||
               writer->type == SCHEMA_LONG || writer->type == SCHEMA_INT;
    case SCHEMA_STRING:
    case SCHEMA_BYTES:
        return writer->type == SCHEMA_STRING || writer->type == SCHEMA_BYTES;
    case SCHEMA_FIXED:
        if (writer->type == SCHEMA_FIXED && reader->fixed_size != writer->fixed_size)
            return false;
        G_GNUC_FALLTHROUGH;
    case SCHEMA_RECORD:
    case SCHEMA_ENUM:
        return reader->type == writer->type &&
               strcmp(schema_unqualified(reader->name), schema_unqualified(writer->name)) == 0;
    default:
        return reader->type == writer->type;
    }
}

static bool can_read(struct comparison *comparison,
                     const struct schema_node *reader,
                     const struct schema_node *writer);

static bool differ(struct comparison *comparison, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool differ(struct comparison *comparison, const char *format, ...)
{
    if (!comparison->reason) {
        va_list args;
        va_start(args, format);
        g_autofree char *text = g_strdup_vprintf(format, args);
        va_end(args);
        const char *path = comparison->path->str;
        comparison->reason =
            g_strdup_printf("%s: %s", *path ? path + (*path == '.') : "the record", text);
    }
    return false;
}

static const char *describe(const struct schema_node *node)
{
    return node->name ? node->name : schema_type_name(node->type);
}

static bool fields_can_read(struct comparison *comparison,
                            const struct schema_node *reader,
                            const struct schema_node *writer)
{
    gsize len = comparison->path->len;
    for (size_t i = 0; i < reader->fields_count; i++) {
        const struct schema_field *field = &reader->fields[i];
        const struct schema_field *written = schema_find_field(writer, field->name);
        g_string_append_printf(comparison->path, ".%s", field->name);
        if (written
                ? !can_read(comparison, field->type, written->type)
                : !field->default_bytes &&
                      !differ(comparison,
                              "the reader needs it, the writer lacks it and there is no default"))
            return false;
        g_string_truncate(comparison->path, len);
    }
    return true;
}

static bool symbols_can_read(struct comparison *comparison,
                             const struct schema_node *reader,
                             const struct schema_node *writer)
{
    if (reader->default_symbol >= 0)
        return true;
    for (size_t i = 0; i < writer->symbols_count; i++) {
        if (schema_find_symbol(reader, writer->symbols[i]) < 0)
            return differ(comparison, "the reader's enum lacks the symbol %s and has no default",
                          writer->symbols[i]);
    }
    return true;
}

/* Some branch of the reader's union; which one failed for what reason is of no interest. */
static bool branch_can_read(struct comparison *comparison,
                            const struct schema_node *reader,
                            const struct schema_node *writer)
{
    for (size_t i = 0; i < reader->branches_count; i++) {
        struct comparison trial = {.pairs = comparison->pairs, .path = comparison->path};
        gsize len = comparison->path->len;
        bool good = can_read(&trial, reader->branches[i], writer);
        g_string_truncate(comparison->path, len);
        g_free(trial.reason);
        if (good)
            return true;
    }
    return differ(comparison, "the writer's %s fits no branch of the reader's union",
                  describe(writer));
}

static bool compare(struct comparison *comparison,
                    const struct schema_node *reader,
                    const struct schema_node *writer)
{
    if (writer->type == SCHEMA_UNION) {
        for (size_t i = 0; i < writer->branches_count; i++) {
            if (!can_read(comparison, reader, writer->branches[i]))
                return false;
        }
        return true;
    }
    if (reader->type == SCHEMA_UNION)
        return branch_can_read(comparison, reader, writer);
    if (!schema_shallow_match(reader, writer))
        return differ(comparison, "the reader's %s can't read the writer's %s", describe(reader),
                      describe(writer));
    switch (reader->type) {
    case SCHEMA_RECORD:
        return fields_can_read(comparison, reader, writer);
    case SCHEMA_ENUM:
        return symbols_can_read(comparison, reader, writer);
    case SCHEMA_ARRAY:
    case SCHEMA_MAP:
        g_string_append(comparison->path, reader->type == SCHEMA_MAP ? "{}" : "[]");
        return can_read(comparison, reader->items, writer->items);
    default:
        return true;
    }
}

static bool can_read(struct comparison *comparison,
                     const struct schema_node *reader,
                     const struct schema_node *writer)
{
    struct pair key = {.reader = reader, .writer = writer};
    int verdict = GPOINTER_TO_INT(g_hash_table_lookup(comparison->pairs, &key));
    if (verdict != VERDICT_NONE)
        return verdict == VERDICT_READABLE ||
               differ(comparison, "the reader's %s can't read the writer's %s", describe(reader),
                      describe(writer));
    struct pair *pair = g_memdup2(&key, sizeof key);
    g_hash_table_insert(comparison->pairs, pair, GINT_TO_POINTER(VERDICT_READABLE));
    bool good = compare(comparison, reader, writer);
    if (!good)
        g_hash_table_insert(comparison->pairs, g_memdup2(&key, sizeof key),
                            GINT_TO_POINTER(VERDICT_UNREADABLE));
    return good;
}

bool schema_can_read(const struct schema *reader, const struct schema *writer, GError **error)
{
    struct comparison comparison = {
        .pairs = g_hash_table_new_full(pair_hash, pair_equal, g_free, NULL),
        .path = g_string_new(NULL),
    };
    bool good = can_read(&comparison, schema_root(reader), schema_root(writer));
    if (!good)
        error_set(error, BADDATA, "%s", comparison.reason);
    g_free(comparison.reason);
    g_string_free(comparison.path, TRUE);
    g_hash_table_unref(comparison.pairs);
    return good;
}
