/* Verify: whether the files of the published lake are what was written, byte for byte, by the
 * checksums of its manifest. Reads all of them; changes nothing; may run beside a batch run. */
#pragma once

#include <stdint.h>

#include "base/context.h"
#include "base/error.h"
#include "lake/manifest.h"

struct verify_report {
    char run_id[MANIFEST_RUN_ID_BYTES_MAX + 1];
    int64_t files, size_bytes; /* as the manifest has them */
    int64_t damaged;           /* files that are gone or other than the manifest says */
};

/* Called after each file: why is NULL where it is sound, else names it and says what to do. done,
 * total: bytes. */
typedef void (*verify_file_fn)(void *user, const char *why, int64_t done, int64_t total);

/* True also where files are damaged. NOTFOUND: nothing is published. AGAIN: stopped. */
bool batch_verify(const struct context *context,
                  verify_file_fn file,
                  void *user,
                  struct verify_report *ret_report,
                  GError **error) MUST_CHECK;
