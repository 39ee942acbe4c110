/* Checksum: what the bytes of an object in the lake are, for the manifest that names it and for
 * those who read it later. SHA-256, by libcrypto, which uses the processor's own instructions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "lake/lake.h"

#define CHECKSUM_HEX_BYTES 65 /* 64 digits and a NUL */

/* Reads the object once; a local one piece by piece. NOTFOUND where it is absent. */
bool checksum_object(struct lake *lake,
                     const char *name,
                     char ret_hex[CHECKSUM_HEX_BYTES],
                     int64_t *ret_size_bytes,
                     GError **error) MUST_CHECK;
