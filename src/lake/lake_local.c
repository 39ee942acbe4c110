/* The lake in a folder: data.dir/lake.
 *
 *   <root>/silver/movies/....parquet     objects, at their names
 *   <root>/.tmp/<pid>-<n>                what put is writing; leftovers of a crash are swept at
 * open <root>/.lock                         held during a swap, so that compare and replace are one
 * step
 *
 * put:    write .tmp, fsync it, rename over the name, fsync the folder. A reader sees the old
 * object or the new one; after a crash at any instant there is one of the two and perhaps a .tmp.
 * rename: the same for a file that an engine wrote inside the root.
 * delete: unlink, then the folders that became empty. */
#include "lake/lake_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"

#define TMP_FOLDER       ".tmp"
#define LOCK_FILE        ".lock"
#define RENAME_TRIES_MAX 3
#define LIST_DEPTH_MAX   32

struct lake_local {
    struct lake base;
    char *root;
};

static struct lake_local *local_of(struct lake *lake)
{
    return (struct lake_local *)lake;
}

static bool fail(GError **error, const char *what, const char *path)
{
    int saved = errno;
    const char *text = g_strerror(saved);
    if (saved == ENOENT)
        error_set(error, NOTFOUND, "lake: %s %s: %s", what, path, text);
    else if (saved == EACCES || saved == EPERM || saved == EROFS)
        error_set(error, DENIED, "lake: %s %s: %s", what, path, text);
    else if (saved == EINTR || saved == EAGAIN || saved == EMFILE || saved == ENFILE)
        error_set(error, AGAIN, "lake: %s %s: %s", what, path, text);
    else if (saved == ENOSPC || saved == EDQUOT)
        error_set(error, FAILED, "lake: %s %s: %s: make room and repeat", what, path, text);
    else
        error_set(error, FAILED, "lake: %s %s: %s", what, path, text);
    return false;
}

static bool sync_folder(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(error, "open", path);
    bool done = fsync(fd) == 0 || fail(error, "sync", path);
    close(fd);
    return done;
}

/* The folder and those above it; each new name is made durable in its parent. */
static bool make_folder(const char *path, GError **error)
{
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
        return true;
    g_autofree char *parent = g_path_get_dirname(path);
    if (strcmp(parent, path) != 0 && !make_folder(parent, error))
        return false;
    if (g_mkdir(path, 0750) != 0 && errno != EEXIST)
        return fail(error, "make folder", path);
    return sync_folder(parent, error);
}

static bool make_folder_above(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    return make_folder(folder, error);
}

static char *path_of(struct lake_local *lake, const char *name)
{
    return g_build_filename(lake->root, name, NULL);
}

/* Temporary files of processes that are gone. Ours carry our pid, others' live ones theirs. */
static void sweep_tmp(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *entry;
    while (dir && (entry = g_dir_read_name(dir))) {
        char *end = NULL;
        gint64 pid = g_ascii_strtoll(entry, &end, 10);
        g_autofree char *proc = g_strdup_printf("/proc/%" PRId64, (int64_t)pid);
        if (end == entry || *end != '-' || g_file_test(proc, G_FILE_TEST_EXISTS))
            continue;
        g_autofree char *path = g_build_filename(folder, entry, NULL);
        (void)g_unlink(path);
    }
}

static struct lake *local_open(const struct context *context, GError **error)
{
    g_autofree char *relative = config_path(context->config, "lake");
    struct lake_local *lake = g_new0(struct lake_local, 1);
    lake->base = (struct lake){.ops = &lake_local_ops, .context = context};
    lake->root = g_canonicalize_filename(relative, NULL);
    g_autofree char *tmp = g_build_filename(lake->root, TMP_FOLDER, NULL);
    if (!make_folder(tmp, error)) {
        lake_local_ops.close(&lake->base);
        return NULL;
    }
    sweep_tmp(tmp);
    return &lake->base;
}

static void local_close(struct lake *base)
{
    struct lake_local *lake = local_of(base);
    g_free(lake->root);
    g_free(lake);
}

static const char *
local_url(struct lake *base, const char *name, struct arena *arena, GError **error)
{
    g_autofree char *path = path_of(local_of(base), name);
    return make_folder_above(path, error) ? arena_strdup(arena, path) : NULL;
}

struct listing {
    struct arena *arena;
    GArray *objects; /* struct lake_object */
    const char *prefix;
};

/* folder is absolute, name the same within the lake ("" at the root). */
static bool list_folder(
    struct listing *listing, const char *folder, const char *name, int depth, GError **error)
{
    if (depth > LIST_DEPTH_MAX) {
        error_set(error, FAILED, "lake: list %s: more than %d folders deep", folder, depth - 1);
        return false;
    }
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *entry;
    while (dir &&
           (entry = g_dir_read_name(dir))) { /* a folder may go while we look: then it is empty */
        if (entry[0] == '.')
            continue;
        g_autofree char *child = *name ? g_strconcat(name, "/", entry, NULL) : g_strdup(entry);
        size_t shared = MIN(strlen(child), strlen(listing->prefix));
        if (strncmp(child, listing->prefix, shared) != 0)
            continue;
        g_autofree char *path = g_build_filename(folder, entry, NULL);
        struct stat info;
        if (lstat(path, &info) != 0)
            continue;
        if (S_ISDIR(info.st_mode)) {
            if (!list_folder(listing, path, child, depth + 1, error))
                return false;
        } else if (S_ISREG(info.st_mode) && g_str_has_prefix(child, listing->prefix)) {
            struct lake_object object = {
                .name = arena_strdup(listing->arena, child),
                .size_bytes = info.st_size,
                .modified_ms =
                    (int64_t)info.st_mtim.tv_sec * MS_PER_SECOND + info.st_mtim.tv_nsec / 1000000,
            };
            g_array_append_val(listing->objects, object);
        }
    }
    return true;
}

static int compare_objects(const void *a, const void *b)
{
    return strcmp(((const struct lake_object *)a)->name, ((const struct lake_object *)b)->name);
}

static bool local_list(struct lake *base,
                       const char *prefix,
                       struct arena *arena,
                       struct lake_object **ret_objects,
                       size_t *ret_count,
                       GError **error)
{
    g_autoptr(GArray) objects = g_array_new(FALSE, FALSE, sizeof(struct lake_object));
    struct listing listing = {.arena = arena, .objects = objects, .prefix = prefix};
    if (!list_folder(&listing, local_of(base)->root, "", 0, error))
        return false;
    g_array_sort(objects, compare_objects);
    struct lake_object *copy = arena_array(arena, struct lake_object, objects->len + 1);
    if (objects->len)
        memcpy(copy, objects->data, objects->len * sizeof *copy);
    *ret_objects = copy;
    *ret_count = objects->len;
    return true;
}

static bool read_all(int fd, char *data, size_t len, const char *path, GError **error)
{
    for (size_t done = 0; done < len;) {
        ssize_t got = read(fd, data + done, len - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(error, "read", path);
        if (got == 0) {
            error_set(error, AGAIN, "lake: %s became shorter while it was read", path);
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

static bool local_get(struct lake *base,
                      const char *name,
                      struct arena *arena,
                      char **ret_data,
                      size_t *ret_len,
                      GError **error)
{
    g_autofree char *path = path_of(local_of(base), name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(error, "read", path);
    struct stat info;
    bool done = false;
    if (fstat(fd, &info) != 0) {
        fail(error, "read", path);
    } else if (!S_ISREG(info.st_mode)) {
        error_set(error, NOTFOUND, "lake: %s is not a file", path);
    } else if ((uintmax_t)info.st_size > LAKE_GET_BYTES_MAX) {
        error_set(error, BADDATA,
                  "lake: %s has %" PRIdMAX " bytes, more than the %zu that are read at once", path,
                  (intmax_t)info.st_size, LAKE_GET_BYTES_MAX);
    } else {
        size_t len = (size_t)info.st_size;
        char *data = arena_alloc(arena, len + 1);
        done = read_all(fd, data, len, path, error);
        if (done) {
            data[len] = '\0';
            *ret_data = data;
            *ret_len = len;
        }
    }
    close(fd);
    return done;
}

static bool write_all(int fd, const char *data, size_t len, const char *path, GError **error)
{
    for (size_t done = 0; done < len;) {
        ssize_t put = write(fd, data + done, len - done);
        if (put < 0 && errno != EINTR)
            return fail(error, "write", path);
        done += put > 0 ? (size_t)put : 0;
    }
    return true;
}

/* delete may remove a folder between the making of it and the rename into it: then once more. */
static bool rename_into(const char *from, const char *to, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(to);
    for (int tries = 1;; tries++) {
        if (!make_folder(folder, error))
            return false;
        if (rename(from, to) == 0)
            return sync_folder(folder, error);
        if (errno != ENOENT || tries == RENAME_TRIES_MAX || access(from, F_OK) != 0)
            return fail(error, "rename to", to);
    }
}

static bool
local_put(struct lake *base, const char *name, const void *data, size_t len, GError **error)
{
    static atomic_uint counter; /* only makes names differ */
    struct lake_local *lake = local_of(base);
    g_autofree char *path = path_of(lake, name);
    g_autofree char *tmp = g_strdup_printf("%s/" TMP_FOLDER "/%d-%u", lake->root, (int)getpid(),
                                           atomic_fetch_add(&counter, 1));
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return fail(error, "write", tmp);
    failpoint("lake.put.opened");
    bool done = write_all(fd, data, len, tmp, error);
    failpoint("lake.put.written");
    done = done && (fsync(fd) == 0 || fail(error, "sync", tmp));
    if (close(fd) != 0 && done)
        done = fail(error, "close", tmp);
    failpoint("lake.put.synced");
    done = done && rename_into(tmp, path, error);
    if (!done)
        (void)g_unlink(tmp);
    return done;
}

static bool swap_locked(
    struct lake *base, const char *name, const char *expected, const char *data, GError **error)
{
    g_autoptr(GError) missing = NULL;
    struct arena *arena = arena_new();
    char *found = NULL;
    size_t len = 0;
    bool equal;
    bool done = false;
    if (local_get(base, name, arena, &found, &len, &missing)) {
        equal = expected && strlen(expected) == len && memcmp(expected, found, len) == 0;
    } else if (error_is(missing, NOTFOUND)) {
        equal = !expected;
    } else {
        g_propagate_error(error, g_steal_pointer(&missing));
        arena_free(arena);
        return false;
    }
    if (equal)
        done = local_put(base, name, data, strlen(data), error);
    else
        error_set(error, CONFLICT,
                  "lake: %s was changed by another run (expected \"%s\", found \"%s\")", name,
                  expected ? expected : "(absent)", found ? found : "(absent)");
    arena_free(arena);
    return done;
}

static bool local_swap(
    struct lake *base, const char *name, const char *expected, const char *data, GError **error)
{
    g_autofree char *lock = path_of(local_of(base), LOCK_FILE);
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return fail(error, "lock", lock);
    int locked;
    do
        locked = flock(fd, LOCK_EX);
    while (locked != 0 && errno == EINTR);
    bool done =
        locked == 0 ? swap_locked(base, name, expected, data, error) : fail(error, "lock", lock);
    close(fd); /* frees the lock */
    return done;
}

static bool local_rename(struct lake *base, const char *from, const char *to, GError **error)
{
    g_autofree char *from_path = path_of(local_of(base), from);
    g_autofree char *to_path = path_of(local_of(base), to);
    int fd = open(from_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(error, "rename", from_path);
    bool done = fsync(fd) == 0 || fail(error, "sync", from_path);
    close(fd);
    failpoint("lake.rename.synced");
    return done && rename_into(from_path, to_path, error);
}

static bool local_remove(struct lake *base, const char *name, GError **error)
{
    struct lake_local *lake = local_of(base);
    g_autofree char *path = path_of(lake, name);
    if (g_unlink(path) != 0)
        return errno == ENOENT || errno == ENOTDIR || fail(error, "delete", path);
    for (char *slash = strrchr(path, '/'); slash && slash > path; slash = strrchr(path, '/')) {
        *slash = '\0';
        if (strlen(path) <= strlen(lake->root) || rmdir(path) != 0)
            break;
    }
    return true;
}

const struct lake_ops lake_local_ops = {
    .name = "local",
    .open = local_open,
    .close = local_close,
    .url = local_url,
    .list = local_list,
    .get = local_get,
    .put = local_put,
    .swap = local_swap,
    .rename = local_rename,
    .remove = local_remove,
};
