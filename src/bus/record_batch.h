/* Record batch: the records of one produce call and partition as bytes, for one row of the embedded
 * bus.
 *
 *   version (1 byte, RECORD_BATCH_VERSION)
 *   per record: key length, key, value length, value
 *
 * Lengths are unsigned LEB128 (7 bits a byte, low bits first, at most RECORD_BATCH_VARINT_BYTES).
 * Offsets, the number of records and the append time stand in the row; record_batch_crc covers them
 * too, so a row that was moved or altered anywhere is noticed. Reading trusts nothing: every length
 * is checked against what is left. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/record.h"

#define RECORD_BATCH_VERSION      1
#define RECORD_BATCH_VARINT_BYTES 5
#define RECORD_BATCH_LENGTH_MAX   ((uint64_t)UINT32_MAX)

/* Writer: all zero is an empty one; its memory stays for the next batch. */
struct record_batch {
    unsigned char *bytes;
    size_t len, capacity;
    uint32_t records;
};

void record_batch_append(struct record_batch *batch, struct span key, struct span value);
void record_batch_reset(struct record_batch *batch);
void record_batch_clear(struct record_batch *batch); /* frees its memory */

struct record_batch_row {
    int32_t partition;
    int64_t base_offset, records, append_time_ms;
};

/* CRC-32 (zlib's) of the row's numbers, each as 8 bytes little-endian, then the bytes. */
uint32_t record_batch_crc(const struct record_batch_row *row, const void *bytes, size_t len);

struct record_batch_reader {
    const unsigned char *at, *end;
    int64_t left; /* records */
};

/* BADDATA: another version, or more records than the bytes can hold. */
bool record_batch_read(struct record_batch_reader *reader,
                       const void *bytes,
                       size_t len,
                       int64_t records,
                       GError **error) MUST_CHECK;

/* The next of the records (asserted: left > 0). The spans point into the bytes. BADDATA: a length
 * passes the end, or bytes remain behind the last record. */
bool record_batch_next(struct record_batch_reader *reader,
                       struct span *ret_key,
                       struct span *ret_value,
                       GError **error) MUST_CHECK;
