/* Gzip: whether a client takes it, and bodies packed. Static bodies are packed once and kept. Any
 * thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* Smaller bodies fit into a packet or two as they are. */
#define GZIP_BYTES_MIN ((size_t)1024)

/* The value of Accept-Encoding (NULL: absent); RFC 9110, 12.5.3. */
bool gzip_accepted(const char *accept_encoding);

/* NULL where it wouldn't get smaller. */
const char *gzip_pack(struct arena *arena, const char *body, size_t len, size_t *ret_len);

/* Packed static bodies, by their address. */
struct gzip_statics;
struct gzip_statics *gzip_statics_new(void);
void gzip_statics_free(struct gzip_statics *statics); /* accepts NULL */
/* Valid until gzip_statics_free; NULL where it wouldn't get smaller. */
const char *
gzip_static(struct gzip_statics *statics, const char *body, size_t len, size_t *ret_len);
