#include "stream/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "base/config.h"
#include "base/metrics.h"
#include "model/db.h"
#include "model/varint.h"
#include "stream/checksum.h"

#define FORMAT         1
#define CHUNK_MAGIC    "MQS"
#define MANIFEST_MAGIC "MQM"
#define MAGIC_LEN      3
#define ZSTD_LEVEL     1
/* Pages that one step copies: some milliseconds. */
#define STEP_PAGES 2000
#define FILE_MODE  0600
/* Of a chunk, uncompressed; less where bus.record_max is less. */
#define CHUNK_BYTES_MAX    ((size_t)768 * 1024)
#define CHUNK_OVERHEAD     ((size_t)8 * 1024) /* what zstd may add, head and checksum */
#define HEAD_BYTES_MAX     (MAGIC_LEN + 1 + 8 * VARINT_LONG_BYTES_MAX)
#define FETCH_BYTES        ((size_t)4 * 1024 * 1024)
#define SNAPSHOT_BYTES_MAX (INT64_C(64) * 1024 * 1024 * 1024)
/* Records that are looked at from the end to find manifests: chunks of unfinished ones between. */
#define LOOK_BACK_MAX 10000

/* ---- records ---- */

/* What a manifest says. */
struct manifest {
    int64_t task, id, changelog_offset, chunks, bytes, checksum;
};

/* What stands before a chunk's bytes. */
struct chunk_head {
    int64_t task, id, number, bytes; /* uncompressed */
};

static void put_numbers(GByteArray *out, const char *magic, const int64_t *numbers, size_t count)
{
    uint8_t head[HEAD_BYTES_MAX], *to = head;
    memcpy(to, magic, MAGIC_LEN);
    to += MAGIC_LEN;
    *to++ = FORMAT;
    for (size_t i = 0; i < count; i++)
        to = varint_write(to, numbers[i]);
    g_byte_array_append(out, head, (guint)(to - head));
}

/* The bytes behind the numbers; false where it is no such record. */
static bool take_numbers(
    struct span value, const char *magic, int64_t *ret_numbers, size_t count, struct span *ret_rest)
{
    struct span content;
    if (!checksum_strip(value, &content) || content.len < MAGIC_LEN + 1 ||
        memcmp(content.data, magic, MAGIC_LEN) != 0 || content.data[MAGIC_LEN] != FORMAT)
        return false;
    const unsigned char *at = (const unsigned char *)content.data + MAGIC_LEN + 1;
    const unsigned char *end = (const unsigned char *)content.data + content.len;
    for (size_t i = 0; i < count; i++) {
        if (!varint_read_long(&at, end, &ret_numbers[i]) || ret_numbers[i] < 0)
            return false;
    }
    *ret_rest = (struct span){(const char *)at, (size_t)(end - at)};
    return true;
}

static bool take_manifest(struct span value, struct manifest *manifest)
{
    int64_t numbers[6];
    struct span rest;
    if (!take_numbers(value, MANIFEST_MAGIC, numbers, G_N_ELEMENTS(numbers), &rest))
        return false;
    *manifest =
        (struct manifest){numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]};
    return rest.len == 0 && manifest->bytes <= SNAPSHOT_BYTES_MAX;
}

static bool take_chunk(struct span value, struct chunk_head *head, struct span *ret_packed)
{
    int64_t numbers[4];
    if (!take_numbers(value, CHUNK_MAGIC, numbers, G_N_ELEMENTS(numbers), ret_packed))
        return false;
    *head = (struct chunk_head){numbers[0], numbers[1], numbers[2], numbers[3]};
    return head->bytes <= (int64_t)CHUNK_BYTES_MAX;
}

/* ---- writing ---- */

struct snapshot {
    struct metrics *metrics;
    struct bus *bus;
    char *path; /* of the copy */
    sqlite3 *source, *copy;
    sqlite3_backup *backup;
    int fd; /* of the copy, when it is whole */
    struct manifest manifest;
    size_t chunk_bytes;
    ZSTD_CCtx *zstd;
    GByteArray *raw, *packed, *record;
};

static bool remove_copy(const char *path, GError **error)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    error_set(error, FAILED, "%s: can't be removed: %s", path, g_strerror(errno));
    return false;
}

/* The second connection holds the commit as it is now, for as long as its transaction is open. */
static bool hold_commit(struct snapshot *snapshot, const struct task_file *file, GError **error)
{
    snapshot->source = db_open(file->path, &(struct db_options){.read_only = true}, error);
    if (!snapshot->source || !db_begin_read(snapshot->source, error))
        return false;
    g_autoptr(sqlite3_stmt) read =
        db_prepare(snapshot->source, sql_file_get(file->sql, "read_changelog"), error);
    bool row;
    if (!read || !db_step(read, &row, error))
        return false;
    /* Rows for the speed store may be needed again from sunk on. */
    snapshot->manifest.changelog_offset =
        row ? MIN(sqlite3_column_int64(read, 2), sqlite3_column_int64(read, 3)) : 0;
    snapshot->manifest.id = row ? sqlite3_column_int64(read, 0) : 0;
    return true;
}

static bool begin_copy(struct snapshot *snapshot, GError **error)
{
    if (!remove_copy(snapshot->path, error))
        return false;
    snapshot->copy = db_open(snapshot->path, NULL, error);
    if (!snapshot->copy || !db_exec(snapshot->copy, "PRAGMA synchronous = OFF", error) ||
        !db_exec(snapshot->copy, "PRAGMA journal_mode = OFF", error))
        return false;
    snapshot->backup = sqlite3_backup_init(snapshot->copy, "main", snapshot->source, "main");
    return snapshot->backup || db_error(snapshot->copy, "copy a task's file", error);
}

struct snapshot *snapshot_begin(const struct context *context,
                                struct bus *bus,
                                const struct task_file *file,
                                GError **error)
{
    struct snapshot *snapshot = g_new0(struct snapshot, 1);
    snapshot->metrics = context->metrics;
    snapshot->bus = bus;
    snapshot->fd = -1;
    snapshot->manifest.task = file->task;
    snapshot->path = g_strconcat(file->path, ".snapshot", NULL);
    const size_t record_max = (size_t)context->config->bus_record_max_bytes;
    snapshot->chunk_bytes = MIN(CHUNK_BYTES_MAX, record_max - MIN(record_max / 2, CHUNK_OVERHEAD));
    snapshot->zstd = ZSTD_createCCtx();
    snapshot->raw = g_byte_array_new();
    snapshot->packed = g_byte_array_new();
    snapshot->record = g_byte_array_new();
    g_assert(snapshot->zstd);
    if (!hold_commit(snapshot, file, error) || !begin_copy(snapshot, error)) {
        snapshot_free(snapshot);
        return NULL;
    }
    return snapshot;
}

static void end_copy(struct snapshot *snapshot)
{
    if (snapshot->backup)
        sqlite3_backup_finish(snapshot->backup);
    snapshot->backup = NULL;
    g_clear_pointer(&snapshot->copy, db_close);
    if (snapshot->source)
        db_rollback(snapshot->source);
    g_clear_pointer(&snapshot->source, db_close);
}

void snapshot_free(struct snapshot *snapshot)
{
    if (!snapshot)
        return;
    end_copy(snapshot);
    if (snapshot->fd >= 0)
        close(snapshot->fd);
    unlink(snapshot->path); /* it is made again by the next one */
    ZSTD_freeCCtx(snapshot->zstd);
    g_byte_array_unref(snapshot->raw);
    g_byte_array_unref(snapshot->packed);
    g_byte_array_unref(snapshot->record);
    g_free(snapshot->path);
    g_free(snapshot);
}

static bool copy_pages(struct snapshot *snapshot, GError **error)
{
    int code = sqlite3_backup_step(snapshot->backup, STEP_PAGES);
    if (code == SQLITE_OK)
        return true;
    if (code != SQLITE_DONE)
        return db_error(snapshot->copy, "copy a task's file", error);
    end_copy(snapshot);
    snapshot->fd = open(snapshot->path, O_RDONLY | O_CLOEXEC);
    if (snapshot->fd >= 0)
        return true;
    error_set(error, FAILED, "%s: %s", snapshot->path, g_strerror(errno));
    return false;
}

static bool read_chunk(struct snapshot *snapshot, GError **error)
{
    g_byte_array_set_size(snapshot->raw, (guint)snapshot->chunk_bytes);
    ssize_t len = pread(snapshot->fd, snapshot->raw->data, snapshot->raw->len,
                        (off_t)snapshot->manifest.bytes);
    if (len < 0) {
        error_set(error, FAILED, "%s: %s", snapshot->path, g_strerror(errno));
        return false;
    }
    g_byte_array_set_size(snapshot->raw, (guint)len);
    return true;
}

static bool send_record(struct snapshot *snapshot, GError **error)
{
    checksum_append(snapshot->record, 0);
    const struct bus_message message = {
        .topic = SNAPSHOT_TOPIC,
        .partition = (int)snapshot->manifest.task,
        .key = {"", 0},
        .value = {(const char *)snapshot->record->data, snapshot->record->len},
    };
    return bus_produce(snapshot->bus, &message, 1, NULL, error);
}

static bool send_manifest(struct snapshot *snapshot, bool *ret_done, GError **error)
{
    const struct manifest *manifest = &snapshot->manifest;
    const int64_t numbers[] = {manifest->task,   manifest->id,    manifest->changelog_offset,
                               manifest->chunks, manifest->bytes, manifest->checksum};
    g_byte_array_set_size(snapshot->record, 0);
    put_numbers(snapshot->record, MANIFEST_MAGIC, numbers, G_N_ELEMENTS(numbers));
    *ret_done = send_record(snapshot, error);
    if (*ret_done)
        metrics_add(snapshot->metrics, METRIC_STREAM_SNAPSHOT_BYTES, NULL,
                    (uint64_t)manifest->bytes);
    return *ret_done;
}

static bool send_chunk(struct snapshot *snapshot, GError **error)
{
    struct manifest *manifest = &snapshot->manifest;
    const int64_t numbers[] = {manifest->task, manifest->id, manifest->chunks, snapshot->raw->len};
    g_byte_array_set_size(snapshot->packed, (guint)ZSTD_compressBound(snapshot->raw->len));
    size_t len = ZSTD_compressCCtx(snapshot->zstd, snapshot->packed->data, snapshot->packed->len,
                                   snapshot->raw->data, snapshot->raw->len, ZSTD_LEVEL);
    g_assert(!ZSTD_isError(len));
    g_byte_array_set_size(snapshot->record, 0);
    put_numbers(snapshot->record, CHUNK_MAGIC, numbers, G_N_ELEMENTS(numbers));
    g_byte_array_append(snapshot->record, snapshot->packed->data, (guint)len);
    if (!send_record(snapshot, error))
        return false;
    manifest->checksum =
        (int64_t)crc32((uLong)manifest->checksum, snapshot->raw->data, snapshot->raw->len);
    manifest->bytes += snapshot->raw->len;
    manifest->chunks++;
    return true;
}

bool snapshot_step(struct snapshot *snapshot, bool *ret_done, GError **error)
{
    *ret_done = false;
    if (snapshot->fd < 0)
        return copy_pages(snapshot, error);
    if (!read_chunk(snapshot, error))
        return false;
    return snapshot->raw->len > 0 ? send_chunk(snapshot, error)
                                  : send_manifest(snapshot, ret_done, error);
}

int64_t snapshot_bytes(const struct snapshot *snapshot)
{
    return snapshot->manifest.bytes;
}

/* ---- finding ---- */

/* Reads the one record at offset. */
static bool read_record(struct bus *bus,
                        int task,
                        int64_t offset,
                        struct arena *arena,
                        struct span *ret_value,
                        GError **error)
{
    struct bus_batch batch;
    arena_reset(arena);
    if (!bus_fetch(bus, SNAPSHOT_TOPIC, task, offset, 1, arena, &batch, error))
        return false;
    if (batch.count == 0 || batch.records[0].offset != offset) {
        error_set(error, AGAIN, "%s partition %d: no record at offset %" PRId64 " yet",
                  SNAPSHOT_TOPIC, task, offset);
        return false;
    }
    *ret_value = batch.records[0].value;
    return true;
}

bool snapshot_find(struct bus *bus,
                   int task,
                   struct snapshot_place places[SNAPSHOTS_KEPT],
                   size_t *ret_count,
                   GError **error)
{
    struct arena *arena = arena_new();
    int64_t start, end;
    bool found = bus_offsets(bus, SNAPSHOT_TOPIC, task, &start, &end, error);
    size_t count = 0;
    int64_t at = end - 1;
    for (int looks = 0; found && at >= start && count < SNAPSHOTS_KEPT && looks < LOOK_BACK_MAX;
         looks++) {
        struct span value;
        struct manifest manifest;
        found = read_record(bus, task, at, arena, &value, error);
        if (found && take_manifest(value, &manifest) && manifest.task == task &&
            manifest.chunks <= at - start) {
            places[count++] =
                (struct snapshot_place){at - manifest.chunks, at, manifest.changelog_offset};
            at -= manifest.chunks;
        }
        at--;
    }
    arena_free(arena);
    if (found)
        *ret_count = count;
    return found;
}

/* ---- fetching ---- */

struct snapshot_fetch {
    struct bus *bus;
    int task, fd;
    char *folder, *part; /* part: the file while it isn't whole */
    struct snapshot_place place;
    struct arena *arena;
    ZSTD_DCtx *zstd;
    GByteArray *raw;
    struct manifest manifest;
    int64_t at, number, bytes; /* of chunks so far */
    uLong checksum;
};

static bool damaged(int task, int64_t offset, GError **error)
{
    error_set(error, BADDATA,
              "%s partition %d, offset %" PRId64 ": not the chunk that belongs there",
              SNAPSHOT_TOPIC, task, offset);
    return false;
}

static bool write_all(int fd, const uint8_t *bytes, size_t len, GError **error)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            error_set(error, FAILED, "writing a task's file: %s", g_strerror(errno));
            return false;
        }
        bytes += written;
        len -= (size_t)written;
    }
    return true;
}

static bool
take_record(struct snapshot_fetch *fetching, const struct bus_record *record, GError **error)
{
    struct chunk_head head;
    struct span packed;
    if (!take_chunk(record->value, &head, &packed) || head.task != fetching->task ||
        head.id != fetching->manifest.id || head.number != fetching->number)
        return damaged(fetching->task, record->offset, error);
    g_byte_array_set_size(fetching->raw, (guint)head.bytes);
    size_t len = ZSTD_decompressDCtx(fetching->zstd, fetching->raw->data, fetching->raw->len,
                                     packed.data, packed.len);
    if (ZSTD_isError(len) || len != (size_t)head.bytes)
        return damaged(fetching->task, record->offset, error);
    fetching->checksum = crc32(fetching->checksum, fetching->raw->data, fetching->raw->len);
    fetching->bytes += head.bytes;
    fetching->number++;
    return write_all(fetching->fd, fetching->raw->data, fetching->raw->len, error);
}

static bool fetch_chunks(struct snapshot_fetch *fetch, GError **error)
{
    struct bus_batch batch;
    arena_reset(fetch->arena);
    if (!bus_fetch(fetch->bus, SNAPSHOT_TOPIC, fetch->task, fetch->at, FETCH_BYTES, fetch->arena,
                   &batch, error))
        return false;
    for (size_t i = 0; i < batch.count && batch.records[i].offset < fetch->place.manifest_offset;
         i++) {
        if (!take_record(fetch, &batch.records[i], error))
            return false;
    }
    fetch->at = batch.next_offset;
    return true;
}

static bool finish(struct snapshot_fetch *fetch, GError **error)
{
    const struct manifest *manifest = &fetch->manifest;
    if (fetch->number != manifest->chunks || fetch->bytes != manifest->bytes ||
        (int64_t)fetch->checksum != manifest->checksum)
        return damaged(fetch->task, fetch->place.manifest_offset, error);
    g_autofree char *path = task_file_path(fetch->folder, fetch->task);
    if (rename(fetch->part, path) == 0)
        return true;
    error_set(error, FAILED, "%s: %s", path, g_strerror(errno));
    return false;
}

bool snapshot_fetch_step(struct snapshot_fetch *fetch, bool *ret_done, GError **error)
{
    *ret_done = false;
    if (fetch->at < fetch->place.manifest_offset)
        return fetch_chunks(fetch, error);
    *ret_done = finish(fetch, error);
    return *ret_done;
}

static bool begin_fetch(struct snapshot_fetch *fetch, GError **error)
{
    struct span value;
    if (!task_file_remove(fetch->folder, fetch->task, error) ||
        !read_record(fetch->bus, fetch->task, fetch->place.manifest_offset, fetch->arena, &value,
                     error))
        return false;
    if (!take_manifest(value, &fetch->manifest))
        return damaged(fetch->task, fetch->place.manifest_offset, error);
    fetch->fd = open(fetch->part, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, FILE_MODE);
    if (fetch->fd >= 0)
        return true;
    error_set(error, FAILED, "%s: %s", fetch->part, g_strerror(errno));
    return false;
}

struct snapshot_fetch *snapshot_fetch_begin(struct bus *bus,
                                            int task,
                                            const struct snapshot_place *place,
                                            const char *folder,
                                            GError **error)
{
    struct snapshot_fetch *fetch = g_new0(struct snapshot_fetch, 1);
    g_autofree char *path = task_file_path(folder, task);
    fetch->bus = bus;
    fetch->task = task;
    fetch->fd = -1;
    fetch->place = *place;
    fetch->at = place->first_offset;
    fetch->folder = g_strdup(folder);
    fetch->part = g_strconcat(path, ".fetched", NULL);
    fetch->checksum = crc32(0, NULL, 0);
    fetch->arena = arena_new();
    fetch->zstd = ZSTD_createDCtx();
    fetch->raw = g_byte_array_new();
    if (!begin_fetch(fetch, error)) {
        snapshot_fetch_free(fetch);
        return NULL;
    }
    return fetch;
}

void snapshot_fetch_free(struct snapshot_fetch *fetch)
{
    if (!fetch)
        return;
    if (fetch->fd >= 0)
        close(fetch->fd);
    unlink(fetch->part); /* where it isn't the task's file yet */
    arena_free(fetch->arena);
    ZSTD_freeDCtx(fetch->zstd);
    g_byte_array_unref(fetch->raw);
    g_free(fetch->folder);
    g_free(fetch->part);
    g_free(fetch);
}
