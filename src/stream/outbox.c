#include "stream/outbox.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/failpoint.h"
#include "bus/bus.h"
#include "model/db.h"

#define KEY_BYTES 24

enum statement { PUT_OUTBOX, READ_OUTBOX, CLEAR_OUTBOX, STATEMENT_COUNT };

static const char *const statement_names[STATEMENT_COUNT] = {"put_outbox", "read_outbox",
                                                             "clear_outbox"};

struct outbox {
    struct serde *serde;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    GByteArray *scratch;
    bool maybe_some;    /* false: certainly empty */
    GPtrArray *waiting; /* struct waiting *; NULL: they wait in the file */
};

struct waiting {
    char key[KEY_BYTES];
    size_t key_len;
    GBytes *data;
};

static void waiting_free(gpointer data)
{
    struct waiting *waiting = data;
    g_bytes_unref(waiting->data);
    g_free(waiting);
}

struct outbox *
outbox_new(sqlite3 *db, const struct sql_file *sql, struct serde *serde, GError **error)
{
    struct outbox *outbox = g_new0(struct outbox, 1);
    outbox->serde = serde;
    outbox->scratch = g_byte_array_new();
    outbox->maybe_some = true; /* from an earlier life */
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        outbox->statements[i] = db_prepare(db, sql_file_get(sql, statement_names[i]), error);
        if (!outbox->statements[i]) {
            outbox_free(outbox);
            return NULL;
        }
    }
    return outbox;
}

struct outbox *outbox_new_memory(struct serde *serde)
{
    struct outbox *outbox = g_new0(struct outbox, 1);
    outbox->serde = serde;
    outbox->scratch = g_byte_array_new();
    outbox->waiting = g_ptr_array_new_with_free_func(waiting_free);
    return outbox;
}

void outbox_messages(const struct outbox *outbox, GArray *messages)
{
    for (guint i = 0; i < outbox->waiting->len; i++) {
        const struct waiting *waiting = outbox->waiting->pdata[i];
        gsize len;
        const char *data = g_bytes_get_data(waiting->data, &len);
        struct bus_message message = {
            .topic = topic_info(TOPIC_TRENDING)->name,
            .partition = BUS_PARTITION_BY_KEY,
            .key = {waiting->key, waiting->key_len},
            .value = {data, len},
        };
        g_array_append_val(messages, message);
    }
}

void outbox_clear(struct outbox *outbox)
{
    g_ptr_array_set_size(outbox->waiting, 0);
}

void outbox_free(struct outbox *outbox)
{
    if (!outbox)
        return;
    g_clear_pointer(&outbox->waiting, g_ptr_array_unref);
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(outbox->statements[i]);
    g_byte_array_unref(outbox->scratch);
    g_free(outbox);
}

static size_t format_key(char key[KEY_BYTES], int64_t window_end_ms)
{
    return (size_t)snprintf(key, KEY_BYTES, "%" PRId64, window_end_ms);
}

bool outbox_put(struct outbox *outbox, const struct trending *trending, GError **error)
{
    g_byte_array_set_size(outbox->scratch, 0);
    serde_encode(outbox->serde, TOPIC_TRENDING, trending, outbox->scratch);
    if (outbox->waiting) {
        struct waiting *waiting = g_new0(struct waiting, 1);
        waiting->key_len = format_key(waiting->key, trending->window_end_ms);
        waiting->data = g_bytes_new(outbox->scratch->data, outbox->scratch->len);
        g_ptr_array_add(outbox->waiting, waiting);
        return true;
    }
    sqlite3_stmt *put = outbox->statements[PUT_OUTBOX];
    db_bind_int(put, 1, trending->window_end_ms);
    db_bind_blob(put, 2, (struct span){(const char *)outbox->scratch->data, outbox->scratch->len});
    outbox->maybe_some = true;
    return db_run(put, error);
}

struct sending {
    struct bus_message messages[OUTBOX_SEND_MAX];
    char keys[OUTBOX_SEND_MAX][KEY_BYTES];
    size_t count;
    int64_t last_id;
};

static bool
read_some(struct outbox *outbox, struct arena *arena, struct sending *sending, GError **error)
{
    sqlite3_stmt *read = outbox->statements[READ_OUTBOX];
    db_bind_int(read, 1, OUTBOX_SEND_MAX);
    sending->count = 0;
    for (bool row;;) {
        if (!db_step(read, &row, error))
            return false;
        if (!row)
            return true;
        size_t i = sending->count++;
        sending->last_id = sqlite3_column_int64(read, 0);
        size_t len = format_key(sending->keys[i], sqlite3_column_int64(read, 1));
        struct span data = db_column_span(read, 2);
        sending->messages[i] = (struct bus_message){
            .topic = topic_info(TOPIC_TRENDING)->name,
            .partition = BUS_PARTITION_BY_KEY,
            .key = {sending->keys[i], len},
            .value = {arena_strndup(arena, data.data, data.len), data.len},
        };
    }
}

static bool send_some(struct outbox *outbox,
                      struct bus *bus,
                      struct sending *sending,
                      struct arena *arena,
                      GError **error)
{
    if (!read_some(outbox, arena, sending, error))
        return false;
    if (sending->count == 0)
        return true;
    if (!bus_produce(bus, sending->messages, sending->count, NULL, error))
        return false;
    failpoint("stream.commit.published");
    sqlite3_stmt *clear = outbox->statements[CLEAR_OUTBOX];
    db_bind_int(clear, 1, sending->last_id);
    return db_run(clear, error);
}

bool outbox_send(struct outbox *outbox, struct bus *bus, GError **error)
{
    if (!outbox->maybe_some)
        return true;
    struct arena *arena = arena_new();
    struct sending *sending = g_new(struct sending, 1);
    bool sent;
    do {
        arena_reset(arena);
        sent = send_some(outbox, bus, sending, arena, error);
    } while (sent && sending->count == OUTBOX_SEND_MAX);
    outbox->maybe_some = !sent;
    g_free(sending);
    arena_free(arena);
    return sent;
}
