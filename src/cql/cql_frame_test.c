/* Proves: frames of version 5 are byte for byte those of another implementation (the expected bytes
 * are cassandra-driver's segment.py's, for Python); envelopes come out whole however the bytes
 * arrive; each flipped bit of a frame is noticed; sizes are limited. */
#include "cql/cql_frame.h"

static void assert_bytes(const void *data, size_t len, const void *expected, size_t expected_len)
{
    g_assert_cmpuint(len, ==, expected_len);
    g_assert_true(len == 0 || memcmp(data, expected, len) == 0);
}

/* An OPTIONS request on stream 1, framed. */
static const uint8_t options_frame[] = {0x09, 0x00, 0x02, 0xa4, 0xc8, 0xc1, 0x05, 0x00, 0x00, 0x01,
                                        0x05, 0x00, 0x00, 0x00, 0x00, 0xb5, 0x55, 0x74, 0x86};
/* Two void results on stream 2 in one frame. */
static const uint8_t results_frame[] = {0x1a, 0x00, 0x02, 0x20, 0x55, 0xa2, 0x85, 0x00, 0x00,
                                        0x02, 0x08, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00,
                                        0x01, 0x85, 0x00, 0x00, 0x02, 0x08, 0x00, 0x00, 0x00,
                                        0x04, 0x00, 0x00, 0x00, 0x01, 0x4a, 0x17, 0x0c, 0x3b};

static void give(struct cql_inbound *inbound, const uint8_t *data, size_t len)
{
    size_t room;
    uint8_t *at = cql_inbound_room(inbound, len, &room);
    g_assert_cmpuint(room, >=, len);
    memcpy(at, data, len);
    cql_inbound_received(inbound, len);
}

static void test_crc(void)
{
    g_assert_cmphex(cql_crc24(0), ==, 0x7de777);
    g_assert_cmphex(cql_crc24(0x020009), ==, 0xc1c8a4);
    g_assert_cmphex(cql_crc32(results_frame + 6, 26), ==, 0x3b0c174a);
}

static void test_write(void)
{
    struct cql_outbound outbound = {.frame_start = CQL_NO_FRAME, .framed = true};
    cql_outbound_begin(&outbound, 5, 0, 1, 0x05);
    cql_outbound_end(&outbound);
    cql_outbound_seal(&outbound);
    assert_bytes(outbound.bytes.data, outbound.bytes.len, options_frame, sizeof options_frame);
    cql_outbound_advance(&outbound, sizeof options_frame);
    g_assert_cmpuint(outbound.bytes.len, ==, 0);
    for (int i = 0; i < 2; i++) {
        cql_outbound_begin(&outbound, 0x85, 0, 2, 0x08);
        cql_put_int(&outbound.bytes, 1);
        cql_outbound_end(&outbound);
    }
    cql_outbound_seal(&outbound);
    assert_bytes(outbound.bytes.data, outbound.bytes.len, results_frame, sizeof results_frame);
    cql_outbound_clear(&outbound);
}

/* Version 4: no frames. */
static void test_bare(void)
{
    struct cql_outbound outbound = {.frame_start = CQL_NO_FRAME};
    cql_outbound_begin(&outbound, 4, 0, 0x0102, 0x05);
    cql_outbound_end(&outbound);
    cql_outbound_seal(&outbound);
    static const uint8_t expected[] = {4, 0, 1, 2, 5, 0, 0, 0, 0};
    assert_bytes(outbound.bytes.data, outbound.bytes.len, expected, sizeof expected);
    cql_outbound_clear(&outbound);
}

/* An envelope above a frame's size, behind and before small ones: pieces, then whole again. */
static void test_large(void)
{
    struct cql_outbound outbound = {.frame_start = CQL_NO_FRAME, .framed = true};
    static const size_t bodies[] = {3, 131072, 131062, 0, 300000, 131063};
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        cql_outbound_begin(&outbound, 0x85, 0, (int16_t)i, 0x08);
        memset(cql_bytes_grow(&outbound.bytes, bodies[i]), (int)i, bodies[i]);
        cql_outbound_end(&outbound);
    }
    cql_outbound_seal(&outbound);
    struct cql_inbound inbound = {.framed = true};
    GError *error = NULL;
    size_t seen = 0;
    /* In pieces of a size that fits nothing. */
    for (size_t at = 0; at < outbound.bytes.len; at += 4099) {
        give(&inbound, outbound.bytes.data + at, MIN(4099, outbound.bytes.len - at));
        for (bool found;;) {
            struct cql_envelope envelope;
            g_assert_true(cql_inbound_next(&inbound, &envelope, &found, &error));
            if (!found)
                break;
            g_assert_cmpint(envelope.stream, ==, (int)seen);
            g_assert_cmpuint(envelope.len, ==, bodies[seen]);
            for (size_t i = 0; i < envelope.len; i++)
                g_assert_cmpuint(envelope.body[i], ==, seen);
            seen++;
        }
    }
    g_assert_cmpuint(seen, ==, G_N_ELEMENTS(bodies));
    cql_inbound_clear(&inbound);
    cql_outbound_clear(&outbound);
}

/* The bytes of a large envelope's frames: header, CRC and end of both pieces. */
static void test_large_bytes(void)
{
    struct cql_outbound outbound = {.frame_start = CQL_NO_FRAME, .framed = true};
    cql_outbound_begin(&outbound, 5, 0, 3, 0x07);
    memset(cql_bytes_grow(&outbound.bytes, 131072), 0, 131072);
    cql_outbound_end(&outbound);
    cql_outbound_seal(&outbound);
    static const uint8_t first[] = {0xff, 0xff, 0x01, 0x38, 0x91, 0xfe};
    static const uint8_t first_crc[] = {0xe6, 0xca, 0x73, 0x28};
    static const uint8_t second[] = {0x0a, 0x00, 0x00, 0x91, 0xb9, 0xc0};
    static const uint8_t second_crc[] = {0x98, 0x8d, 0x1c, 0x79};
    g_assert_cmpuint(outbound.bytes.len, ==, 131101);
    const uint8_t *data = outbound.bytes.data;
    assert_bytes(data, 6, first, 6);
    assert_bytes(data + 6 + 131071, 4, first_crc, 4);
    assert_bytes(data + 6 + 131071 + 4, 6, second, 6);
    assert_bytes(data + 131101 - 4, 4, second_crc, 4);
    cql_outbound_clear(&outbound);
}

/* Cut at each byte, framed and bare. */
static void test_split(void)
{
    for (int framed = 0; framed < 2; framed++) {
        const uint8_t *data = results_frame + (framed ? 0 : 6);
        size_t len = framed ? sizeof results_frame : 26;
        for (size_t cut = 0; cut <= len; cut++) {
            struct cql_inbound inbound = {.framed = framed};
            GError *error = NULL;
            int seen = 0;
            for (int half = 0; half < 2; half++) {
                give(&inbound, half ? data + cut : data, half ? len - cut : cut);
                for (bool found = true; found;) {
                    struct cql_envelope envelope;
                    g_assert_true(cql_inbound_next(&inbound, &envelope, &found, &error));
                    if (found)
                        g_assert_cmpuint(envelope.len, ==, 4);
                    seen += found;
                }
            }
            g_assert_cmpint(seen, ==, 2);
            cql_inbound_clear(&inbound);
        }
    }
}

/* Each single flipped bit is an error at once: a length that grew too, by the header's own CRC. */
static void test_damaged(void)
{
    for (size_t bit = 0; bit < 8 * sizeof results_frame; bit++) {
        uint8_t data[sizeof results_frame];
        memcpy(data, results_frame, sizeof data);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct cql_inbound inbound = {.framed = true};
        struct cql_envelope envelope;
        bool found;
        g_autoptr(GError) error = NULL;
        give(&inbound, data, sizeof data);
        g_assert_false(cql_inbound_next(&inbound, &envelope, &found, &error));
        g_assert_true(error_is(error, BADDATA));
        cql_inbound_clear(&inbound);
    }
}

static void refused(bool framed, const uint8_t *data, size_t len, const char *part)
{
    struct cql_inbound inbound = {.framed = framed};
    struct cql_envelope envelope;
    bool found;
    g_autoptr(GError) error = NULL;
    give(&inbound, data, len);
    g_assert_false(cql_inbound_next(&inbound, &envelope, &found, &error));
    g_assert_true(error_is(error, BADDATA));
    g_assert_nonnull(strstr(error->message, part));
    cql_inbound_clear(&inbound);
}

/* A frame with these contents, correct in itself. */
static size_t framed(uint8_t *out, const void *payload, size_t len, bool whole)
{
    uint32_t low = (uint32_t)len | (whole ? 1u << 17 : 0), crc = cql_crc24(low);
    for (int i = 0; i < 3; i++) {
        out[i] = (uint8_t)(low >> 8 * i);
        out[3 + i] = (uint8_t)(crc >> 8 * i);
    }
    memcpy(out + 6, payload, len);
    crc = cql_crc32(payload, len);
    for (int i = 0; i < 4; i++)
        out[6 + len + (size_t)i] = (uint8_t)(crc >> 8 * i);
    return len + 10;
}

static void test_refused(void)
{
    static const uint8_t request[] = {0x05, 0, 0, 1, 5, 0, 0, 0, 0};
    static const uint8_t huge[] = {0x84, 0, 0, 1, 8, 0x7f, 0xff, 0xff, 0xff};
    static const uint8_t negative[] = {0x84, 0, 0, 1, 8, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t http[] = "HTTP/1.1 400 Bad Request\r\n";
    static const uint8_t early[] = {0x85, 0, 0, 1, 8, 0, 0, 0, 4, 0};
    static const uint8_t longer[] = {0x85, 0, 0, 1, 8, 0, 0, 0, 0, 0};
    refused(false, request, sizeof request, "expected an answer");
    refused(false, huge, sizeof huge, "claims");
    refused(false, negative, sizeof negative, "claims");
    refused(false, http, sizeof http, "first byte 0x48");
    uint8_t frame[64];
    refused(true, frame, framed(frame, early, sizeof early, true), "ends inside");
    refused(true, frame, framed(frame, longer, sizeof longer, false), "longer than the answer");
    size_t len = framed(frame, early, sizeof early, false);
    len += framed(frame + len, longer, sizeof longer - 1, true);
    refused(true, frame, len, "between an answer's pieces");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cql/frame/crc", test_crc);
    g_test_add_func("/cql/frame/write", test_write);
    g_test_add_func("/cql/frame/bare", test_bare);
    g_test_add_func("/cql/frame/large", test_large);
    g_test_add_func("/cql/frame/large_bytes", test_large_bytes);
    g_test_add_func("/cql/frame/split", test_split);
    g_test_add_func("/cql/frame/damaged", test_damaged);
    g_test_add_func("/cql/frame/refused", test_refused);
    return g_test_run();
}
