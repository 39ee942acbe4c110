#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "base/embedded.h"

static int compare_path(const void *path, const void *file)
{
    return strcmp(path, ((const struct embedded_file *)file)->path);
}

const struct embedded_file *embedded_find(const char *path)
{
    return bsearch(path, embedded_files, embedded_files_count, sizeof *embedded_files,
                   compare_path);
}

const char *embedded_text(const char *path, size_t *ret_size)
{
    const struct embedded_file *file = embedded_find(path);
    if (!file)
        g_error("%s is not compiled in: it is missing from the source tree", path);
    if (ret_size)
        *ret_size = (size_t)(file->end - file->data);
    return file->data;
}
