/* Proves: libavro, which shares no line with ours, writes the same bytes for random records of
 * every contract, and reads random records of evolved writers (fields added, removed, reordered,
 * widened, unions changed, enums grown) as ours does. Defaults aside: libavro has none,
 * codec_test.c checks them by hand. */
#include <string.h>

#include <avro.h>

#include "base/embedded.h"
#include "model/codec.h"
#include "model/codec_sample.h"
#include "model/topic.h"

#define ROUNDS       500
#define ITEMS_MAX    5
#define STRING_MAX   300
#define AVRO_DEPTH   6
#define BUFFER_BYTES (1024 * 1024)

static void check(int code)
{
    if (code != 0)
        g_error("libavro: %s", avro_strerror());
}

/* libavro's JSON parser takes no \\u0000, which stands in one default; it uses no defaults. */
static avro_schema_t avro_parse(const char *text)
{
    g_autofree char *json = g_strdup(text);
    for (char *at = json; (at = strstr(at, "\\u0000"));)
        at[5] = '1';
    avro_schema_t schema;
    check(avro_schema_from_json_length(json, strlen(json), &schema));
    return schema;
}

static struct schema *parse(const char *json)
{
    g_autoptr(GError) error = NULL;
    struct schema *schema = schema_parse(json, strlen(json), &error);
    g_assert_no_error(error);
    return schema;
}

/* Numbers of all lengths, the edges among them. */
static int64_t random_long(void)
{
    uint64_t bits = (uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();
    return (int64_t)(bits >> g_test_rand_int_range(0, 64)) * (g_test_rand_bit() ? 1 : -1);
}

static double random_double(void)
{
    return g_test_rand_double_range(-1e6, 1e6);
}

/* UTF-8, since libavro checks none: letters, and now and then a longer sequence. */
static char *random_text(void)
{
    static const char *const pieces[] = {
        "a", "Z", " ", "0", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8e\xac"};
    GString *text = g_string_new(NULL);
    int count = g_test_rand_int_range(0, g_test_rand_bit() ? 4 : STRING_MAX / 4);
    for (int i = 0; i < count; i++)
        g_string_append(text, pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
    return g_string_free(text, FALSE);
}

static void fill(avro_value_t *value, int depth);

static void fill_items(avro_value_t *value, bool map, int depth)
{
    int count = depth > AVRO_DEPTH ? 0 : g_test_rand_int_range(0, ITEMS_MAX + 1);
    for (int i = 0; i < count; i++) {
        avro_value_t item;
        if (map) {
            g_autofree char *key = g_strdup_printf("key%d", i);
            check(avro_value_add(value, key, &item, NULL, NULL));
        } else {
            check(avro_value_append(value, &item, NULL));
        }
        fill(&item, depth + 1);
    }
}

static void fill_union(avro_value_t *value, int depth)
{
    avro_schema_t schema = avro_value_get_schema(value);
    int branches = (int)avro_schema_union_size(schema), chosen = g_test_rand_int_range(0, branches);
    for (int i = 0; i < branches && depth > AVRO_DEPTH; i++) {
        if (is_avro_null(avro_schema_union_branch(schema, i)))
            chosen = i; /* ends a type that holds itself */
    }
    avro_value_t branch;
    check(avro_value_set_branch(value, chosen, &branch));
    fill(&branch, depth + 1);
}

/* Any value of the value's schema. */
static void fill(avro_value_t *value, int depth)
{
    avro_schema_t schema = avro_value_get_schema(value);
    switch (avro_value_get_type(value)) {
    case AVRO_NULL:
        check(avro_value_set_null(value));
        break;
    case AVRO_BOOLEAN:
        check(avro_value_set_boolean(value, g_test_rand_bit()));
        break;
    case AVRO_INT32:
        check(avro_value_set_int(value, (int32_t)random_long()));
        break;
    case AVRO_INT64:
        check(avro_value_set_long(value, random_long()));
        break;
    case AVRO_FLOAT:
        check(avro_value_set_float(value, (float)random_double()));
        break;
    case AVRO_DOUBLE:
        check(avro_value_set_double(value, random_double()));
        break;
    case AVRO_STRING: {
        g_autofree char *text = random_text();
        check(avro_value_set_string(value, text));
        break;
    }
    case AVRO_BYTES: {
        g_autofree char *text = random_text();
        check(avro_value_set_bytes(value, text, strlen(text)));
        break;
    }
    case AVRO_FIXED: {
        char bytes[64] = "some fixed bytes";
        check(avro_value_set_fixed(value, bytes, (size_t)avro_schema_fixed_size(schema)));
        break;
    }
    case AVRO_ENUM:
        check(avro_value_set_enum(
            value, g_test_rand_int_range(0, avro_schema_enum_number_of_symbols(schema))));
        break;
    case AVRO_ARRAY:
        fill_items(value, false, depth);
        break;
    case AVRO_MAP:
        fill_items(value, true, depth);
        break;
    case AVRO_UNION:
        fill_union(value, depth);
        break;
    case AVRO_RECORD: {
        size_t count;
        check(avro_value_get_size(value, &count));
        for (size_t i = 0; i < count; i++) {
            avro_value_t field;
            check(avro_value_get_by_index(value, i, &field, NULL));
            fill(&field, depth + 1);
        }
        break;
    }
    default:
        g_assert_not_reached();
    }
}

static size_t write_value(avro_value_t *value, char *buffer)
{
    avro_writer_t writer = avro_writer_memory(buffer, BUFFER_BYTES);
    check(avro_value_write(writer, value));
    size_t len = (size_t)avro_writer_tell(writer);
    avro_writer_free(writer);
    return len;
}

static void assert_record(avro_value_t *value, const struct record_type *type, const char *record);

static void assert_span(struct span span, const void *bytes, size_t len)
{
    g_assert_cmpuint(span.len, ==, len);
    g_assert_true(len == 0 || memcmp(span.data, bytes, len) == 0);
}

static void assert_string(avro_value_t *value, struct span span)
{
    const char *text;
    size_t size; /* with its NUL */
    check(avro_value_get_string(value, &text, &size));
    assert_span(span, text, size - 1);
}

static void assert_items(avro_value_t *value, const struct record_field *field, const char *record)
{
    size_t count;
    check(avro_value_get_size(value, &count));
    g_assert_cmpuint(*(const size_t *)(const void *)(record + field->extra_offset), ==, count);
    const char *items = *(char *const *)(const void *)(record + field->offset);
    for (size_t i = 0; i < count; i++) {
        avro_value_t item;
        check(avro_value_get_by_index(value, i, &item, NULL));
        if (field->kind == FIELD_STRINGS)
            assert_string(&item, ((const struct span *)(const void *)items)[i]);
        else
            assert_record(&item, field->element, items + i * field->element->size);
    }
}

/* What libavro has in a field is what the struct has. */
static void assert_field(avro_value_t *value, const struct record_field *field, const char *record)
{
    avro_value_t branch;
    if (avro_value_get_type(value) == AVRO_UNION) {
        check(avro_value_get_current_branch(value, &branch));
        bool null = avro_value_get_type(&branch) == AVRO_NULL;
        g_assert_cmpint(*(const bool *)(record + field->extra_offset), ==, !null);
        if (null)
            return;
        value = &branch;
    }
    const void *at = record + field->offset;
    int32_t i;
    int64_t l;
    double d;
    const void *bytes;
    size_t len;
    switch (field->kind) {
    case FIELD_INT:
        check(avro_value_get_int(value, &i));
        g_assert_cmpint(*(const int32_t *)at, ==, i);
        break;
    case FIELD_LONG:
        check(avro_value_get_long(value, &l));
        g_assert_cmpint(*(const int64_t *)at, ==, l);
        break;
    case FIELD_DOUBLE:
        check(avro_value_get_double(value, &d));
        g_assert_true(memcmp(at, &d, sizeof d) == 0);
        break;
    case FIELD_STRING:
        assert_string(value, *(const struct span *)at);
        break;
    case FIELD_BYTES:
        check(avro_value_get_bytes(value, &bytes, &len));
        assert_span(*(const struct span *)at, bytes, len);
        break;
    case FIELD_ENUM:
        check(avro_value_get_enum(value, &i));
        g_assert_cmpint(*(const int32_t *)at, ==, i);
        break;
    case FIELD_STRINGS:
    case FIELD_RECORDS:
        assert_items(value, field, record);
        break;
    }
}

static void assert_record(avro_value_t *value, const struct record_type *type, const char *record)
{
    for (size_t i = 0; i < type->fields_count; i++) {
        avro_value_t field;
        check(avro_value_get_by_name(value, type->fields[i].name, &field, NULL));
        assert_field(&field, &type->fields[i], record);
    }
}

/* libavro writes, we read; we write, libavro reads: the bytes are even the same. */
static void both_directions(const char *json, const struct record_type *type)
{
    struct schema *schema = parse(json);
    avro_schema_t avro = avro_parse(json);
    avro_value_iface_t *class = avro_generic_class_from_schema(avro);
    g_autoptr(GError) error = NULL;
    struct decoder *decoder = decoder_new(schema, schema, type, &error);
    g_assert_no_error(error);
    struct encoder *encoder = encoder_new(schema, type, &error);
    g_assert_no_error(error);
    struct arena *arena = arena_new();
    g_autofree char *buffer = g_malloc(BUFFER_BYTES);
    g_autofree char *record = g_malloc0(type->size);
    g_autoptr(GByteArray) out = g_byte_array_new();
    for (int round = 0; round < ROUNDS; round++) {
        avro_value_t value, back;
        check(avro_generic_value_new(class, &value));
        fill(&value, 0);
        size_t len = write_value(&value, buffer);
        bool done = decoder_decode(decoder, buffer, len, arena, record, &error);
        g_assert_no_error(error);
        g_assert_true(done);
        assert_record(&value, type, record);

        g_byte_array_set_size(out, 0);
        encoder_encode(encoder, record, out);
        g_assert_cmpuint(out->len, ==, len);
        g_assert_true(memcmp(out->data, buffer, len) == 0);
        check(avro_generic_value_new(class, &back));
        avro_reader_t reader = avro_reader_memory((const char *)out->data, out->len);
        check(avro_value_read(reader, &back));
        g_assert_true(avro_value_equal(&value, &back));
        avro_reader_free(reader);
        avro_value_decref(&value);
        avro_value_decref(&back);
        arena_reset(arena);
    }
    arena_free(arena);
    decoder_free(decoder);
    encoder_free(encoder);
    avro_value_iface_decref(class);
    avro_schema_decref(avro);
    schema_free(schema);
}

static void test_contract(const void *data)
{
    const struct topic_info *info = data;
    both_directions(embedded_text(info->schema_path, NULL), info->type);
}

static void test_sample(void)
{
    g_autofree char *json = json_quotes(SAMPLE_SCHEMA);
    both_directions(json, &sample_type);
}

/* Writers of sample, as fields in place of (or before) the reader's own; whole records, since
 * libavro wants all of the reader's fields. */
#define TAIL                                                                                       \
    "{'name':'strings','type':{'type':'array','items':'string'}},"                                 \
    "{'name':'items','type':{'type':'array','items':{'type':'record','name':'Item','fields':["     \
    "{'name':'id','type':'int'},{'name':'score','type':['null','double']},"                        \
    "{'name':'name','type':'string'},{'name':'tags','type':{'type':'array','items':'string'}}]}}}"
#define ENUM "{'name':'e','type':{'type':'enum','name':'E','symbols':['A','B','C']}},"

static const struct {
    const char *name, *fields;
    bool refuses; /* some of the writer's values can't be read */
} evolved[] = {
    {"promoted",
     "{'name':'i','type':'int'},{'name':'l','type':'int'},{'name':'d','type':'float'},{'name':'s','"
     "type':'string'},"
     "{'name':'b','type':'bytes'}," ENUM
     "{'name':'oi','type':['null','int']},{'name':'ol','type':['null','int']},"
     "{'name':'od','type':['long','null']},{'name':'os','type':['string','null']}," TAIL},
    {"promoted_further",
     "{'name':'i','type':'int'},{'name':'l','type':'int'},{'name':'d','type':'long'},{'name':'s','"
     "type':'string'},"
     "{'name':'b','type':'bytes'}," ENUM
     "{'name':'oi','type':['null','int']},{'name':'ol','type':['null','long']},"
     "{'name':'od','type':['int','null']},{'name':'os','type':['string','null']}," TAIL},
    {"reordered_with_extras",
     TAIL ",{'name':'x1','type':{'type':'map','values':{'type':'array','items':['null','string','"
          "double']}}},"
          "{'name':'os','type':['string','null']},{'name':'x2','type':{'type':'fixed','name':'Four'"
          ",'size':4}},"
          "{'name':'od','type':['double','null']},{'name':'ol','type':['null','long']},{'name':'oi'"
          ",'type':['null','int']},"
          "{'name':'x3','type':{'type':'record','name':'Node','fields':[{'name':'next','type':['"
          "null','Node']},"
          "{'name':'four','type':'Four'},{'name':'flags','type':{'type':'array','items':'boolean'}}"
          "]}}," ENUM "{'name':'x4','type':'float'},{'name':'b','type':'bytes'},{'name':'x5','type'"
          ":'null'},{'name':'s','type':'string'},"
          "{'name':'x6','type':{'type':'enum','name':'Other','symbols':['P','Q']}},{'name':'d','"
          "type':'double'},"
          "{'name':'x7','type':'bytes'},{'name':'l','type':'long'},{'name':'i','type':'int'},{'"
          "name':'x8','type':'long'}"},
    {"unions_turned",
     "{'name':'i','type':'int'},{'name':'l','type':'long'},{'name':'d','type':'double'},{'name':'s'"
     ",'type':'string'},"
     "{'name':'b','type':'bytes'}," ENUM
     "{'name':'oi','type':['int','null']},{'name':'ol','type':'long'},"
     "{'name':'od','type':['null','double']},{'name':'os','type':['null','string']}," TAIL},
    {"unions_that_only_the_writer_has",
     "{'name':'i','type':['null','int']},{'name':'l','type':['int','string','long']},{'name':'d','"
     "type':['double']},"
     "{'name':'s','type':['string','null']},{'name':'b','type':'bytes'}," ENUM
     "{'name':'oi','type':['null','int','string']},{'name':'ol','type':['null','long']},"
     "{'name':'od','type':['double','null']},{'name':'os','type':['string','null']}," TAIL,
     true},
};

static void test_evolved(const void *data)
{
    size_t which = GPOINTER_TO_SIZE(data);
    g_autofree char *quotes =
        g_strdup_printf("{'type':'record','name':'Sample','namespace':'test','fields':[%s]}",
                        evolved[which].fields);
    g_autofree char *writer_json = json_quotes(quotes), *reader_json = json_quotes(SAMPLE_SCHEMA);
    struct schema *writer = parse(writer_json), *reader = parse(reader_json);
    avro_schema_t avro_writer = avro_parse(writer_json), avro_reader = avro_parse(reader_json);
    avro_value_iface_t *class = avro_generic_class_from_schema(avro_writer);
    avro_value_iface_t *reader_class = avro_generic_class_from_schema(avro_reader);
    avro_value_iface_t *resolver = avro_resolved_writer_new(avro_writer, avro_reader);
    if (!resolver)
        g_error("libavro: %s", avro_strerror());
    g_autoptr(GError) error = NULL;
    struct decoder *decoder = decoder_new(writer, reader, &sample_type, &error);
    g_assert_no_error(error);
    struct arena *arena = arena_new();
    g_autofree char *buffer = g_malloc(BUFFER_BYTES);
    int read = 0, refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
        avro_value_t value, resolved, view;
        check(avro_generic_value_new(class, &value));
        fill(&value, 0);
        size_t len = write_value(&value, buffer);
        check(avro_generic_value_new(reader_class, &resolved));
        check(avro_resolved_writer_new_value(resolver, &view));
        avro_resolved_writer_set_dest(&view, &resolved);
        avro_reader_t source = avro_reader_memory(buffer, (int64_t)len);
        struct sample sample;
        g_clear_error(&error);
        bool avro_good = avro_value_read(source, &view) == 0;
        bool good = decoder_decode(decoder, buffer, len, arena, &sample, &error);
        g_assert_cmpint(good, ==, avro_good);
        if (good)
            assert_record(&resolved, &sample_type, (const char *)&sample);
        read += good;
        refused += !good;
        avro_reader_free(source);
        avro_value_decref(&view);
        avro_value_decref(&resolved);
        avro_value_decref(&value);
        arena_reset(arena);
    }
    g_assert_cmpint(read, >, 0);
    g_assert_cmpint(refused > 0, ==, evolved[which].refuses);
    arena_free(arena);
    decoder_free(decoder);
    avro_value_iface_decref(resolver);
    avro_value_iface_decref(class);
    avro_value_iface_decref(reader_class);
    avro_schema_decref(avro_writer);
    avro_schema_decref(avro_reader);
    schema_free(writer);
    schema_free(reader);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (int i = 0; i < TOPIC_COUNT; i++) {
        const struct topic_info *info = topic_info((enum topic)i);
        g_autofree char *path = g_strdup_printf("/codec_avro/contract/%s", info->name);
        g_test_add_data_func(path, info, test_contract);
    }
    g_test_add_func("/codec_avro/sample", test_sample);
    for (size_t i = 0; i < G_N_ELEMENTS(evolved); i++) {
        g_autofree char *path = g_strdup_printf("/codec_avro/evolved/%s", evolved[i].name);
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_evolved);
    }
    return g_test_run();
}
