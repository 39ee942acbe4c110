/* Codec: Avro binary to and from the structs of record.h.
 *
 * A decoder is a small program compiled once from (writer's schema, reader's schema, struct);
 * decoding walks it, so a record of an older or newer writer costs no more than our own. Input is
 * never trusted: every length is checked against what is left, and bytes behind the record are an
 * error. A decoder and an encoder are immutable after _new: any thread may use them. The schemas
 * and the type outlive them. */
#pragma once

#include <glib.h>

#include "base/arena.h"
#include "base/error.h"
#include "model/record.h"
#include "model/schema.h"

struct decoder;
struct encoder;

/* BADDATA where the reader can't resolve the writer; FAILED where the struct lacks a field of the
 * reader. */
struct decoder *decoder_new(const struct schema *writer,
                            const struct schema *reader,
                            const struct record_type *type,
                            GError **error) MUST_CHECK;
void decoder_free(struct decoder *decoder);

/* ret_record is a struct of the type. Strings point into data, arrays and converted defaults live
 * in the arena. BADDATA names the field. */
bool decoder_decode(const struct decoder *decoder,
                    const void *data,
                    size_t len,
                    struct arena *arena,
                    void *ret_record,
                    GError **error) MUST_CHECK;

struct encoder *
encoder_new(const struct schema *schema, const struct record_type *type, GError **error) MUST_CHECK;
void encoder_free(struct encoder *encoder);

/* Appends the record. The struct must be valid (asserted): encoding our own data can't fail. */
void encoder_encode(const struct encoder *encoder, const void *record, GByteArray *out);

/* The decoded record as one JSON object with the contract's field names (bytes as base64), for
 * `topics tail`, log dumps and debugging. Appends to out. */
void record_to_json(const struct record_type *type,
                    const struct schema *schema,
                    const void *record,
                    GString *out);
