#include "tmdb_sim/request_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "base/json_writer.h"

struct request_log {
    FILE *file;
    pthread_mutex_t lock; /* leaf; one line is one write */
    GString *line;
};

struct request_log *request_log_open(const char *path, GError **error)
{
    FILE *file = fopen(path, "we");
    if (!file) {
        error_set(error, CONFIG, "--request-log: can't write %s: %s", path, g_strerror(errno));
        return NULL;
    }
    struct request_log *log = g_new0(struct request_log, 1);
    log->file = file;
    log->line = g_string_sized_new(512);
    pthread_mutex_init(&log->lock, NULL);
    return log;
}

void request_log_close(struct request_log *log)
{
    if (!log)
        return;
    fclose(log->file);
    g_string_free(log->line, TRUE);
    pthread_mutex_destroy(&log->lock);
    g_free(log);
}

void request_log_write(struct request_log *log, const struct request_log_entry *entry)
{
    if (!log)
        return;
    pthread_mutex_lock(&log->lock);
    GString *line = g_string_truncate(log->line, 0);
    json_write_object(line);
    json_add_int(line, "number", (int64_t)entry->number);
    json_add_int(line, "world_ms", entry->world_ms);
    json_add_int(line, "real_ms", entry->real_ms);
    json_add_string(line, "method", entry->method);
    json_add_string(line, "path", entry->path);
    json_add_int(line, "status", entry->status);
    json_add_string(line, "fault", entry->fault);
    json_add_int(line, "bytes", (int64_t)entry->bytes);
    json_write_object_end(line);
    g_string_append_c(line, '\n');
    fwrite(line->str, 1, line->len, log->file);
    fflush(log->file);
    pthread_mutex_unlock(&log->lock);
}
