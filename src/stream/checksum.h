/* Checksum: the CRC-32 that ends each stored row of the state, little-endian, so that a damaged row
 * is named instead of believed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "model/record.h"

#define CHECKSUM_BYTES 4

/* Appends the checksum of what stands in out from start on. */
void checksum_append(GByteArray *out, guint start);

/* Writes the checksum of the bytes from start to end behind them, and returns where it ends. */
uint8_t *checksum_write(const uint8_t *start, uint8_t *end);

/* The bytes without their checksum; false where it is wrong or missing. */
bool checksum_strip(struct span bytes, struct span *ret_bytes);
