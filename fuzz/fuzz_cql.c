/* CQL: what a server sends. First byte: bit 0, framed as version 5 or bare; the rest arrives in
 * pieces of the second byte's size, each envelope's body is read and its rows are gone through. */
#include <stddef.h>
#include <stdint.h>

#include "cql/cql_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_answer(const struct cql_envelope *envelope, struct arena *arena)
{
    struct cql_answer answer;
    struct cql_cell cells[CQL_COLUMNS_MAX];
    g_autoptr(GError) error = NULL;
    /* A copy of the exact length: reading past the body is then seen by the address sanitizer. */
    g_autofree uint8_t *body = g_memdup2(envelope->body, MAX(envelope->len, 1));
    struct cql_envelope exact = *envelope;
    exact.body = body;
    arena_reset(arena);
    if (!cql_answer_read(&exact, arena, &answer, &error)) {
        g_assert(error_is(error, BADDATA));
        return;
    }
    int32_t claimed = answer.rows.left, seen = 0;
    while (answer.kind == CQL_ANSWER_ROWS && cql_rows_next(&answer.rows, cells)) {
        for (size_t i = 0; i < answer.rows.column_count; i++)
            g_assert(cells[i].len <= 0 || cells[i].data[cells[i].len - 1] <= UINT8_MAX);
        seen++;
    }
    g_assert(answer.kind != CQL_ANSWER_ROWS || seen == claimed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    struct arena *arena = arena_new();
    struct cql_inbound inbound = {.framed = data[0] & 1};
    size_t step = (size_t)data[1] + 1;
    bool good = true;
    for (size_t at = 2; good && at < size; at += step) {
        size_t room, len = MIN(step, size - at);
        memcpy(cql_inbound_room(&inbound, len, &room), data + at, len);
        cql_inbound_received(&inbound, len);
        for (bool found = true; found;) {
            struct cql_envelope envelope;
            g_autoptr(GError) error = NULL;
            good = cql_inbound_next(&inbound, &envelope, &found, &error);
            if (!good) {
                g_assert(error_is(error, BADDATA));
                break;
            }
            if (found)
                read_answer(&envelope, arena);
        }
    }
    cql_inbound_clear(&inbound);
    arena_free(arena);
    return 0;
}
