/* Stored state of the stream engine: bins, hours of a movie, lists of measures. The checksum is
 * made right, so that what stands behind it is reached; what decodes is encoded again and must
 * decode to the same. */
#include <assert.h>
#include <string.h>

#include "stream/bin.h"
#include "stream/checksum.h"
#include "stream/measure.h"
#include "stream/movie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_bin(enum bin_kind kind, struct span bytes)
{
    struct bin *bin = bin_decode(kind, 0, bytes, NULL);
    if (!bin)
        return;
    g_autoptr(GByteArray) again = g_byte_array_new();
    bin_encode(bin, again);
    struct bin *same = bin_decode(kind, 0, (struct span){(char *)again->data, again->len}, NULL);
    assert(same && same->count == bin->count);
    bin_free(same);
    bin_free(bin);
}

static void try_measures(struct span bytes)
{
    g_autoptr(GArray) measures = g_array_new(FALSE, FALSE, sizeof(struct measure));
    if (!measure_decode(bytes, measures, NULL))
        return;
    g_autoptr(GByteArray) again = g_byte_array_new();
    measure_encode((const struct measure *)measures->data, measures->len, again);
    guint count = measures->len;
    g_array_set_size(measures, 0);
    bool decoded = measure_decode((struct span){(char *)again->data, again->len}, measures, NULL);
    assert(decoded && measures->len == count);
}

/* The first byte chooses what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 65536)
        return 0;
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_byte_array_append(bytes, data + 1, (guint)size - 1);
    checksum_append(bytes, 0);
    struct span stored = {(char *)bytes->data, bytes->len};
    switch (data[0] % 5) {
    case 0:
    case 1:
    case 2:
        try_bin((enum bin_kind)(data[0] % 5), stored);
        break;
    case 3:
        try_measures(stored);
        break;
    default: {
        struct movie *movie = movie_new(1);
        if (!movie_decode_hours(movie, stored, NULL)) { /* half filled sets are freed */
        }
        movie_free(movie);
    }
    }
    return 0;
}
