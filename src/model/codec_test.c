/* Proves: what is decoded equals bytes written out by hand from Avro's specification (its own
 * examples among them); defaults, promotions, unions, enums and skipped fields resolve as it says;
 * and no damaged input is taken for a record. codec_avro_test.c compares with libavro. */
#include "model/codec.h"

#include <math.h>
#include <string.h>

#include "base/embedded.h"
#include "model/codec_sample.h"
#include "model/topic.h"

static struct schema *parse(const char *text)
{
    g_autofree char *json = json_quotes(text);
    g_autoptr(GError) error = NULL;
    struct schema *schema = schema_parse(json, strlen(json), &error);
    g_assert_no_error(error);
    return schema;
}

static struct schema *parse_topic(enum topic topic)
{
    size_t len;
    const char *json = embedded_text(topic_info(topic)->schema_path, &len);
    g_autoptr(GError) error = NULL;
    struct schema *schema = schema_parse(json, len, &error);
    g_assert_no_error(error);
    return schema;
}

static void assert_span(struct span span, const char *bytes, size_t len)
{
    g_assert_cmpuint(span.len, ==, len);
    g_assert_true(memcmp(span.data, bytes, len) == 0);
}

static void assert_text(struct span span, const char *text)
{
    assert_span(span, text, strlen(text));
}

static void assert_double(double value, double expected)
{
    g_assert_true(memcmp(&value, &expected, sizeof value) == 0);
}

/* Decodes bytes of a writer's schema into a sample; the text of the error where that fails. */
static char *decode_sample(
    const char *writer_text, const void *bytes, size_t len, struct arena *arena, struct sample *ret)
{
    struct schema *writer = parse(writer_text), *reader = parse(SAMPLE_SCHEMA);
    g_autoptr(GError) error = NULL;
    struct decoder *decoder = decoder_new(writer, reader, &sample_type, &error);
    if (decoder && !decoder_decode(decoder, bytes, len, arena, ret, &error))
        g_assert_nonnull(error);
    decoder_free(decoder);
    schema_free(writer);
    schema_free(reader);
    if (!error)
        return NULL;
    g_assert_true(error_is(error, BADDATA));
    return g_strdup(error->message);
}

#define WRITER(fields) "{'type':'record','name':'other.Sample','fields':[" fields "]}"

static struct sample
decode_good(const char *writer, const void *bytes, size_t len, struct arena *arena)
{
    struct sample sample;
    g_autofree char *why = decode_sample(writer, bytes, len, arena, &sample);
    g_assert_cmpstr(why, ==, NULL);
    return sample;
}

static void assert_refused(const char *writer, const void *bytes, size_t len, const char *part)
{
    struct arena *arena = arena_new();
    struct sample sample;
    g_autofree char *why = decode_sample(writer, bytes, len, arena, &sample);
    g_assert_nonnull(why);
    if (!strstr(why, part))
        g_error("expected '%s' within '%s'", part, why);
    arena_free(arena);
}

#define GOOD(fields, bytes) decode_good(WRITER(fields), (bytes), sizeof(bytes) - 1, arena)
#define REFUSED(fields, bytes, part)                                                               \
    assert_refused(WRITER(fields), (bytes), sizeof(bytes) - 1, (part))

/* A rating, byte by byte: the one record that every line of this project hangs on. */
static void test_rating_bytes(void)
{
    static const unsigned char expected[] = {
        0xb8, 0xd8, 0x49,                               /* 603676 -> zigzag 1207352 */
        0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x1e, 0x40, /* 7.6 */
        0xfe, 0x01,                                     /* 127 */
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x3f, /* 1.5 */
        0x80, 0xa0, 0xd5, 0xed, 0xee, 0x66,             /* 1767225600000 */
    };
    const struct rating rating = {.movie_id = 603676,
                                  .vote_average = 7.6,
                                  .vote_count = 127,
                                  .popularity = 1.5,
                                  .timestamp_ms = INT64_C(1767225600000)};
    struct schema *schema = parse_topic(TOPIC_RATINGS);
    g_autoptr(GError) error = NULL;
    struct encoder *encoder = encoder_new(schema, &rating_type, &error);
    g_assert_no_error(error);
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_byte_array_append(out, (const guint8 *)"before", 6);
    encoder_encode(encoder, &rating, out);
    g_assert_cmpuint(out->len, ==, 6 + sizeof expected);
    g_assert_true(memcmp(out->data, "before", 6) == 0);
    g_assert_true(memcmp(out->data + 6, expected, sizeof expected) == 0);

    struct decoder *decoder = decoder_new(schema, schema, &rating_type, &error);
    g_assert_no_error(error);
    struct arena *arena = arena_new();
    struct rating back;
    g_assert_true(decoder_decode(decoder, expected, sizeof expected, arena, &back, &error));
    g_assert_cmpint(back.movie_id, ==, rating.movie_id);
    g_assert_cmpint(back.vote_count, ==, rating.vote_count);
    g_assert_cmpint(back.timestamp_ms, ==, rating.timestamp_ms);
    assert_double(back.vote_average, rating.vote_average);
    assert_double(back.popularity, rating.popularity);

    /* Every shorter input is refused, and so is a longer one; ret_record stays as it was. */
    struct rating untouched = {.movie_id = 1};
    for (size_t len = 0; len < sizeof expected; len++) {
        g_clear_error(&error);
        g_assert_false(decoder_decode(decoder, expected, len, arena, &untouched, &error));
        g_assert_true(error_is(error, BADDATA));
    }
    unsigned char longer[sizeof expected + 1] = {0};
    memcpy(longer, expected, sizeof expected);
    g_clear_error(&error);
    g_assert_false(decoder_decode(decoder, longer, sizeof longer, arena, &untouched, &error));
    g_assert_nonnull(strstr(error->message, "1 bytes behind the record"));
    g_assert_cmpint(untouched.movie_id, ==, 1);
    arena_free(arena);
    decoder_free(decoder);
    encoder_free(encoder);
    schema_free(schema);
}

/* The specification's own table of zigzag longs, and the limits. */
static void test_varints(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        int64_t value;
    } longs[] = {
        {"\x00", 1, 0},
        {"\x01", 1, -1},
        {"\x02", 1, 1},
        {"\x03", 1, -2},
        {"\x04", 1, 2},
        {"\x7f", 1, -64},
        {"\x80\x01", 2, 64},
        {"\xfe\xff\xff\xff\x0f", 5, INT32_MAX},
        {"\xff\xff\xff\xff\x0f", 5, INT32_MIN},
        {"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, INT64_MAX},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, INT64_MIN},
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < G_N_ELEMENTS(longs); i++) {
        struct sample sample =
            decode_good(WRITER("{'name':'l','type':'long'}"), longs[i].bytes, longs[i].len, arena);
        g_assert_cmpint(sample.l, ==, longs[i].value);
        if (longs[i].len > 5)
            continue;
        sample =
            decode_good(WRITER("{'name':'i','type':'int'}"), longs[i].bytes, longs[i].len, arena);
        g_assert_cmpint(sample.i, ==, longs[i].value);
    }
    arena_free(arena);
    /* An int of 6 bytes, one beyond 32 bits; a long of 11 bytes, one beyond 64 bits. */
    REFUSED("{'name':'i','type':'int'}", "\x80\x80\x80\x80\x80\x00", "sample.i: its int");
    REFUSED("{'name':'i','type':'int'}", "\xff\xff\xff\xff\x1f", "sample.i: its int");
    REFUSED("{'name':'l','type':'int'}", "\xff\xff\xff\xff\x1f", "sample.l: its int");
    REFUSED("{'name':'l','type':'long'}", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
            "sample.l: its long");
    REFUSED("{'name':'l','type':'long'}", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            "sample.l: its long");
}

/* Fields that the writer lacks take the reader's defaults: of every kind. */
static void test_defaults(void)
{
    struct arena *arena = arena_new();
    struct sample sample = GOOD("", "");
    g_assert_cmpint(sample.i, ==, -7);
    g_assert_cmpint(sample.l, ==, INT64_C(9000000000));
    assert_double(sample.d, 0.5);
    assert_text(sample.s, "caf\xc3\xa9");
    assert_span(sample.b, "\x00\xff", 2);
    g_assert_cmpint(sample.e, ==, 1);
    g_assert_false(sample.has_oi);
    g_assert_false(sample.has_ol);
    g_assert_true(sample.has_od);
    assert_double(sample.od, 1.5);
    g_assert_true(sample.has_os);
    assert_text(sample.os, "x");
    g_assert_cmpuint(sample.strings_count, ==, 2);
    assert_text(sample.strings[0], "p");
    assert_text(sample.strings[1], "q");
    g_assert_cmpuint(sample.items_count, ==, 1);
    g_assert_cmpint(sample.items[0].id, ==, 3);
    g_assert_true(sample.items[0].has_score);
    assert_double(sample.items[0].score, 2.5);
    assert_text(sample.items[0].name, "n");
    g_assert_cmpuint(sample.items[0].tags_count, ==, 1);
    assert_text(sample.items[0].tags[0], "t");
    arena_free(arena);
}

static void test_promotions(void)
{
    struct arena *arena = arena_new();
    g_assert_cmpint(GOOD("{'name':'l','type':'int'}", "\x03").l, ==, -2);
    assert_double(GOOD("{'name':'d','type':'int'}", "\x03").d, -2);
    assert_double(GOOD("{'name':'d','type':'long'}", "\x80\x01").d, 64);
    assert_double(GOOD("{'name':'d','type':'float'}", "\x00\x00\xc0\x3f").d, 1.5);
    assert_text(GOOD("{'name':'s','type':'bytes'}", "\x06"
                                                    "foo")
                    .s,
                "foo");
    assert_text(GOOD("{'name':'b','type':'string'}", "\x06"
                                                     "foo")
                    .b,
                "foo");
    struct sample sample =
        GOOD("{'name':'strings','type':{'type':'array','items':'bytes'}}", "\x02\x06"
                                                                           "foo\x00");
    g_assert_cmpuint(sample.strings_count, ==, 1);
    assert_text(sample.strings[0], "foo");
    arena_free(arena);
    /* What doesn't promote. */
    REFUSED("{'name':'i','type':'long'}", "\x00",
            "i: the reader's int can't read the writer's long");
    REFUSED("{'name':'l','type':'double'}", "",
            "l: the reader's long can't read the writer's double");
    REFUSED("{'name':'s','type':'int'}", "\x00", "s: the reader's string can't read");
    REFUSED("{'name':'strings','type':{'type':'map','values':'string'}}", "\x00",
            "strings: the reader's array");
    REFUSED("{'name':'strings','type':{'type':'array','items':'int'}}", "\x00",
            "strings: the reader's string");
}

static void test_unions(void)
{
    struct arena *arena = arena_new();
    /* null first and null second, on both sides. */
    g_assert_false(GOOD("{'name':'oi','type':['null','int']}", "\x00").has_oi);
    g_assert_cmpint(GOOD("{'name':'oi','type':['null','int']}", "\x02\x06").oi, ==, 3);
    g_assert_true(GOOD("{'name':'oi','type':['null','int']}", "\x02\x06").has_oi);
    g_assert_false(GOOD("{'name':'oi','type':['int','null']}", "\x02").has_oi);
    g_assert_cmpint(GOOD("{'name':'oi','type':['int','null']}", "\x00\x06").oi, ==, 3);
    g_assert_false(GOOD("{'name':'od','type':['null','double']}", "\x00").has_od);
    /* Only the reader's is a union; only the writer's is. */
    g_assert_cmpint(GOOD("{'name':'oi','type':'int'}", "\x06").oi, ==, 3);
    g_assert_true(GOOD("{'name':'oi','type':'int'}", "\x06").has_oi);
    g_assert_false(GOOD("{'name':'oi','type':'null'}", "").has_oi);
    g_assert_cmpint(GOOD("{'name':'i','type':['null','int']}", "\x02\x06").i, ==, 3);
    REFUSED("{'name':'i','type':['null','int']}", "\x00", "sample.i: the writer's null came");
    /* Branches promote one by one; one that can't be read is refused when it comes. */
    assert_double(GOOD("{'name':'od','type':['string','null','int','float']}", "\x04\x06").od, 3);
    assert_double(
        GOOD("{'name':'od','type':['string','null','int','float']}", "\x06\x00\x00\xc0\x3f").od,
        1.5);
    g_assert_false(GOOD("{'name':'od','type':['string','null','int','float']}", "\x02").has_od);
    REFUSED("{'name':'od','type':['string','null','int','float']}", "\x00\x02x",
            "sample.od: the writer's string came");
    REFUSED("{'name':'oi','type':['null','int']}", "\x04", "no such branch");
    REFUSED("{'name':'oi','type':['null','int']}", "\x01", "no such branch");
    REFUSED("{'name':'oi','type':['string','bytes']}", "\x00\x00",
            "oi: the reader's int can't read the writer's union");
    arena_free(arena);
}

static void test_enums(void)
{
#define ENUM(symbols) "{'name':'e','type':{'type':'enum','name':'else.E','symbols':[" symbols "]}}"
    struct arena *arena = arena_new();
    g_assert_cmpint(GOOD(ENUM("'A','B','C'"), "\x02").e, ==, 1);
    g_assert_cmpint(GOOD(ENUM("'C','A'"), "\x02").e, ==, 0);   /* by symbol, not by index */
    g_assert_cmpint(GOOD(ENUM("'A','NEW'"), "\x02").e, ==, 2); /* the reader's default */
    arena_free(arena);
    REFUSED(ENUM("'A','B'"), "\x04", "no such symbol");
    REFUSED(ENUM("'A','B'"), "\x01", "no such symbol");
    REFUSED("{'name':'e','type':{'type':'enum','name':'F','symbols':['A']}}", "\x00",
            "e: the reader's enum");

    /* Without a default an unknown symbol is an error of its record only. */
    struct schema *writer =
        parse("{'type':'record','name':'UserEvent','fields':[{'name':'event_id','type':'string'},"
              "{'name':'user_id','type':'long'},{'name':'movie_id','type':'int'},"
              "{'name':'event_type','type':{'type':'enum','name':'EventType','symbols':['share','"
              "poke']}},"
              "{'name':'timestamp','type':'long'}]}");
    struct schema *reader = parse_topic(TOPIC_EVENTS);
    g_autoptr(GError) error = NULL;
    struct decoder *decoder = decoder_new(writer, reader, &user_event_type, &error);
    g_assert_no_error(error);
    struct user_event event;
    arena = arena_new();
    g_assert_true(decoder_decode(decoder, "\x02x\x02\x04\x00\x06", 6, arena, &event, &error));
    g_assert_cmpint(event.event_type, ==, EVENT_SHARE);
    g_assert_false(event.has_rating);
    g_assert_cmpint(event.timestamp_ms, ==, 3);
    g_assert_false(decoder_decode(decoder, "\x02x\x02\x04\x02\x06", 6, arena, &event, &error));
    g_assert_cmpstr(error->message, ==,
                    "user_event.event_type: the reader's enum lacks the symbol and has no default");
    arena_free(arena);
    decoder_free(decoder);
    schema_free(writer);
    schema_free(reader);
}

/* What only the writer knows is skipped, whatever it is, and the field behind it is right. */
static void test_skips(void)
{
#define BEHIND ",{'name':'i','type':'int'}"
    struct arena *arena = arena_new();
    g_assert_cmpint(GOOD("{'name':'x','type':'null'}" BEHIND, "\x06").i, ==, 3);
    g_assert_cmpint(GOOD("{'name':'x','type':'boolean'}" BEHIND, "\x01\x06").i, ==, 3);
    g_assert_cmpint(GOOD("{'name':'x','type':'long'}" BEHIND, "\xff\x01\x06").i, ==, 3);
    g_assert_cmpint(GOOD("{'name':'x','type':'float'}" BEHIND, "1234\x06").i, ==, 3);
    g_assert_cmpint(GOOD("{'name':'x','type':'double'}" BEHIND, "12345678\x06").i, ==, 3);
    g_assert_cmpint(GOOD("{'name':'x','type':'bytes'}" BEHIND, "\x04"
                                                               "12\x06")
                        .i,
                    ==, 3);
    g_assert_cmpint(
        GOOD("{'name':'x','type':{'type':'fixed','name':'F','size':3}}" BEHIND, "123\x06").i, ==,
        3);
    g_assert_cmpint(GOOD("{'name':'x','type':['null','string']}" BEHIND, "\x02\x04"
                                                                         "12\x06")
                        .i,
                    ==, 3);
    /* A map of arrays: {"k": [1, 2]}, in a block without and with its size in bytes. */
#define MAP "{'name':'x','type':{'type':'map','values':{'type':'array','items':'int'}}}"
    g_assert_cmpint(GOOD(MAP BEHIND, "\x02\x02k\x04\x02\x04\x00\x00\x06").i, ==, 3);
    g_assert_cmpint(GOOD(MAP BEHIND, "\x01\x0c\x02k\x04\x02\x04\x00\x00\x06").i, ==, 3);
    /* A record that holds itself: 3 deep. */
#define LIST                                                                                       \
    "{'name':'x','type':{'type':'record','name':'L','fields':[{'name':'next','type':['null','L']}" \
    "]}}"
    g_assert_cmpint(GOOD(LIST BEHIND, "\x02\x02\x00\x06").i, ==, 3);
    arena_free(arena);
    REFUSED(
        LIST BEHIND,
        "\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02"
        "\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x00\x06",
        "nested more than 32 deep");
    REFUSED(MAP BEHIND, "\x01\x80\x01\x02k",
            "sample.x: it can't be skipped"); /* a block longer than the input */
    REFUSED("{'name':'x','type':['null','string']}" BEHIND, "\x08\x06", "sample.x");
    REFUSED("{'name':'x','type':'bytes'}" BEHIND, "\x01\x06", "sample.x"); /* a negative length */
    REFUSED("{'name':'x','type':'bytes'}" BEHIND, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            "sample.x");
}

/* Arrays in several blocks, with and without byte sizes; counts are only claims. */
static void test_arrays(void)
{
#define STRINGS "{'name':'strings','type':{'type':'array','items':'string'}}"
    struct arena *arena = arena_new();
    struct sample sample = GOOD(STRINGS, "\x02\x02"
                                         "a\x03\x08\x02"
                                         "b\x02"
                                         "c\x00");
    g_assert_cmpuint(sample.strings_count, ==, 3);
    assert_text(sample.strings[0], "a");
    assert_text(sample.strings[1], "b");
    assert_text(sample.strings[2], "c");
    g_assert_cmpuint(GOOD(STRINGS, "\x00").strings_count, ==, 0);
    REFUSED(STRINGS,
            "\x02\x02"
            "a",
            "sample.strings: its bytes are cut short");
    REFUSED(STRINGS, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            "sample.strings"); /* a count of INT64_MIN */
    REFUSED(STRINGS, "\x80\x80\x80\x01", "more than 65536 items");
    /* Items without bytes cost nothing to write, so their number is limited: 2 x 40,000. */
#define NOTHINGS "{'name':'x','type':{'type':'array','items':'null'}}"
    g_assert_cmpint(GOOD(NOTHINGS BEHIND, "\x80\xf1\x04\x00\x06").i, ==, 3);
    REFUSED(NOTHINGS BEHIND, "\x80\xf1\x04\x80\xf1\x04\x00\x06", "more than 65536 items");

    /* Records within an array resolve by the same rules: reordered, one field more, one less. */
    sample = GOOD(
        "{'name':'items','type':{'type':'array','items':{'type':'record','name':'z.Item','fields':["
        "{'name':'more','type':'string'},{'name':'score','type':'int'},{'name':'id','type':'int'}]}"
        "}}",
        "\x04\x02x\x02\x0a\x02y\x04\x0c\x00");
    g_assert_cmpuint(sample.items_count, ==, 2);
    g_assert_cmpint(sample.items[1].id, ==, 6);
    g_assert_true(sample.items[1].has_score);
    assert_double(sample.items[1].score, 2);
    g_assert_cmpuint(sample.items[1].name.len, ==, 0);
    g_assert_cmpuint(sample.items[1].tags_count, ==, 0);
    REFUSED("{'name':'items','type':{'type':'array','items':{'type':'record','name':'Other','"
            "fields':[]}}}",
            "\x00", "items");
    REFUSED("{'name':'items','type':{'type':'array','items':{'type':'record','name':'Item','fields'"
            ":[]}}}",
            "\x00", "id: the writer lacks it");
    arena_free(arena);
}

static void test_strings(void)
{
    struct arena *arena = arena_new();
    assert_span(GOOD("{'name':'s','type':'string'}", "\x06"
                                                     "a\0b")
                    .s,
                "a\0b", 3); /* U+0000 may stand in it */
    assert_span(GOOD("{'name':'s','type':'string'}", "\x04\0\0").s, "\0\0", 2);
    assert_span(GOOD("{'name':'b','type':'bytes'}", "\x04\xff\xfe").b, "\xff\xfe", 2);
    arena_free(arena);
    REFUSED("{'name':'s','type':'string'}", "\x04\xff\xfe", "sample.s: its string isn't UTF-8");
    REFUSED("{'name':'s','type':'string'}",
            "\x06"
            "a\0\xc3",
            "sample.s: its string isn't UTF-8");
    REFUSED("{'name':'s','type':'bytes'}", "\x02\xff", "sample.s: its string isn't UTF-8");
    REFUSED("{'name':'s','type':'string'}", "\x06\xed\xa0\x80", "UTF-8"); /* a surrogate */
    REFUSED("{'name':'strings','type':{'type':'array','items':'string'}}", "\x02\x02\xff\x00",
            "sample.strings");
}

/* Struct and reader's schema must go together; that is our mistake, so FAILED. */
static void test_struct_mismatch(void)
{
    static const char *const readers[] = {
        "{'type':'record','name':'MovieRating','fields':[]}",
        "{'type':'record','name':'R','fields':[{'name':'movie_id','type':'long'},{'name':'vote_"
        "average','type':'double'},"
        "{'name':'vote_count','type':'int'},{'name':'popularity','type':'double'},{'name':'"
        "timestamp','type':'long'}]}",
        "{'type':'record','name':'R','fields':[{'name':'movie_id','type':'int'},{'name':'vote_"
        "average','type':'double'},"
        "{'name':'vote_count','type':'int'},{'name':'popularity','type':'double'},{'name':'"
        "timestamp','type':'long'},"
        "{'name':'more','type':'long'}]}",
        "'int'",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(readers); i++) {
        struct schema *schema = parse(readers[i]);
        GError *error = NULL;
        g_assert_null(decoder_new(schema, schema, &rating_type, &error));
        g_assert_true(error_is(error, FAILED));
        g_clear_error(&error);
        g_assert_null(encoder_new(schema, &rating_type, &error));
        g_assert_true(error_is(error, FAILED));
        g_clear_error(&error);
        schema_free(schema);
    }
    struct schema *reader = parse_topic(TOPIC_RATINGS), *writer = parse_topic(TOPIC_REVIEWS);
    g_autoptr(GError) error = NULL;
    g_assert_null(decoder_new(writer, reader, &rating_type, &error));
    g_assert_true(error_is(error, BADDATA));
    schema_free(reader);
    schema_free(writer);
}

/* Every contract goes with its struct. */
static void test_contracts(void)
{
    for (int i = 0; i < TOPIC_COUNT; i++) {
        struct schema *schema = parse_topic((enum topic)i);
        const struct record_type *type = topic_info((enum topic)i)->type;
        g_autoptr(GError) error = NULL;
        struct encoder *encoder = encoder_new(schema, type, &error);
        g_assert_no_error(error);
        struct decoder *decoder = decoder_new(schema, schema, type, &error);
        g_assert_no_error(error);
        encoder_free(encoder);
        decoder_free(decoder);
        schema_free(schema);
    }
}

static void test_json(void)
{
    struct arena *arena = arena_new();
    struct sample sample = GOOD("", "");
    sample.s = (struct span){"\"\\\n\x01z", 5};
    sample.d = NAN;
    struct schema *schema = parse(SAMPLE_SCHEMA);
    g_autoptr(GString) out = g_string_new("> ");
    record_to_json(&sample_type, schema, &sample, out);
    g_autofree char *expected =
        json_quotes("> "
                    "{'i':-7,'l':9000000000,'d':null,'s':'\\\"\\\\\\u000a\\u0001z','b':'AP8=','e':'"
                    "B','oi':null,'ol':null,"
                    "'od':1.5,'os':'x','strings':['p','q'],'items':[{'id':3,'score':2.5,'name':'n',"
                    "'tags':['t']}]}");
    g_assert_cmpstr(out->str, ==, expected);
    schema_free(schema);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/codec/rating_bytes", test_rating_bytes);
    g_test_add_func("/codec/varints", test_varints);
    g_test_add_func("/codec/defaults", test_defaults);
    g_test_add_func("/codec/promotions", test_promotions);
    g_test_add_func("/codec/unions", test_unions);
    g_test_add_func("/codec/enums", test_enums);
    g_test_add_func("/codec/skips", test_skips);
    g_test_add_func("/codec/arrays", test_arrays);
    g_test_add_func("/codec/strings", test_strings);
    g_test_add_func("/codec/struct_mismatch", test_struct_mismatch);
    g_test_add_func("/codec/contracts", test_contracts);
    g_test_add_func("/codec/json", test_json);
    return g_test_run();
}
