/* Frames: how envelopes travel on a connection, both ways. Knows no socket.
 *
 *   envelope      version 1 | flags 1 | stream 2 | opcode 1 | length 4 | body     (big-endian)
 *
 * Version 4, and version 5 until the answer to STARTUP, send envelopes bare, one after another.
 * From then on version 5 wraps them in frames (uncompressed ones here; we ask for no compression):
 *
 *   frame         payload length 17 bits | self-contained 1 | 0 6 | CRC24 of those 3 bytes 24
 *                 payload | CRC32 of the payload                                (little-endian)
 *
 * A self-contained frame holds whole envelopes, any number; an envelope above 131,071 bytes goes in
 * pieces, each in a frame of its own that is not self-contained. CRC24: initial value 0x875060,
 * polynomial 0x1974F0B, low byte first. CRC32: zlib's, after the four bytes FA 2D 55 CA.
 *
 * A damaged frame is BADDATA, and the connection is of no further use: where the next one starts
 * can't be known. */
#pragma once

#include "base/error.h"
#include "cql/cql_bytes.h"

#define CQL_FRAME_HEADER_BYTES    6
#define CQL_FRAME_TRAILER_BYTES   4
#define CQL_FRAME_PAYLOAD_MAX     131071
#define CQL_ENVELOPE_HEADER_BYTES 9
/* Largest body taken: the protocol allows 256 MB, our pages are far below this. */
#define CQL_BODY_MAX (32 * 1024 * 1024)

uint32_t cql_crc24(uint32_t header_low_24_bits);
uint32_t cql_crc32(const void *payload, size_t len);

/* ---- out ---- */

#define CQL_NO_FRAME SIZE_MAX

/* Zeroed but for frame_start = CQL_NO_FRAME at first. Bytes from sent on are to be written. */
struct cql_outbound {
    struct cql_bytes bytes;
    size_t sent, frame_start, envelope_start;
    bool framed; /* set between envelopes only */
};

/* Header of an envelope; its body is what the caller appends to outbound->bytes, then _end. */
void cql_outbound_begin(
    struct cql_outbound *outbound, uint8_t version, uint8_t flags, int16_t stream, uint8_t opcode);
void cql_outbound_end(struct cql_outbound *outbound);

/* Closes the open frame, so that all bytes may go. */
void cql_outbound_seal(struct cql_outbound *outbound);
/* len more bytes have gone. */
void cql_outbound_advance(struct cql_outbound *outbound, size_t len);
void cql_outbound_clear(struct cql_outbound *outbound);

/* ---- in ---- */

struct cql_envelope {
    uint8_t version, flags, opcode; /* version as received: 0x84, 0x85 */
    int16_t stream;
    const uint8_t *body;
    size_t len;
};

/* Zeroed at first. */
struct cql_inbound {
    struct cql_bytes bytes;  /* received; from at on not yet read */
    struct cql_bytes pieces; /* of an envelope in several frames */
    size_t at, frame_end;    /* frame_end: of the payload that at is in, 0: in none */
    bool framed;             /* set between envelopes only */
    bool pieces_read;        /* the envelope in pieces was handed out */
};

/* Where len_min or more bytes may be received; then _received. Invalidates envelopes. */
uint8_t *cql_inbound_room(struct cql_inbound *inbound, size_t len_min, size_t *ret_len);
void cql_inbound_received(struct cql_inbound *inbound, size_t len);

/* The next whole envelope, valid until the next call; *ret_found false where more bytes are needed.
 * BADDATA: damaged or too large. */
bool cql_inbound_next(struct cql_inbound *inbound,
                      struct cql_envelope *ret_envelope,
                      bool *ret_found,
                      GError **error) MUST_CHECK;
void cql_inbound_clear(struct cql_inbound *inbound);
