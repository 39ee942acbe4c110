/* Proves: a report's bytes are those that report.h describes (made by hand, the CRC-32 by another
 * program); items come back in their order, with the task that they are of; what is too much for
 * one record goes on in the next, each of which can be read by itself; a title is cut, never lost;
 * any damaged byte is BADDATA. */
#include "stream/report.h"

#include <string.h>

#define TASK         3
#define WATERMARK_MS 300
#define HORIZON_MS   (-1)

struct taken {
    GString *text; /* one line an item */
    GArray *measures;
};

static bool take(const char *tag, int task, int64_t number, struct span bytes, void *user)
{
    struct taken *taken = user;
    g_string_append_printf(taken->text, "%s %d %" G_GINT64_FORMAT " %.*s\n", tag, task, number,
                           (int)bytes.len, bytes.data);
    return true;
}

static bool take_title(int task, int32_t movie_id, struct span title, void *user, GError **error)
{
    (void)error;
    return take("title", task, movie_id, title, user);
}

static bool take_live(int task, int64_t minute, struct span bytes, void *user, GError **error)
{
    (void)error;
    return take("live", task, minute, bytes, user);
}

static void taken_init(struct taken *taken)
{
    taken->text = g_string_new(NULL);
    taken->measures = g_array_new(FALSE, FALSE, sizeof(struct measure));
}

static void taken_clear(struct taken *taken)
{
    g_string_free(taken->text, TRUE);
    g_array_unref(taken->measures);
}

static bool
read_record(struct taken *taken, struct span record, struct report_head *ret_head, GError **error)
{
    const struct report_reader reader = {take_title, take_live, taken->measures, taken};
    return report_read(record, &reader, ret_head, error);
}

static struct span span_at(const GPtrArray *records, guint i)
{
    gsize len;
    const char *data = g_bytes_get_data(records->pdata[i], &len);
    return (struct span){data, len};
}

static void unref_bytes(gpointer bytes)
{
    g_bytes_unref(bytes);
}

static struct report_writer *begin(void)
{
    struct report_writer *writer = report_writer_new(REPORT_RECORD_BYTES_MIN);
    report_begin(writer, TASK, WATERMARK_MS, HORIZON_MS);
    return writer;
}

static GPtrArray *end(struct report_writer *writer)
{
    GPtrArray *records = g_ptr_array_new_with_free_func(unref_bytes);
    report_end(writer, records);
    report_writer_free(writer);
    return records;
}

static void assert_head(const struct report_head *head)
{
    g_assert_cmpint(head->task, ==, TASK);
    g_assert_cmpint(head->watermark_ms, ==, WATERMARK_MS);
    g_assert_cmpint(head->horizon_ms, ==, HORIZON_MS);
}

static void test_bytes(void)
{
    static const uint8_t expected[] = {
        1,                                            /* format */
        0x06, 0xd8, 0x04, 0x01,                       /* 3, 300, -1 as zigzag varints */
        'T',  0x0c, 0x0e, 'C',  'a', 'f', 0xc3, 0xa9, /* 6 bytes: movie 7 and its title */
        'L',  0x06, 0x03, 'x',  'y',                  /* 3 bytes: minute -2 and its own */
        0xed, 0xe0, 0x10, 0xde,                       /* Python: zlib.crc32(all before) */
    };
    struct report_writer *writer = begin();
    report_title(writer, 7, "Café");
    report_live(writer, -2, (struct span){"xy", 2});
    g_autoptr(GPtrArray) records = end(writer);
    g_assert_cmpuint(records->len, ==, 1);
    const struct span record = span_at(records, 0);
    g_assert_cmpuint(record.len, ==, sizeof expected);
    g_assert_cmpint(memcmp(record.data, expected, sizeof expected), ==, 0);
    struct taken taken;
    struct report_head head;
    taken_init(&taken);
    g_assert_true(read_record(&taken, record, &head, NULL));
    assert_head(&head);
    g_assert_cmpstr(taken.text->str, ==, "title 3 7 Café\nlive 3 -2 xy\n");
    taken_clear(&taken);
}

/* A commit with nothing to tell but how far it is. */
static void test_empty(void)
{
    g_autoptr(GPtrArray) records = end(begin());
    g_assert_cmpuint(records->len, ==, 1);
    struct taken taken;
    struct report_head head;
    taken_init(&taken);
    g_assert_true(read_record(&taken, span_at(records, 0), &head, NULL));
    assert_head(&head);
    g_assert_cmpuint(taken.text->len, ==, 0);
    taken_clear(&taken);
}

/* 1,000 measures (37,000 bytes and more) and 20 minutes of 2,000 bytes: more than four records. */
static void test_several_records(void)
{
    enum { MEASURES = 1000, MINUTES = 20, MINUTE_BYTES = 2000 };
    g_autoptr(GArray) measures = g_array_new(FALSE, TRUE, sizeof(struct measure));
    for (int32_t i = 0; i < MEASURES; i++) {
        const struct measure measure = {.window_start_ms = (int64_t)G_MAXINT32 * i,
                                        .movie_id = i % 2 ? G_MAXINT32 - i : i,
                                        .engagement = i,
                                        .velocity = 0.5,
                                        .has_acceleration = true};
        g_array_append_val(measures, measure);
    }
    struct report_writer *writer = begin();
    report_measures(writer, measures);
    char bytes[MINUTE_BYTES];
    memset(bytes, 'm', sizeof bytes);
    for (int64_t i = 0; i < MINUTES; i++)
        report_live(writer, i, (struct span){bytes, sizeof bytes});
    g_autoptr(GPtrArray) records = end(writer);
    g_assert_cmpuint(records->len, >=, 5);
    struct taken taken;
    taken_init(&taken);
    for (guint i = 0; i < records->len; i++) {
        struct report_head head;
        g_assert_cmpuint(span_at(records, i).len, <=, REPORT_RECORD_BYTES_MIN);
        g_assert_true(read_record(&taken, span_at(records, i), &head, NULL));
        assert_head(&head);
    }
    g_assert_cmpuint(taken.measures->len, ==, MEASURES);
    for (guint i = 0; i < MEASURES; i++)
        g_assert_cmpint(g_array_index(taken.measures, struct measure, i).engagement, ==, i);
    g_auto(GStrv) lines = g_strsplit(taken.text->str, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, MINUTES + 1); /* and the end */
    for (int i = 0; i < MINUTES; i++) {
        g_autofree char *start = g_strdup_printf("live 3 %d m", i);
        g_assert_true(g_str_has_prefix(lines[i], start));
        g_assert_cmpuint(strlen(lines[i]), ==, strlen(start) - 1 + MINUTE_BYTES);
    }
    taken_clear(&taken);
}

static void test_long_title(void)
{
    enum { LONG = 100000, KEPT = 4096 };
    g_autofree char *title = g_strnfill(LONG, 't');
    struct report_writer *writer = begin();
    report_title(writer, 7, title);
    g_autoptr(GPtrArray) records = end(writer);
    struct taken taken;
    struct report_head head;
    taken_init(&taken);
    g_assert_true(read_record(&taken, span_at(records, 0), &head, NULL));
    g_assert_cmpuint(taken.text->len, ==, strlen("title 3 7 \n") + KEPT);
    taken_clear(&taken);
}

/* The writer tells the next commit's report, not the last one's again. */
static void test_again(void)
{
    struct report_writer *writer = begin();
    g_autoptr(GPtrArray) first = g_ptr_array_new_with_free_func(unref_bytes);
    report_title(writer, 1, "one");
    report_end(writer, first);
    report_begin(writer, TASK + 1, WATERMARK_MS, HORIZON_MS);
    report_title(writer, 2, "two");
    g_autoptr(GPtrArray) records = end(writer);
    g_assert_cmpuint(records->len, ==, 1);
    struct taken taken;
    struct report_head head;
    taken_init(&taken);
    g_assert_true(read_record(&taken, span_at(records, 0), &head, NULL));
    g_assert_cmpint(head.task, ==, TASK + 1);
    g_assert_cmpstr(taken.text->str, ==, "title 4 2 two\n");
    taken_clear(&taken);
}

static void test_damage(void)
{
    struct report_writer *writer = begin();
    report_title(writer, 7, "Café");
    report_live(writer, -2, (struct span){"xy", 2});
    g_autoptr(GPtrArray) records = end(writer);
    const struct span record = span_at(records, 0);
    g_autofree char *bytes = g_memdup2(record.data, record.len);
    struct taken taken;
    taken_init(&taken);
    for (size_t i = 0; i <= record.len * 8; i++) {
        g_autoptr(GError) error = NULL;
        struct report_head head;
        const size_t len = i < record.len * 8 ? record.len : record.len - 1;
        if (len == record.len)
            bytes[i / 8] ^= (char)(1 << i % 8);
        g_assert_false(read_record(&taken, (struct span){bytes, len}, &head, &error));
        g_assert_true(error_is(error, BADDATA));
        if (len == record.len)
            bytes[i / 8] ^= (char)(1 << i % 8);
    }
    taken_clear(&taken);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/report/bytes", test_bytes);
    g_test_add_func("/stream/report/empty", test_empty);
    g_test_add_func("/stream/report/several_records", test_several_records);
    g_test_add_func("/stream/report/long_title", test_long_title);
    g_test_add_func("/stream/report/again", test_again);
    g_test_add_func("/stream/report/damage", test_damage);
    return g_test_run();
}
