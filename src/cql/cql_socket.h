/* Socket: one non-blocking connection, with or without TLS. Knows no protocol.
 *
 * connecting ──(writable)──► TLS's greeting ──► open ──► closed by an error or by the other side
 *
 * After each call `wants` says what to wait for. One owner thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <sys/socket.h>

#include <openssl/ssl.h>

#include "base/error.h"

enum cql_tls_check {
    CQL_TLS_OFF,
    CQL_TLS_FULL,   /* the certificate is signed by a known authority, and for that host */
    CQL_TLS_SIGNED, /* signed by a known authority, for whatever host */
};

/* ca_file NULL: the system's authorities. CONFIG where it can't be read. */
SSL_CTX *cql_tls_new(const char *ca_file, GError **error) MUST_CHECK;

struct cql_address {
    struct sockaddr_storage storage;
    socklen_t len;
    char text[64]; /* "127.0.0.1:9042", "[::1]:9042" */
    char host[48]; /* without port */
};

enum cql_socket_wants { CQL_WANTS_READ = 1, CQL_WANTS_WRITE = 2 };

struct cql_socket {
    int fd; /* -1: none */
    SSL *tls;
    bool connected, greeted;
    unsigned wants;
};

/* Begins to connect. tls NULL: plain. name: what the certificate is checked against. */
bool cql_socket_open(struct cql_socket *socket,
                     const struct cql_address *address,
                     SSL_CTX *tls,
                     enum cql_tls_check check,
                     const char *name,
                     GError **error) MUST_CHECK;

/* Goes on with connecting; *ret_open true when bytes may flow. */
bool cql_socket_proceed(struct cql_socket *socket, bool *ret_open, GError **error) MUST_CHECK;

/* Bytes moved, 0: would block; false: the connection is over. */
bool cql_socket_read(
    struct cql_socket *socket, void *data, size_t len, size_t *ret_len, GError **error) MUST_CHECK;
bool cql_socket_write(struct cql_socket *socket,
                      const void *data,
                      size_t len,
                      size_t *ret_len,
                      GError **error) MUST_CHECK;
void cql_socket_close(struct cql_socket *socket); /* may be called twice */
