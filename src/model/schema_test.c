/* Proves: canonical forms equal those of fastavro (computed once, pasted here); a schema that
 * breaks Avro's rules is refused; resolution says yes and no as the specification does, and names
 * the field. */
#include "model/schema.h"

#include <string.h>

#include "base/embedded.h"
#include "model/codec_sample.h"

static struct schema *parse_raw(const char *json, GError **error)
{
    return schema_parse(json, strlen(json), error);
}

static struct schema *parse(const char *text)
{
    g_autofree char *json = json_quotes(text);
    g_autoptr(GError) error = NULL;
    struct schema *schema = parse_raw(json, &error);
    g_assert_no_error(error);
    return schema;
}

static void test_canonical(void)
{
    static const struct {
        const char *schema, *canonical;
    } cases[] = {
        {"'int'", "'int'"},
        {"{'type':'long','logicalType':'timestamp-millis'}", "'long'"},
        {"{'type':{'type':'string'}}", "'string'"},
        {"['null', {'type':'array','items':'int'}]", "['null',{'type':'array','items':'int'}]"},
        {"{'type': 'record', 'name': 'a.b.Rec', 'doc': 'x', 'aliases': ['z'], 'fields': ["
         "{'name': 'f', 'type': {'type': 'fixed', 'size': 4, 'name': 'F'}, 'default': 'abcd', "
         "'order': 'ascending'},"
         "{'name': 'g', 'type': 'F'},"
         "{'name': 'h', 'type': {'type': 'map', 'values': ['null', {'type': 'enum', 'name': "
         "'other.E',"
         " 'symbols': ['A', 'B'], 'default': 'A'}]}},"
         "{'name': 'self', 'type': ['null', 'Rec'], 'default': null},"
         "{'name': 'p', 'type': {'type': 'int', 'logicalType': 'date'}},"
         "{'name': 'n', 'type': {'type': 'record', 'name': 'In', 'namespace': '', 'fields': ["
         "{'name': 'e', 'type': 'other.E'}]}}]}",
         "{'name':'a.b.Rec','type':'record','fields':[{'name':'f','type':{'name':'a.b.F','type':'"
         "fixed','size':4}},"
         "{'name':'g','type':'a.b.F'},{'name':'h','type':{'type':'map','values':['null',{'name':'"
         "other.E',"
         "'type':'enum','symbols':['A','B']}]}},{'name':'self','type':['null','a.b.Rec']},{'name':'"
         "p','type':'int'},"
         "{'name':'n','type':{'name':'In','type':'record','fields':[{'name':'e','type':'other.E'}]}"
         "}]}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct schema *schema = parse(cases[i].schema);
        g_autofree char *expected = json_quotes(cases[i].canonical);
        g_assert_cmpstr(schema_canonical(schema), ==, expected);
        /* A canonical form is its own; but for a name without a namespace within one, which the
         * form can't tell. */
        if (strstr(expected, "\"In\"")) {
            schema_free(schema);
            continue;
        }
        g_autoptr(GError) error = NULL;
        struct schema *again = parse_raw(schema_canonical(schema), &error);
        g_assert_no_error(error);
        g_assert_cmpstr(schema_canonical(again), ==, expected);
        schema_free(again);
        schema_free(schema);
    }
    g_autoptr(GError) error = NULL;
    struct schema *events =
        parse_raw(embedded_text("contracts/avro/user.events.avsc", NULL), &error);
    g_assert_no_error(error);
    g_autofree char *expected = json_quotes("{'name':'com.moviepipeline.events.UserEvent','type':'"
                                            "record','fields':[{'name':'event_id','type':'string'},"
                                            "{'name':'user_id','type':'long'},{'name':'movie_id','"
                                            "type':'int'},{'name':'event_type','type':{"
                                            "'name':'com.moviepipeline.events.EventType','type':'"
                                            "enum','symbols':['view','click','search','watchlist',"
                                            "'rate','share']}},{'name':'rating','type':['null','"
                                            "double']},{'name':'timestamp','type':'long'}]}");
    g_assert_cmpstr(schema_canonical(events), ==, expected);
    schema_free(events);
}

static void test_refused(void)
{
    static const struct {
        const char *schema, *part;
    } cases[] = {
        {"", "no JSON"},
        {"{'type':'int'", "no JSON"},
        {"{'type':'int','type':'int'}", "no JSON"},
        {"3", "a type is a string"},
        {"{}", "a type is a string"},
        {"'integer'", "no type 'integer'"},
        {"[]", "a union needs"},
        {"['int','int']", "same type twice"},
        {"['int',['null']]", "another union"},
        {"{'type':'record','name':'R'}", "array of fields"},
        {"{'type':'record','fields':[]}", "no name"},
        {"{'type':'record','name':'1R','fields':[]}", "no name"},
        {"{'type':'record','name':'R','fields':[{'name':'a b','type':'int'}]}", "no name"},
        {"{'type':'record','name':'R','fields':[{'name':'a'}]}", "R.a"},
        {"{'type':'record','name':'R','fields':[{'name':'a','type':'int'},{'name':'a','type':'int'}"
         "]}",
         "twice"},
        {"{'type':'record','name':'R','fields':[{'name':'a','type':{'type':'fixed','name':'R','"
         "size':1}}]}",
         "defined twice"},
        {"{'type':'enum','name':'E','symbols':[]}", "symbols"},
        {"{'type':'enum','name':'E','symbols':['A','A']}", "twice"},
        {"{'type':'enum','name':'E','symbols':['A'],'default':'B'}", "none of its symbols"},
        {"{'type':'fixed','name':'F','size':-1}", "size"},
        {"{'type':'fixed','name':'F','size':99999999}", "size"},
        {"{'type':'array'}", "a type is a string"},
        {"{'type':'record','name':'R','fields':[{'name':'a','type':'int','default':'x'}]}",
         "R.a: its default"},
        {"{'type':'record','name':'R','fields':[{'name':'a','type':'int','default':2147483648}]}",
         "R.a: its default"},
        {"{'type':'record','name':'R','fields':[{'name':'a','type':'string','default':null}]}",
         "R.a: its default"},
        {"{'type':'record','name':'R','fields':[{'name':'a','type':['int','string'],'default':null}"
         "]}",
         "R.a"},
        {"{'type':'record','name':'R','fields':[{'name':'a','type':'bytes','default':'\\u0100'}]}",
         "R.a"},
        {"{'type':'record','name':'R','fields':[{'name':'a','type':{'type':'fixed','name':'F','"
         "size':2},'default':'x'}]}",
         "R.a"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *json = json_quotes(cases[i].schema);
        g_autoptr(GError) error = NULL;
        g_assert_null(parse_raw(json, &error));
        g_assert_true(error_is(error, BADDATA));
        if (!strstr(error->message, cases[i].part))
            g_error("%s: expected '%s' within '%s'", json, cases[i].part, error->message);
    }
}

static void test_limits(void)
{
    g_autoptr(GString) deep = g_string_new(NULL);
    for (int i = 0; i < 100; i++)
        g_string_append(deep, "{\"type\":\"array\",\"items\":");
    g_string_append(deep, "\"int\"");
    for (int i = 0; i < 100; i++)
        g_string_append(deep, "}");
    g_autoptr(GError) error = NULL;
    g_assert_null(parse_raw(deep->str, &error));
    g_assert_nonnull(strstr(error->message, "nested more than 32 deep"));

    g_clear_error(&error);
    g_autofree char *large = g_strnfill(SCHEMA_BYTES_MAX + 1, ' ');
    g_assert_null(parse_raw(large, &error));
    g_assert_true(error_is(error, BADDATA));

    g_clear_error(&error);
    g_autoptr(GString) wide = g_string_new("{\"type\":\"record\",\"name\":\"R\",\"fields\":[");
    for (int i = 0; i < 4200; i++)
        g_string_append_printf(wide, "%s{\"name\":\"f%d\",\"type\":\"int\"}", i ? "," : "", i);
    g_string_append(wide, "]}");
    g_assert_null(parse_raw(wide->str, &error));
    g_assert_true(error_is(error, BADDATA));
}

#define R(fields) "{'type':'record','name':'R','fields':[" fields "]}"

static void test_can_read(void)
{
    static const struct {
        const char *reader, *writer, *reason; /* NULL: it can */
    } cases[] = {
        {"'long'", "'int'", NULL},
        {"'int'", "'long'", "the record: the reader's int can't read the writer's long"},
        {"'float'", "'long'", NULL},
        {"'double'", "'float'", NULL},
        {"'float'", "'double'", "float can't read"},
        {"'string'", "'bytes'", NULL},
        {"'bytes'", "'string'", NULL},
        {"['null','int']", "'int'", NULL},
        {"'int'", "['null','int']", "int can't read the writer's null"},
        {"['null','long']", "['int','null']", NULL},
        {"['null','int']", "['null','string']", "string fits no branch"},
        {R("{'name':'a','type':'int'}"), R(""), "a: the reader needs it"},
        {R("{'name':'a','type':'int','default':0}"), R(""), NULL},
        {R(""), R("{'name':'a','type':'int'}"), NULL},
        {R("{'name':'a','type':'int'}"),
         "{'type':'record','name':'n.s.R','fields':[{'name':'a','type':'int'}]}", NULL},
        {R(""), "{'type':'record','name':'S','fields':[]}", "R can't read the writer's S"},
        {R("{'name':'a','type':{'type':'array','items':{'type':'record','name':'I','fields':[{'"
           "name':'b','type':'int'}]}}}"),
         R("{'name':'a','type':{'type':'array','items':{'type':'record','name':'I','fields':[{'"
           "name':'b','type':'string'}]}}}"),
         "a[].b: the reader's int can't read the writer's string"},
        {"{'type':'map','values':'int'}", "{'type':'map','values':'string'}", "{}"},
        {"{'type':'enum','name':'E','symbols':['A','B']}",
         "{'type':'enum','name':'E','symbols':['B']}", NULL},
        {"{'type':'enum','name':'E','symbols':['A']}",
         "{'type':'enum','name':'E','symbols':['A','B']}", "lacks the symbol B"},
        {"{'type':'enum','name':'E','symbols':['A'],'default':'A'}",
         "{'type':'enum','name':'E','symbols':['A','B']}", NULL},
        {"{'type':'fixed','name':'F','size':2}", "{'type':'fixed','name':'F','size':2}", NULL},
        {"{'type':'fixed','name':'F','size':2}", "{'type':'fixed','name':'F','size':3}",
         "F can't read"},
        {R("{'name':'next','type':['null','R']}"),
         R("{'name':'next','type':['null','R']},{'name':'x','type':'int'}"), NULL},
        {R("{'name':'next','type':['null','R']},{'name':'x','type':'int'}"),
         R("{'name':'next','type':['null','R']}"), "x: the reader needs it"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct schema *reader = parse(cases[i].reader), *writer = parse(cases[i].writer);
        g_autoptr(GError) error = NULL;
        bool can = schema_can_read(reader, writer, &error);
        if (can != !cases[i].reason || (!can && !strstr(error->message, cases[i].reason)))
            g_error("case %zu: expected '%s', got '%s'", i, cases[i].reason,
                    error ? error->message : "(yes)");
        schema_free(reader);
        schema_free(writer);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/schema/canonical", test_canonical);
    g_test_add_func("/schema/refused", test_refused);
    g_test_add_func("/schema/limits", test_limits);
    g_test_add_func("/schema/can_read", test_can_read);
    return g_test_run();
}
