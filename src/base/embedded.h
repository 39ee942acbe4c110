/* The data files that are compiled in: everything below contracts/, sql/, web/ and data/, by its
 * path in the source tree ("contracts/speed.sql"). Constant, any thread. The bytes are followed by
 * a NUL. */
#pragma once

#include <stddef.h>

struct embedded_file {
    const char *path, *data, *end;
};

extern const struct embedded_file embedded_files[]; /* sorted by path; ends with {0} */
extern const unsigned embedded_files_count;

/* NULL where there is no such file: that is for paths which come from outside. */
const struct embedded_file *embedded_find(const char *path);

/* The text of a file that must be there; asserts it. ret_size may be NULL. */
const char *embedded_text(const char *path, size_t *ret_size);
