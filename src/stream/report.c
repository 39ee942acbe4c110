#include "stream/report.h"

#include <string.h>

#include "model/varint.h"
#include "stream/checksum.h"

#define FORMAT         1
#define TAG_MEASURES   'M'
#define TAG_TITLE      'T'
#define TAG_LIVE       'L'
#define HEAD_BYTES_MAX (1 + 3 * VARINT_LONG_BYTES_MAX)
#define ITEM_HEAD_MAX  (1 + 2 * VARINT_LONG_BYTES_MAX)
/* A measure has at most so many bytes (measure.c), and the list a few more. */
#define MEASURE_BYTES_MAX 54
#define MEASURES_OTHER    64
#define TITLE_BYTES_MAX   4096

struct report_writer {
    size_t record_bytes_max;
    int task;
    int64_t watermark_ms, horizon_ms;
    GByteArray *record, *item;
    bool begun; /* the record has its head */
    GPtrArray *done;
};

static void bytes_unref(gpointer bytes)
{
    g_bytes_unref(bytes);
}

struct report_writer *report_writer_new(size_t record_bytes_max)
{
    struct report_writer *writer = g_new0(struct report_writer, 1);
    g_assert(record_bytes_max >= REPORT_RECORD_BYTES_MIN);
    writer->record_bytes_max = record_bytes_max;
    writer->record = g_byte_array_new();
    writer->item = g_byte_array_new();
    writer->done = g_ptr_array_new_with_free_func(bytes_unref);
    return writer;
}

void report_writer_free(struct report_writer *writer)
{
    if (!writer)
        return;
    g_byte_array_unref(writer->record);
    g_byte_array_unref(writer->item);
    g_ptr_array_unref(writer->done);
    g_free(writer);
}

static void begin_record(struct report_writer *writer)
{
    uint8_t head[HEAD_BYTES_MAX], *to = head;
    *to++ = FORMAT;
    to = varint_write(to, writer->task);
    to = varint_write(to, writer->watermark_ms);
    to = varint_write(to, writer->horizon_ms);
    g_byte_array_set_size(writer->record, 0);
    g_byte_array_append(writer->record, head, (guint)(to - head));
    writer->begun = true;
}

static void end_record(struct report_writer *writer)
{
    checksum_append(writer->record, 0);
    g_ptr_array_add(writer->done, g_bytes_new(writer->record->data, writer->record->len));
    writer->begun = false;
}

/* writer->item, into this record or the next. */
static void add_item(struct report_writer *writer, uint8_t tag)
{
    if (writer->begun && writer->record->len + ITEM_HEAD_MAX + writer->item->len + CHECKSUM_BYTES >
                             writer->record_bytes_max)
        end_record(writer);
    if (!writer->begun)
        begin_record(writer);
    uint8_t head[ITEM_HEAD_MAX] = {tag};
    uint8_t *to = varint_write(head + 1, writer->item->len);
    g_byte_array_append(writer->record, head, (guint)(to - head));
    g_byte_array_append(writer->record, writer->item->data, writer->item->len);
}

void report_begin(struct report_writer *writer, int task, int64_t watermark_ms, int64_t horizon_ms)
{
    writer->task = task;
    writer->watermark_ms = watermark_ms;
    writer->horizon_ms = horizon_ms;
    g_ptr_array_set_size(writer->done, 0);
    begin_record(writer);
}

void report_measures(struct report_writer *writer, const GArray *measures)
{
    const size_t room = writer->record_bytes_max - HEAD_BYTES_MAX - ITEM_HEAD_MAX - MEASURES_OTHER;
    const size_t list_max = room / MEASURE_BYTES_MAX;
    const struct measure *all = (const struct measure *)measures->data;
    for (size_t from = 0; from < measures->len; from += list_max) {
        g_byte_array_set_size(writer->item, 0);
        measure_encode(all + from, MIN(measures->len - from, list_max), writer->item);
        add_item(writer, TAG_MEASURES);
    }
}

static void set_item(struct report_writer *writer, int64_t number, struct span bytes)
{
    uint8_t head[VARINT_LONG_BYTES_MAX];
    g_byte_array_set_size(writer->item, 0);
    g_byte_array_append(writer->item, head, (guint)(varint_write(head, number) - head));
    g_byte_array_append(writer->item, (const guint8 *)bytes.data, (guint)bytes.len);
}

void report_title(struct report_writer *writer, int32_t movie_id, const char *title)
{
    set_item(writer, movie_id, (struct span){title, strnlen(title, TITLE_BYTES_MAX)});
    add_item(writer, TAG_TITLE);
}

void report_live(struct report_writer *writer, int64_t minute, struct span bytes)
{
    set_item(writer, minute, bytes);
    add_item(writer, TAG_LIVE);
}

void report_end(struct report_writer *writer, GPtrArray *records)
{
    if (writer->begun)
        end_record(writer);
    for (guint i = 0; i < writer->done->len; i++)
        g_ptr_array_add(records, g_bytes_ref(writer->done->pdata[i]));
    g_ptr_array_set_size(writer->done, 0);
}

/* ---- reading ---- */

static bool damaged(GError **error)
{
    error_set(error, BADDATA, "a task's report is damaged");
    return false;
}

static bool take_item(
    const struct report_reader *reader, int task, uint8_t tag, struct span item, GError **error)
{
    if (tag == TAG_MEASURES)
        return measure_decode(item, reader->measures, error);
    const unsigned char *at = (const unsigned char *)item.data, *end = at + item.len;
    int64_t number;
    if (!varint_read_long(&at, end, &number))
        return damaged(error);
    const struct span bytes = {(const char *)at, (size_t)(end - at)};
    if (tag == TAG_LIVE)
        return reader->live(task, number, bytes, reader->user, error);
    if (tag == TAG_TITLE && number >= INT32_MIN && number <= INT32_MAX)
        return reader->title(task, (int32_t)number, bytes, reader->user, error);
    return damaged(error);
}

bool report_read(struct span record,
                 const struct report_reader *reader,
                 struct report_head *ret_head,
                 GError **error)
{
    struct span content;
    int64_t task, watermark_ms, horizon_ms, len;
    if (!checksum_strip(record, &content) || content.len == 0 || content.data[0] != FORMAT)
        return damaged(error);
    const unsigned char *at = (const unsigned char *)content.data + 1;
    const unsigned char *end = (const unsigned char *)content.data + content.len;
    if (!varint_read_long(&at, end, &task) || !varint_read_long(&at, end, &watermark_ms) ||
        !varint_read_long(&at, end, &horizon_ms) || task < 0 || task > INT32_MAX)
        return damaged(error);
    while (at < end) {
        const uint8_t tag = *at++;
        if (!varint_read_long(&at, end, &len) || len < 0 || len > end - at)
            return damaged(error);
        if (!take_item(reader, (int)task, tag, (struct span){(const char *)at, (size_t)len}, error))
            return false;
        at += len;
    }
    *ret_head = (struct report_head){(int)task, watermark_ms, horizon_ms};
    return true;
}
