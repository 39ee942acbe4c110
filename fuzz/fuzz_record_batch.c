/* Record batches: reads one as the embedded bus does after a row whose checksum somebody forged,
 * and writes what was read again. The first byte is the number of records that the row claims. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bus/record_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct record_batch_reader reader;
    struct record_batch again = {0};
    g_autoptr(GError) error = NULL;
    bool good = record_batch_read(&reader, data + 1, size - 1, data[0], &error);
    while (good && reader.left > 0) {
        struct span key, value;
        good = record_batch_next(&reader, &key, &value, &error);
        if (good)
            record_batch_append(&again, key, value);
    }
    /* A length may be written in more bytes than it needs: what we write is never longer. */
    g_assert(good ? again.records == data[0] && again.len <= size - 1 : error_is(error, BADDATA));
    record_batch_clear(&again);
    return 0;
}
