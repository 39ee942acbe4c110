/* block_plain.c: block_scan without SIMD, for block_test.c. */
#define MARQUEE_NO_SIMD
#include "sentiment/block.h"

struct block block_scan_plain(const unsigned char *at);

struct block block_scan_plain(const unsigned char *at)
{
    return block_scan(at);
}
