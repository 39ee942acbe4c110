/* Frame: the bytes before a record's Avro that name its schema.
 * Source: Confluent, "Wire format": 0x00 and the id as 4 bytes big-endian; or 0x01 and the schema's
 * GUID as 16 bytes. */
#pragma once

#include <stddef.h>

#define FRAME_ID          0x00
#define FRAME_GUID        0x01
#define FRAME_ID_BYTES    5
#define FRAME_GUID_BYTES  17
#define SCHEMA_GUID_BYTES 16

/* How long a frame is that begins with this byte; 0: none begins so. */
static inline size_t frame_len(char first)
{
    return first == FRAME_ID ? FRAME_ID_BYTES : first == FRAME_GUID ? FRAME_GUID_BYTES : 0;
}
