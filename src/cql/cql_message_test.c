/* Proves: requests are byte for byte those of another implementation (cassandra-driver's
 * protocol.py, for Python), in both versions; answers of each kind are read, and one that ends
 * early at any byte is refused; each error code gets its verdict and its code. */
#include "cql/cql_message.h"

#include "cql/cql_retry.h"

static void assert_bytes(const void *data, size_t len, const void *expected, size_t expected_len)
{
    g_assert_cmpuint(len, ==, expected_len);
    g_assert_true(len == 0 || memcmp(data, expected, len) == 0);
}

static char *hex(const struct cql_outbound *outbound, size_t from)
{
    GString *text = g_string_new(NULL);
    for (size_t i = from; i < outbound->bytes.len; i++)
        g_string_append_printf(text, "%02x", outbound->bytes.data[i]);
    return g_string_free(text, FALSE);
}

/* The header says what it should, the body is `expected`. */
static void check(struct cql_outbound *outbound, int version, uint8_t opcode, const char *expected)
{
    g_autofree char *header = hex(outbound, 0), *body = hex(outbound, 9);
    header[18] = 0;
    g_autofree char *expected_header =
        g_strdup_printf("%02x000007%02x%08zx", (unsigned)version, opcode, outbound->bytes.len - 9);
    g_assert_cmpstr(header, ==, expected_header);
    g_assert_cmpstr(body, ==, expected);
    cql_outbound_clear(outbound);
}

static void test_requests(void)
{
    static const struct {
        int version;
        const char *query, *prepare, *execute, *batch;
    } expected[] = {
        {4, "0000000853454c4543542031000600", "0000000853454c4543542031",
         "0002010200060d00020000000400000005ffffffff0000006400000001aa",
         "010001010002010200020000000400000005ffffffff000600"},
        {5, "0000000853454c4543542031000600000000", "0000000853454c454354203100000000",
         "0002010200010300060000000d00020000000400000005ffffffff0000006400000001aa",
         "010001010002010200020000000400000005ffffffff000600000000"},
    };
    static const uint8_t id[] = {1, 2}, metadata[] = {3}, paging[] = {0xaa};
    struct cql_bytes values = {0};
    cql_put_value(&values, &(struct cql_value){.kind = CQL_INT, .number = 5});
    cql_put_value(&values, &(struct cql_value){.kind = CQL_NULL});
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        struct cql_outbound outbound = {.frame_start = CQL_NO_FRAME};
        int version = expected[i].version;
        const struct cql_out out = {&outbound, version, 7};
        struct cql_params params = {.consistency = CQL_LOCAL_QUORUM};
        cql_write_query(&out, "SELECT 1", &params);
        check(&outbound, version, 0x07, expected[i].query);
        cql_write_prepare(&out, "SELECT 1");
        check(&outbound, version, 0x09, expected[i].prepare);
        params.value_count = 2;
        params.values = (struct cql_span){values.data, values.len};
        params.page_size = 100;
        params.paging_state = (struct cql_span){paging, sizeof paging};
        cql_write_execute(&out, (struct cql_span){id, sizeof id},
                          (struct cql_span){metadata, sizeof metadata}, &params);
        check(&outbound, version, 0x0a, expected[i].execute);
        cql_write_batch_begin(&out, 1);
        cql_write_batch_entry(&out, (struct cql_span){id, sizeof id}, 2, params.values);
        cql_write_batch_end(&out, CQL_LOCAL_QUORUM);
        check(&outbound, version, 0x0d, expected[i].batch);
        cql_write_register(&out);
        check(&outbound, version, 0x0b,
              "0002000f544f504f4c4f47595f4348414e4745000d5354415455535f4348414e4745");
        cql_write_options(&out);
        check(&outbound, version, 0x05, "");
        cql_write_auth_response(&out, "ab", "c"); /* 5 bytes: 0 a b 0 c */
        check(&outbound, version, 0x0f, "000000050061620063");
    }
    cql_bytes_clear(&values);
}

/* Each kind of value, by hand. */
static void test_values(void)
{
    static const uint8_t blob[] = {9};
    const struct cql_value values[] = {cql_unset(),    cql_null(),      cql_int(-2),
                                       cql_long(258),  cql_double(1.5), cql_text("h\xc3\xa9"),
                                       cql_text(NULL), cql_text(""),    cql_blob(blob, 1)};
    struct cql_outbound outbound = {.frame_start = CQL_NO_FRAME};
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
        cql_put_value(&outbound.bytes, &values[i]);
    g_autofree char *text = hex(&outbound, 0);
    g_assert_cmpstr(text, ==,
                    "fffffffe"
                    "ffffffff"
                    "00000004fffffffe"
                    "000000080000000000000102"
                    "000000083ff8000000000000"
                    "0000000368c3a9"
                    "ffffffff"
                    "00000000"
                    "0000000109");
    cql_outbound_clear(&outbound);
    g_assert_true(cql_value_fits(&values[3], CQL_TYPE_TIMESTAMP));
    g_assert_false(cql_value_fits(&values[2], CQL_TYPE_BIGINT));
    g_assert_false(cql_value_fits(&values[5], CQL_TYPE_INT));
    g_assert_true(cql_value_fits(&values[1], CQL_TYPE_INT));
}

struct body {
    uint8_t data[512];
    size_t len;
};

static struct body from_hex(const char *text)
{
    struct body body = {.len = 0};
    for (; *text; text++)
        if (g_ascii_isxdigit(*text)) {
            body.data[body.len++] =
                (uint8_t)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
            text++;
        }
    return body;
}

static bool read_body(const struct body *body,
                      size_t len,
                      uint8_t version,
                      uint8_t flags,
                      uint8_t opcode,
                      struct arena *arena,
                      struct cql_answer *answer)
{
    /* A copy of just that length, so that reading over its end is seen. */
    g_autofree uint8_t *exact = g_memdup2(body->data, MAX(len, 1));
    const struct cql_envelope envelope = {
        .version = version, .flags = flags, .opcode = opcode, .body = exact, .len = len};
    g_autoptr(GError) error = NULL;
    bool read = cql_answer_read(&envelope, arena, answer, &error);
    g_assert_true(read || error_is(error, BADDATA));
    if (read && len == body->len) { /* spans must outlive exact */
        struct cql_envelope whole = envelope;
        whole.body = body->data;
        g_assert_true(cql_answer_read(&whole, arena, answer, NULL));
    }
    return read;
}

/* kind rows, global table; id int, title text, extra list<map<int,text>>; two rows, a null and an
 * empty text. */
static const char rows_hex[] = "00000002 00000003 00000003 00000002 cafe"
                               "0001 6b 0001 74"
                               "0002 6964 0009"
                               "0005 7469746c65 000d"
                               "0001 78 0020 0021 0009 000d"
                               "00000002"
                               "00000004 00000007 00000004 48656174 ffffffff"
                               "00000004 fffffff7 00000000 ffffffff";

static void test_rows(void)
{
    struct arena *arena = arena_new();
    struct body body = from_hex(rows_hex);
    struct cql_answer answer;
    g_assert_true(read_body(&body, body.len, 0x84, 0, CQL_OP_RESULT, arena, &answer));
    g_assert_cmpint(answer.kind, ==, CQL_ANSWER_ROWS);
    g_assert_cmpuint(answer.rows.column_count, ==, 3);
    g_assert_true(answer.rows.more);
    assert_bytes(answer.rows.paging_state.data, answer.rows.paging_state.len, "\xca\xfe", 2);
    assert_bytes(answer.rows.columns[1].name.data, answer.rows.columns[1].name.len, "title", 5);
    g_assert_cmpuint(answer.rows.columns[2].type, ==, 0x20);
    struct cql_cell cells[3];
    g_assert_true(cql_rows_next(&answer.rows, cells));
    g_assert_cmpint(cql_cell_int(&cells[0]), ==, 7);
    assert_bytes(cells[1].data, (size_t)cells[1].len, "Heat", 4);
    g_assert_cmpint(cells[2].len, ==, -1);
    g_assert_true(cql_rows_next(&answer.rows, cells));
    g_assert_cmpint(cql_cell_int(&cells[0]), ==, -9);
    g_assert_cmpint(cells[1].len, ==, 0);
    g_assert_cmpint(cql_cell_long(&cells[0]), ==, 0); /* of another length */
    g_assert_false(cql_rows_next(&answer.rows, cells));
    arena_free(arena);
}

/* What each opcode's and each result kind's body becomes; cut anywhere, it is refused. */
static void test_kinds(void)
{
    static const struct {
        uint8_t version, flags, opcode;
        enum cql_answer_kind kind;
        const char *hex;
        bool any_length; /* cut, it is a message all the same: the rest isn't read */
    } cases[] = {
        {0x84, 0, CQL_OP_RESULT, CQL_ANSWER_ROWS, rows_hex, false},
        {0x84, 0, CQL_OP_RESULT, CQL_ANSWER_VOID, "00000001", false},
        {0x84, 0, CQL_OP_RESULT, CQL_ANSWER_VOID, "00000003 0001 6b", true},
        {0x84, 0, CQL_OP_RESULT, CQL_ANSWER_VOID, "00000005 0007 43524541544544", true},
        {0x84, 0, CQL_OP_RESULT, CQL_ANSWER_PREPARED,
         "00000004 0002 abcd 00000001 00000001 00000001 0000 0001 6b 0001 74 0001 61 0009", false},
        {0x85, 0, CQL_OP_RESULT, CQL_ANSWER_PREPARED,
         "00000004 0002 abcd 0001 ef 00000001 00000001 00000001 0000 0001 6b 0001 74 0001 61 0009",
         false},
        {0x84, 0, CQL_OP_READY, CQL_ANSWER_READY, "", false},
        {0x84, 0, CQL_OP_AUTHENTICATE, CQL_ANSWER_AUTHENTICATE, "0002 6f72", false},
        {0x84, 0, CQL_OP_AUTH_SUCCESS, CQL_ANSWER_AUTH_SUCCESS, "ffffffff", true},
        {0x84, 0, CQL_OP_SUPPORTED, CQL_ANSWER_SUPPORTED, "0000", true},
        {0x84, 0, CQL_OP_EVENT, CQL_ANSWER_TOPOLOGY, "000d 5354415455535f4348414e4745", false},
        {0x84, 0, CQL_OP_EVENT, CQL_ANSWER_OTHER, "000d 534348454d415f4348414e4745", false},
        {0x84, 0, CQL_OP_ERROR, CQL_ANSWER_FAILURE, "00002200 0002 6e6f", false},
        /* tracing, a warning, a payload: passed over */
        {0x84, 0x0e, CQL_OP_RESULT, CQL_ANSWER_VOID,
         "000102030405060708090a0b0c0d0e0f 0001 0002 6f68 0001 0001 6b 00000001 76 00000001",
         false},
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct body body = from_hex(cases[i].hex);
        struct cql_answer answer;
        for (size_t len = 0; !cases[i].any_length && len < body.len; len++)
            g_assert_false(read_body(&body, len, cases[i].version, cases[i].flags, cases[i].opcode,
                                     arena, &answer));
        g_assert_true(read_body(&body, body.len, cases[i].version, cases[i].flags, cases[i].opcode,
                                arena, &answer));
        g_assert_cmpint(answer.kind, ==, cases[i].kind);
        if (answer.kind == CQL_ANSWER_PREPARED) {
            assert_bytes(answer.prepared.id.data, answer.prepared.id.len, "\xab\xcd", 2);
            g_assert_cmpuint(answer.prepared.metadata_id.len, ==, cases[i].version == 0x85);
            g_assert_cmpuint(answer.prepared.marker_count, ==, 1);
            g_assert_cmpuint(answer.prepared.markers[0].type, ==, CQL_TYPE_INT);
            g_assert_cmpuint(answer.prepared.key_count, ==, 1);
        }
    }
    arena_free(arena);
}

static void test_refused(void)
{
    static const struct {
        uint8_t flags, opcode;
        const char *hex;
    } cases[] = {
        {0, CQL_OP_RESULT, "00000009"},                            /* no such kind */
        {0, CQL_OP_RESULT, "00000002 00000004 00000041 00000000"}, /* 65 columns */
        {0, CQL_OP_RESULT, "00000002 00000004 ffffffff 00000000"}, /* -1 columns */
        {0, CQL_OP_RESULT, "00000002 00000004 00000000 7fffffff"}, /* rows of nothing */
        {0, CQL_OP_RESULT, "00000002 00000004 00000001 ffffffff"}, /* -1 rows */
        {0, CQL_OP_RESULT,
         "00000004 0001 aa 00000001 00000001 00000001 0005 0001 6b 0001 74 0001 "
         "61 0009"}, /* key of marker 5 */
        {0, CQL_OP_RESULT, "00000004 0000 00000001 00000000 00000000 0000 0000"}, /* no id */
        {1, CQL_OP_RESULT, "00000001"},                                           /* compressed */
        {0, CQL_OP_AUTH_CHALLENGE, "ffffffff"},
        {0, CQL_OP_QUERY, ""},
        {0, 0x77, ""},
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct body body = from_hex(cases[i].hex);
        struct cql_answer answer;
        g_assert_false(
            read_body(&body, body.len, 0x84, cases[i].flags, cases[i].opcode, arena, &answer));
    }
    /* Types that nest without end. */
    struct body deep = from_hex("00000002 00000001 00000001 0000 0000 0000");
    while (deep.len + 2 <= 100) {
        deep.data[deep.len++] = 0;
        deep.data[deep.len++] = 0x20;
    }
    struct cql_answer answer;
    g_assert_false(read_body(&deep, deep.len, 0x84, 0, CQL_OP_RESULT, arena, &answer));
    arena_free(arena);
}

/* FACTS of each error code: what its body holds, what is done, what the caller is told. */
static void test_failures(void)
{
    static const struct {
        int32_t code;
        const char *rest;
        enum cql_verdict idempotent, other;
        enum marquee_error error;
    } cases[] = {
        {0x0000, "", CQL_RETRY_NEXT, CQL_GIVE_UP, MARQUEE_ERROR_AGAIN},
        {0x000a, "", CQL_GIVE_UP, CQL_GIVE_UP, MARQUEE_ERROR_FAILED},
        {0x0100, "", CQL_GIVE_UP, CQL_GIVE_UP, MARQUEE_ERROR_DENIED},
        {0x1000, "0006 00000002 00000001", CQL_RETRY_NEXT, CQL_RETRY_NEXT, MARQUEE_ERROR_AGAIN},
        {0x1001, "", CQL_GIVE_UP, CQL_GIVE_UP, MARQUEE_ERROR_AGAIN},
        {0x1002, "", CQL_RETRY_NEXT, CQL_RETRY_NEXT, MARQUEE_ERROR_AGAIN},
        {0x1003, "", CQL_GIVE_UP, CQL_GIVE_UP, MARQUEE_ERROR_AGAIN},
        {0x1100, "0006 00000001 00000002 0006 53494d504c45", CQL_GIVE_UP, CQL_GIVE_UP,
         MARQUEE_ERROR_AGAIN},
        {0x1200, "0006 00000001 00000002 00", CQL_GIVE_UP, CQL_GIVE_UP, MARQUEE_ERROR_AGAIN},
        {0x1200, "0006 00000002 00000002 00", CQL_RETRY_SAME, CQL_GIVE_UP, MARQUEE_ERROR_AGAIN},
        {0x1300, "0006 00000001 00000002 00000001 00", CQL_GIVE_UP, CQL_GIVE_UP,
         MARQUEE_ERROR_AGAIN},
        {0x1400, "0001 6b 0001 66 0000", CQL_GIVE_UP, CQL_GIVE_UP, MARQUEE_ERROR_FAILED},
        {0x1500, "0006 00000001 00000002 00000001 0006 53494d504c45", CQL_GIVE_UP, CQL_GIVE_UP,
         MARQUEE_ERROR_AGAIN},
        {0x1600, "", CQL_GIVE_UP, CQL_GIVE_UP, MARQUEE_ERROR_AGAIN},
        {0x1700, "0009 00000001 00000002", CQL_GIVE_UP, CQL_GIVE_UP, MARQUEE_ERROR_AGAIN},
        {0x2000, "", CQL_GIVE_UP, CQL_GIVE_UP, MARQUEE_ERROR_FAILED},
        {0x2100, "", CQL_GIVE_UP, CQL_GIVE_UP, MARQUEE_ERROR_DENIED},
        {0x2200, "", CQL_GIVE_UP, CQL_GIVE_UP, MARQUEE_ERROR_FAILED},
        {0x2300, "", CQL_GIVE_UP, CQL_GIVE_UP, MARQUEE_ERROR_CONFIG},
        {0x2400, "0001 6b 0000", CQL_GIVE_UP, CQL_GIVE_UP, MARQUEE_ERROR_CONFLICT},
        {0x2500, "0002 abcd", CQL_PREPARE_AGAIN, CQL_PREPARE_AGAIN, MARQUEE_ERROR_AGAIN},
        {0x7777, "", CQL_GIVE_UP, CQL_GIVE_UP, MARQUEE_ERROR_FAILED},
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf("%08x 0002 6eff %s", cases[i].code, cases[i].rest);
        struct body body = from_hex(text);
        struct cql_answer answer;
        g_assert_true(read_body(&body, body.len, 0x84, 0, CQL_OP_ERROR, arena, &answer));
        const struct cql_failure *failure = &answer.failure;
        g_assert_cmpint(failure->code, ==, cases[i].code);
        g_assert_cmpint(cql_retry_decide(failure, true, 0), ==, cases[i].idempotent);
        g_assert_cmpint(cql_retry_decide(failure, false, 0), ==, cases[i].other);
        if (failure->code != CQL_ERROR_UNPREPARED)
            g_assert_cmpint(cql_retry_decide(failure, true, 1), ==, CQL_GIVE_UP); /* once */
        g_autoptr(GError) error = NULL;
        cql_failure_set(&error, failure, "n1");
        g_assert_true(g_error_matches(error, MARQUEE_ERROR, (gint)cases[i].error));
        g_assert_true(
            g_utf8_validate(error->message, -1, NULL)); /* the server's text isn't UTF-8 */
        g_assert_nonnull(strstr(error->message, cql_failure_name(failure->code)));
        if (failure->code == CQL_ERROR_UNAVAILABLE)
            g_assert_nonnull(strstr(error->message, "1 of 2"));
    }
    arena_free(arena);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cql/message/requests", test_requests);
    g_test_add_func("/cql/message/values", test_values);
    g_test_add_func("/cql/message/rows", test_rows);
    g_test_add_func("/cql/message/kinds", test_kinds);
    g_test_add_func("/cql/message/refused", test_refused);
    g_test_add_func("/cql/message/failures", test_failures);
    return g_test_run();
}
