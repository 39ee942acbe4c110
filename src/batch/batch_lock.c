#include "batch/batch_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_FILE "batch.lock"

int batch_lock_take(const struct config *config, GError **error)
{
    g_autofree char *path = config_path(config, LOCK_FILE);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        error_set(error, FAILED, "batch: open %s: %s", path, g_strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    error_set(error, CONFLICT, "batch: another run is under way in this data folder (%s is locked)",
              path);
    close(fd);
    return -1;
}
