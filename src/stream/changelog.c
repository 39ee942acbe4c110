#include "stream/changelog.h"

#include <assert.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>

#include "model/varint.h"
#include "stream/checksum.h"

#define FORMAT     1
#define MAGIC      "MQC"
#define MAGIC_LEN  3
#define ZSTD_LEVEL 1
/* Room that is made for compressed bytes at once. */
#define PACKED_STEP_BYTES (64 * 1024)
/* Of a writer's buffer, kept between entries. */
#define PACKED_KEPT_BYTES (1024 * 1024)

static uint32_t digest_of(uint32_t before, const void *bytes, size_t len)
{
    return (uint32_t)crc32(before, bytes, (uInt)len);
}

/* What stands before the piece. */
struct head {
    int64_t task, number, digest, part, parts, entry_bytes;
};

struct changelog_writer {
    ZSTD_CCtx *zstd;
    GByteArray *packed;
};

struct changelog_reader {
    ZSTD_DCtx *zstd;
    GByteArray *packed, *entry;
    struct head head; /* of the last record */
    bool within;      /* more parts are to come */
};

/* ---- writing ---- */

struct changelog_writer *changelog_writer_new(void)
{
    struct changelog_writer *writer = g_new0(struct changelog_writer, 1);
    writer->zstd = ZSTD_createCCtx();
    g_assert(writer->zstd);
    writer->packed = g_byte_array_new();
    return writer;
}

void changelog_writer_free(struct changelog_writer *writer)
{
    if (!writer)
        return;
    ZSTD_freeCCtx(writer->zstd);
    g_byte_array_unref(writer->packed);
    g_free(writer);
}

/* The entry's pieces one behind the other: its head (the length of the delta), delta, rows. */
#define PIECES 3

/* Into writer->packed, which is only as large as what it becomes. */
static void
pack_pieces(struct changelog_writer *writer, const struct span pieces[PIECES], size_t entry_bytes)
{
    ZSTD_CCtx_reset(writer->zstd, ZSTD_reset_session_and_parameters);
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    ZSTD_CCtx_setPledgedSrcSize(writer->zstd, entry_bytes); /* the reader looks at it */
    g_byte_array_set_size(writer->packed, 0);
    for (int i = 0; i < PIECES; i++) {
        ZSTD_inBuffer in = {pieces[i].data, pieces[i].len, 0};
        const bool last = i == PIECES - 1;
        for (bool more = true; more;) {
            const guint at = writer->packed->len;
            g_byte_array_set_size(writer->packed, at + PACKED_STEP_BYTES);
            ZSTD_outBuffer out = {writer->packed->data + at, PACKED_STEP_BYTES, 0};
            size_t left =
                ZSTD_compressStream2(writer->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
            g_assert(!ZSTD_isError(left));
            g_byte_array_set_size(writer->packed, at + (guint)out.pos);
            more = last ? left > 0 : in.pos < in.size;
        }
    }
}

static bool pack(struct changelog_writer *writer,
                 const struct changelog_entry *entry,
                 size_t *ret_bytes,
                 uint32_t *ret_digest,
                 GError **error)
{
    uint8_t head[VARINT_LONG_BYTES_MAX];
    const struct span pieces[PIECES] = {
        {(const char *)head, (size_t)(varint_write(head, (int64_t)entry->delta.len) - head)},
        entry->delta,
        entry->rows,
    };
    size_t bytes = 0;
    uint32_t digest = entry->before.digest;
    for (int i = 0; i < PIECES; i++)
        bytes += pieces[i].len;
    if (bytes > CHANGELOG_ENTRY_BYTES_MAX) {
        error_set(
            error, BADDATA,
            "task %d: a commit of %zu bytes is more than a changelog entry holds (%zu): lower "
            "stream.commit_records",
            entry->task, bytes, CHANGELOG_ENTRY_BYTES_MAX);
        return false;
    }
    for (int i = 0; i < PIECES; i++) {
        if (pieces[i].len > 0) /* crc32 of NULL is that of nothing */
            digest = digest_of(digest, pieces[i].data, pieces[i].len);
    }
    pack_pieces(writer, pieces, bytes);
    *ret_bytes = bytes;
    *ret_digest = digest;
    return true;
}

static struct span
put_record(const struct head *head, const uint8_t *piece, size_t len, struct arena *arena)
{
    uint8_t *record = arena_alloc(arena, CHANGELOG_HEAD_BYTES_MAX + len), *to = record;
    memcpy(to, MAGIC, MAGIC_LEN);
    to += MAGIC_LEN;
    *to++ = FORMAT;
    to = varint_write(to, head->task);
    to = varint_write(to, head->number);
    to = varint_write(to, head->digest);
    to = varint_write(to, head->part);
    to = varint_write(to, head->parts);
    to = varint_write(to, head->entry_bytes);
    memcpy(to, piece, len);
    to = checksum_write(record, to + len);
    return (struct span){(const char *)record, (size_t)(to - record)};
}

bool changelog_encode(struct changelog_writer *writer,
                      const struct changelog_entry *entry,
                      size_t record_bytes_max,
                      struct arena *arena,
                      struct span **ret_values,
                      size_t *ret_count,
                      struct chain *ret_after,
                      GError **error)
{
    assert(record_bytes_max > CHANGELOG_HEAD_BYTES_MAX);
    size_t entry_bytes;
    uint32_t digest;
    if (!pack(writer, entry, &entry_bytes, &digest, error))
        return false;
    const size_t piece_max = record_bytes_max - CHANGELOG_HEAD_BYTES_MAX;
    const size_t parts = MAX((writer->packed->len + piece_max - 1) / piece_max, 1);
    if (parts > CHANGELOG_PARTS_MAX) {
        error_set(error, BADDATA,
                  "task %d: a commit needs %zu records of bus.record_max, %d at most", entry->task,
                  parts, CHANGELOG_PARTS_MAX);
        return false;
    }
    struct head head = {
        .task = entry->task,
        .number = entry->before.commits,
        .digest = entry->before.digest,
        .parts = (int64_t)parts,
        .entry_bytes = (int64_t)entry_bytes,
    };
    struct span *values = arena_array(arena, struct span, parts);
    for (size_t i = 0; i < parts; i++) {
        size_t from = i * piece_max, len = MIN(writer->packed->len - from, piece_max);
        head.part = (int64_t)i;
        values[i] = put_record(&head, writer->packed->data + from, len, arena);
    }
    *ret_values = values;
    *ret_count = parts;
    *ret_after = (struct chain){entry->before.commits + 1, digest};
    if (writer->packed->len > PACKED_KEPT_BYTES)
        g_free(g_byte_array_steal(writer->packed, NULL));
    return true;
}

/* ---- reading ---- */

struct changelog_reader *changelog_reader_new(void)
{
    struct changelog_reader *reader = g_new0(struct changelog_reader, 1);
    reader->zstd = ZSTD_createDCtx();
    g_assert(reader->zstd);
    reader->packed = g_byte_array_new();
    reader->entry = g_byte_array_new();
    return reader;
}

void changelog_reader_free(struct changelog_reader *reader)
{
    if (!reader)
        return;
    ZSTD_freeDCtx(reader->zstd);
    g_byte_array_unref(reader->packed);
    g_byte_array_unref(reader->entry);
    g_free(reader);
}

static bool take_head(struct span value, struct head *head, struct span *ret_piece)
{
    struct span content;
    if (!checksum_strip(value, &content) || content.len < MAGIC_LEN + 1 ||
        memcmp(content.data, MAGIC, MAGIC_LEN) != 0 || content.data[MAGIC_LEN] != FORMAT)
        return false;
    const unsigned char *at = (const unsigned char *)content.data + MAGIC_LEN + 1;
    const unsigned char *end = (const unsigned char *)content.data + content.len;
    if (!varint_read_long(&at, end, &head->task) || !varint_read_long(&at, end, &head->number) ||
        !varint_read_long(&at, end, &head->digest) || !varint_read_long(&at, end, &head->part) ||
        !varint_read_long(&at, end, &head->parts) ||
        !varint_read_long(&at, end, &head->entry_bytes))
        return false;
    *ret_piece = (struct span){(const char *)at, (size_t)(end - at)};
    return head->task >= 0 && head->task <= INT32_MAX && head->number >= 0 && head->digest >= 0 &&
           head->digest <= UINT32_MAX && head->parts > 0 && head->parts <= CHANGELOG_PARTS_MAX &&
           head->part >= 0 && head->part < head->parts && head->entry_bytes >= 0 &&
           (size_t)head->entry_bytes <= CHANGELOG_ENTRY_BYTES_MAX;
}

/* The part behind the last one, or an entry's first. */
static bool follows(const struct changelog_reader *reader, const struct head *head)
{
    const struct head *last = &reader->head;
    if (head->part == 0)
        return true;
    return reader->within && head->part == last->part + 1 && head->task == last->task &&
           head->number == last->number && head->digest == last->digest &&
           head->parts == last->parts && head->entry_bytes == last->entry_bytes;
}

static bool unpack(struct changelog_reader *reader, struct changelog_entry *entry)
{
    const struct head *head = &reader->head;
    int64_t delta_len;
    /* The frame says its size: a claim that doesn't fit makes no room. */
    if (ZSTD_getFrameContentSize(reader->packed->data, reader->packed->len) !=
        (unsigned long long)head->entry_bytes)
        return false;
    g_byte_array_set_size(reader->entry, (guint)head->entry_bytes);
    size_t len = ZSTD_decompressDCtx(reader->zstd, reader->entry->data, reader->entry->len,
                                     reader->packed->data, reader->packed->len);
    if (ZSTD_isError(len) || len != (size_t)head->entry_bytes)
        return false;
    const unsigned char *at = reader->entry->data, *end = at + len;
    if (!varint_read_long(&at, end, &delta_len) || delta_len < 0 || delta_len > end - at)
        return false;
    *entry = (struct changelog_entry){
        .task = (int)head->task,
        .before = {head->number, (uint32_t)head->digest},
        .delta = {(const char *)at, (size_t)delta_len},
        .rows = {(const char *)at + delta_len, (size_t)(end - at - delta_len)},
    };
    return true;
}

bool changelog_take(struct changelog_reader *reader,
                    struct span value,
                    bool *ret_whole,
                    struct changelog_entry *ret_entry,
                    struct chain *ret_after,
                    GError **error)
{
    struct head head = {0};
    struct span piece;
    if (!take_head(value, &head, &piece)) {
        error_set(error, BADDATA, "a record of the changelog is damaged");
        return false;
    }
    if (!follows(reader, &head)) {
        error_set(error, BADDATA,
                  "part %" G_GINT64_FORMAT " of entry %" G_GINT64_FORMAT
                  " stands in the changelog where another was expected",
                  head.part, head.number);
        return false;
    }
    if (head.part == 0)
        g_byte_array_set_size(reader->packed, 0);
    g_byte_array_append(reader->packed, (const guint8 *)piece.data, (guint)piece.len);
    reader->head = head;
    reader->within = head.part + 1 < head.parts;
    *ret_whole = !reader->within;
    if (reader->within)
        return true;
    struct changelog_entry entry;
    if (!unpack(reader, &entry)) {
        error_set(error, BADDATA, "entry %" G_GINT64_FORMAT " of the changelog is damaged",
                  head.number);
        return false;
    }
    *ret_entry = entry;
    *ret_after = (struct chain){
        head.number + 1, digest_of((uint32_t)head.digest, reader->entry->data, reader->entry->len)};
    return true;
}
