#include "cql/cql_frame.h"

#include <zlib.h>

#define CRC24_INITIAL    0x875060u
#define CRC24_POLYNOMIAL 0x1974F0Bu
#define SELF_CONTAINED   (1u << 17)
#define LENGTH_MASK      0x1FFFFu
/* Sent bytes are dropped from the front of a buffer above this. */
#define COMPACT_BYTES ((size_t)256 * 1024)

uint32_t cql_crc24(uint32_t header_low_24_bits)
{
    uint32_t crc = CRC24_INITIAL;
    for (int byte = 0; byte < 3; byte++, header_low_24_bits >>= 8) {
        crc ^= (header_low_24_bits & 0xFF) << 16;
        for (int bit = 0; bit < 8; bit++) {
            crc <<= 1;
            if (crc & 0x1000000)
                crc ^= CRC24_POLYNOMIAL;
        }
    }
    return crc;
}

uint32_t cql_crc32(const void *payload, size_t len)
{
    static const uint8_t before[] = {0xFA, 0x2D, 0x55, 0xCA};
    uLong crc = crc32(crc32(0, NULL, 0), before, sizeof before);
    return (uint32_t)crc32(crc, payload, (uInt)len);
}

/* ---- out ---- */

static void put_frame_header(uint8_t *at, size_t payload, bool self_contained)
{
    uint32_t low = (uint32_t)payload | (self_contained ? SELF_CONTAINED : 0);
    uint32_t crc = cql_crc24(low);
    for (int i = 0; i < 3; i++) {
        at[i] = (uint8_t)(low >> (8 * i));
        at[3 + i] = (uint8_t)(crc >> (8 * i));
    }
}

static void put_frame_trailer(uint8_t *at, uint32_t crc)
{
    for (int i = 0; i < CQL_FRAME_TRAILER_BYTES; i++)
        at[i] = (uint8_t)(crc >> (8 * i));
}

static void open_frame(struct cql_outbound *outbound)
{
    if (!outbound->framed || outbound->frame_start != CQL_NO_FRAME)
        return;
    outbound->frame_start = outbound->bytes.len;
    cql_bytes_grow(&outbound->bytes, CQL_FRAME_HEADER_BYTES);
}

void cql_outbound_begin(
    struct cql_outbound *outbound, uint8_t version, uint8_t flags, int16_t stream, uint8_t opcode)
{
    open_frame(outbound);
    outbound->envelope_start = outbound->bytes.len;
    cql_put_u8(&outbound->bytes, version);
    cql_put_u8(&outbound->bytes, flags);
    cql_put_short(&outbound->bytes, (uint16_t)stream);
    cql_put_u8(&outbound->bytes, opcode);
    cql_put_int(&outbound->bytes, 0); /* the length, at the end */
}

/* One payload, sealed, at the end of the bytes. */
static void put_frame(struct cql_bytes *bytes, const uint8_t *payload, size_t len, bool whole)
{
    put_frame_header(cql_bytes_grow(bytes, CQL_FRAME_HEADER_BYTES), len, whole);
    cql_put_raw(bytes, payload, len);
    put_frame_trailer(cql_bytes_grow(bytes, CQL_FRAME_TRAILER_BYTES), cql_crc32(payload, len));
}

/* The last envelope doesn't fit into the open frame: that one is closed without it. */
static void move_envelope(struct cql_outbound *outbound)
{
    struct cql_bytes *bytes = &outbound->bytes;
    size_t len = bytes->len - outbound->envelope_start;
    g_autofree uint8_t *envelope = g_memdup2(bytes->data + outbound->envelope_start, len);
    bytes->len = outbound->envelope_start;
    if (bytes->len == outbound->frame_start + CQL_FRAME_HEADER_BYTES) {
        bytes->len = outbound->frame_start;
        outbound->frame_start = CQL_NO_FRAME;
    } else {
        cql_outbound_seal(outbound);
    }
    if (len <= CQL_FRAME_PAYLOAD_MAX) {
        open_frame(outbound);
        cql_put_raw(bytes, envelope, len);
        return;
    }
    for (size_t at = 0; at < len; at += CQL_FRAME_PAYLOAD_MAX)
        put_frame(bytes, envelope + at, MIN(len - at, CQL_FRAME_PAYLOAD_MAX), false);
}

void cql_outbound_end(struct cql_outbound *outbound)
{
    struct cql_bytes *bytes = &outbound->bytes;
    size_t body = bytes->len - outbound->envelope_start - CQL_ENVELOPE_HEADER_BYTES;
    g_assert(body <= INT32_MAX);
    uint32_t length = GUINT32_TO_BE((uint32_t)body);
    memcpy(bytes->data + outbound->envelope_start + 5, &length, sizeof length);
    if (outbound->framed &&
        bytes->len - outbound->frame_start - CQL_FRAME_HEADER_BYTES > CQL_FRAME_PAYLOAD_MAX)
        move_envelope(outbound);
}

void cql_outbound_seal(struct cql_outbound *outbound)
{
    if (outbound->frame_start == CQL_NO_FRAME)
        return;
    struct cql_bytes *bytes = &outbound->bytes;
    size_t payload = bytes->len - outbound->frame_start - CQL_FRAME_HEADER_BYTES;
    uint32_t crc = cql_crc32(bytes->data + outbound->frame_start + CQL_FRAME_HEADER_BYTES, payload);
    put_frame_header(bytes->data + outbound->frame_start, payload, true);
    put_frame_trailer(cql_bytes_grow(bytes, CQL_FRAME_TRAILER_BYTES), crc);
    outbound->frame_start = CQL_NO_FRAME;
}

void cql_outbound_advance(struct cql_outbound *outbound, size_t len)
{
    struct cql_bytes *bytes = &outbound->bytes;
    outbound->sent += len;
    g_assert(outbound->sent <= bytes->len);
    if (outbound->sent < bytes->len && outbound->sent < COMPACT_BYTES)
        return;
    bytes->len -= outbound->sent;
    memmove(bytes->data, bytes->data + outbound->sent, bytes->len);
    if (outbound->frame_start != CQL_NO_FRAME)
        outbound->frame_start -= outbound->sent;
    outbound->sent = 0;
}

void cql_outbound_clear(struct cql_outbound *outbound)
{
    cql_bytes_clear(&outbound->bytes);
    *outbound = (struct cql_outbound){.frame_start = CQL_NO_FRAME};
}

/* ---- in ---- */

uint8_t *cql_inbound_room(struct cql_inbound *inbound, size_t len_min, size_t *ret_len)
{
    struct cql_bytes *bytes = &inbound->bytes;
    if (inbound->at > 0 && bytes->capacity - bytes->len < len_min) {
        bytes->len -= inbound->at;
        memmove(bytes->data, bytes->data + inbound->at, bytes->len);
        inbound->frame_end = inbound->frame_end ? inbound->frame_end - inbound->at : 0;
        inbound->at = 0;
    }
    cql_bytes_grow(bytes, len_min);
    bytes->len -= len_min;
    *ret_len = bytes->capacity - bytes->len;
    return bytes->data + bytes->len;
}

void cql_inbound_received(struct cql_inbound *inbound, size_t len)
{
    g_assert(len <= inbound->bytes.capacity - inbound->bytes.len);
    inbound->bytes.len += len;
}

/* The envelope at data, if len bytes hold all of it. */
static bool envelope_at(const uint8_t *data,
                        size_t len,
                        struct cql_envelope *ret_envelope,
                        bool *ret_whole,
                        GError **error)
{
    *ret_whole = false;
    if (len < CQL_ENVELOPE_HEADER_BYTES)
        return true;
    struct cql_reader reader = cql_reader_of(data, len);
    struct cql_envelope envelope;
    envelope.version = cql_read_u8(&reader);
    envelope.flags = cql_read_u8(&reader);
    envelope.stream = (int16_t)cql_read_short(&reader);
    envelope.opcode = cql_read_u8(&reader);
    int32_t body = cql_read_int(&reader);
    if (!(envelope.version & 0x80)) {
        error_set(error, BADDATA,
                  "expected an answer of the native protocol, found first byte 0x%02x: is this "
                  "Cassandra's CQL port, with or without TLS as configured?",
                  envelope.version);
        return false;
    }
    if (body < 0 || body > CQL_BODY_MAX) {
        error_set(error, BADDATA, "an answer claims %d bytes, at most %d are taken", body,
                  CQL_BODY_MAX);
        return false;
    }
    if (cql_reader_left(&reader) < (size_t)body)
        return true;
    envelope.body = reader.at;
    envelope.len = (size_t)body;
    *ret_envelope = envelope;
    *ret_whole = true;
    return true;
}

static uint32_t read_le(const uint8_t *at, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint32_t)at[i] << (8 * i);
    return value;
}

/* Checks the frame at `at`. */
static bool enter_frame(struct cql_inbound *inbound,
                        size_t *ret_payload,
                        bool *ret_self_contained,
                        bool *ret_whole,
                        GError **error)
{
    const uint8_t *at = inbound->bytes.data + inbound->at;
    size_t left = inbound->bytes.len - inbound->at;
    *ret_whole = false;
    if (left < CQL_FRAME_HEADER_BYTES)
        return true;
    uint32_t low = read_le(at, 3);
    if (cql_crc24(low) != read_le(at + 3, 3)) {
        error_set(error, BADDATA, "a frame's header is damaged (CRC24)");
        return false;
    }
    size_t payload = low & LENGTH_MASK;
    if (left < CQL_FRAME_HEADER_BYTES + payload + CQL_FRAME_TRAILER_BYTES)
        return true;
    at += CQL_FRAME_HEADER_BYTES;
    if (cql_crc32(at, payload) != read_le(at + payload, CQL_FRAME_TRAILER_BYTES)) {
        error_set(error, BADDATA, "a frame's payload of %zu bytes is damaged (CRC32)", payload);
        return false;
    }
    *ret_payload = payload;
    *ret_self_contained = low & SELF_CONTAINED;
    *ret_whole = true;
    return true;
}

/* A piece joins the others; *ret_found where the envelope is whole with it. */
static bool take_piece(struct cql_inbound *inbound,
                       const uint8_t *payload,
                       size_t len,
                       struct cql_envelope *ret_envelope,
                       bool *ret_found,
                       GError **error)
{
    if (len > CQL_BODY_MAX + CQL_ENVELOPE_HEADER_BYTES - MIN(inbound->pieces.len, CQL_BODY_MAX)) {
        error_set(error, BADDATA, "the pieces of an answer exceed %d bytes", CQL_BODY_MAX);
        return false;
    }
    cql_put_raw(&inbound->pieces, payload, len);
    if (!envelope_at(inbound->pieces.data, inbound->pieces.len, ret_envelope, ret_found, error))
        return false;
    if (*ret_found && ret_envelope->len + CQL_ENVELOPE_HEADER_BYTES != inbound->pieces.len) {
        error_set(error, BADDATA, "the pieces of an answer are longer than the answer");
        return false;
    }
    inbound->pieces_read = *ret_found;
    return true;
}

/* Out of the payload that `at` stands in. */
static bool next_in_payload(struct cql_inbound *inbound,
                            struct cql_envelope *ret_envelope,
                            bool *ret_found,
                            GError **error)
{
    if (!envelope_at(inbound->bytes.data + inbound->at, inbound->frame_end - inbound->at,
                     ret_envelope, ret_found, error))
        return false;
    if (!*ret_found) {
        error_set(error, BADDATA, "a self-contained frame ends inside an answer");
        return false;
    }
    inbound->at += CQL_ENVELOPE_HEADER_BYTES + ret_envelope->len;
    return true;
}

static bool next_framed(struct cql_inbound *inbound,
                        struct cql_envelope *ret_envelope,
                        bool *ret_found,
                        GError **error)
{
    for (;;) {
        if (inbound->frame_end && inbound->at < inbound->frame_end)
            return next_in_payload(inbound, ret_envelope, ret_found, error);
        if (inbound->frame_end) {
            inbound->at += CQL_FRAME_TRAILER_BYTES;
            inbound->frame_end = 0;
        }
        size_t payload;
        bool self_contained, whole;
        if (!enter_frame(inbound, &payload, &self_contained, &whole, error))
            return false;
        if (!whole)
            return true;
        inbound->at += CQL_FRAME_HEADER_BYTES;
        if (self_contained) {
            if (inbound->pieces.len) {
                error_set(error, BADDATA, "a whole frame stands between an answer's pieces");
                return false;
            }
            inbound->frame_end = inbound->at + payload;
            continue;
        }
        const uint8_t *at = inbound->bytes.data + inbound->at;
        inbound->at += payload + CQL_FRAME_TRAILER_BYTES;
        if (!take_piece(inbound, at, payload, ret_envelope, ret_found, error))
            return false;
        if (*ret_found)
            return true;
    }
}

bool cql_inbound_next(struct cql_inbound *inbound,
                      struct cql_envelope *ret_envelope,
                      bool *ret_found,
                      GError **error)
{
    *ret_found = false;
    if (!inbound->bytes.data)
        return true;
    if (inbound->pieces_read) {
        inbound->pieces_read = false;
        inbound->pieces.len = 0;
    }
    if (inbound->framed)
        return next_framed(inbound, ret_envelope, ret_found, error);
    if (!envelope_at(inbound->bytes.data + inbound->at, inbound->bytes.len - inbound->at,
                     ret_envelope, ret_found, error))
        return false;
    if (*ret_found)
        inbound->at += CQL_ENVELOPE_HEADER_BYTES + ret_envelope->len;
    return true;
}

void cql_inbound_clear(struct cql_inbound *inbound)
{
    cql_bytes_clear(&inbound->bytes);
    cql_bytes_clear(&inbound->pieces);
    *inbound = (struct cql_inbound){0};
}
