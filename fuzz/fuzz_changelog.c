/* Records of the changelog are not trusted: any bytes are an entry or BADDATA. The input is the
 * records' values without their checksums (which are made right, so that what stands behind them is
 * reached), each behind its length as two bytes, little-endian. Where one makes an entry
 * whole, its delta and rows are read too. */
#include <stddef.h>
#include <stdint.h>

#include "stream/changelog.h"
#include "stream/checksum.h"
#include "stream/delta.h"
#include "stream/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_entry(const struct changelog_entry *entry, struct arena *arena)
{
    g_autoptr(GError) error = NULL;
    struct speed_batch rows;
    (void)delta_check(entry->delta);
    if (!rows_decode(entry->rows, arena, &rows, &error))
        g_assert(error_is(error, BADDATA));
}

/* The parts alone, without zstd before them. */
static void read_raw(struct span bytes, struct arena *arena)
{
    const struct changelog_entry entry = {.delta = bytes, .rows = bytes};
    read_entry(&entry, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct changelog_reader *reader = changelog_reader_new();
    struct arena *arena = arena_new();
    read_raw((struct span){(const char *)data, size}, arena);
    while (size >= 2) {
        size_t len = MIN((size_t)data[0] | (size_t)data[1] << 8, size - 2);
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray) value = g_byte_array_new();
        struct changelog_entry entry;
        struct chain after;
        bool whole;
        g_byte_array_append(value, data + 2, (guint)len);
        checksum_append(value, 0);
        if (!changelog_take(reader, (struct span){(const char *)value->data, value->len}, &whole,
                            &entry, &after, &error))
            g_assert(error_is(error, BADDATA));
        else if (whole)
            read_entry(&entry, arena);
        data += 2 + len;
        size -= 2 + len;
    }
    arena_free(arena);
    changelog_reader_free(reader);
    return 0;
}
