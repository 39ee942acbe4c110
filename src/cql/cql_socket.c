#include "cql/cql_socket.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <arpa/inet.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define TLS_REASON_BYTES 256

/* The oldest reason that OpenSSL has queued in this thread; empties its queue. */
static void tls_error(GError **error, enum marquee_error code, const char *what)
{
    char reason[TLS_REASON_BYTES] = "the connection was cut";
    unsigned long first = ERR_get_error();
    if (first)
        ERR_error_string_n(first, reason, sizeof reason);
    ERR_clear_error();
    g_set_error(error, MARQUEE_ERROR, (gint)code, "%s: %s", what, reason);
}

SSL_CTX *cql_tls_new(const char *ca_file, GError **error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    g_assert(context); /* out of memory */
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    ERR_clear_error();
    if (ca_file ? !SSL_CTX_load_verify_locations(context, ca_file, NULL)
                : !SSL_CTX_set_default_verify_paths(context)) {
        g_autofree char *what =
            g_strdup_printf("certificates of %s", ca_file ? ca_file : "the system");
        tls_error(error, MARQUEE_ERROR_CONFIG, what);
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

static void set_errno(GError **error, const char *what, int number)
{
    error_set(error, AGAIN, "%s: %s", what, g_strerror(number));
}

static bool begin_tls(struct cql_socket *self,
                      SSL_CTX *context,
                      enum cql_tls_check check,
                      const char *name,
                      GError **error)
{
    self->tls = SSL_new(context);
    g_assert(self->tls);
    unsigned char parsed[sizeof(struct in6_addr)];
    bool is_address =
        inet_pton(AF_INET, name, parsed) == 1 || inet_pton(AF_INET6, name, parsed) == 1;
    X509_VERIFY_PARAM *param = SSL_get0_param(self->tls);
    bool set = SSL_set_fd(self->tls, self->fd) == 1;
    if (check == CQL_TLS_FULL)
        set = set && (is_address ? X509_VERIFY_PARAM_set1_ip_asc(param, name)
                                 : SSL_set1_host(self->tls, name)) == 1;
    if (!is_address)
        set = set && SSL_set_tlsext_host_name(self->tls, name) == 1;
    if (!set) {
        tls_error(error, MARQUEE_ERROR_FAILED, "TLS");
        return false;
    }
    SSL_set_connect_state(self->tls);
    return true;
}

bool cql_socket_open(struct cql_socket *self,
                     const struct cql_address *address,
                     SSL_CTX *tls,
                     enum cql_tls_check check,
                     const char *name,
                     GError **error)
{
    *self = (struct cql_socket){.fd = -1, .wants = CQL_WANTS_WRITE};
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        set_errno(error, "socket", errno);
        return false;
    }
    self->fd = fd;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (connect(fd, (const struct sockaddr *)&address->storage, address->len) < 0 &&
        errno != EINPROGRESS) {
        set_errno(error, "connect", errno);
        cql_socket_close(self);
        return false;
    }
    if (tls && !begin_tls(self, tls, check, name, error)) {
        cql_socket_close(self);
        return false;
    }
    return true;
}

static bool finish_connect(struct cql_socket *self, GError **error)
{
    int number = 0;
    socklen_t len = sizeof number;
    if (getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &number, &len) < 0)
        number = errno;
    if (number) {
        set_errno(error, "connect", number);
        return false;
    }
    self->connected = true;
    return true;
}

/* What OpenSSL's answer means: true and *ret_blocked, or an error. */
static bool tls_blocked(struct cql_socket *self, int result, const char *what, GError **error)
{
    switch (SSL_get_error(self->tls, result)) {
    case SSL_ERROR_WANT_READ:
        self->wants = CQL_WANTS_READ;
        return true;
    case SSL_ERROR_WANT_WRITE:
        self->wants = CQL_WANTS_READ | CQL_WANTS_WRITE;
        return true;
    case SSL_ERROR_ZERO_RETURN:
        error_set(error, AGAIN, "the other side closed the connection");
        return false;
    default: {
        long verified = SSL_get_verify_result(self->tls);
        if (verified != X509_V_OK) {
            error_set(error, DENIED, "%s: the server's certificate is refused: %s", what,
                      X509_verify_cert_error_string(verified));
            ERR_clear_error();
        } else {
            tls_error(error, MARQUEE_ERROR_AGAIN, what);
        }
        return false;
    }
    }
}

bool cql_socket_proceed(struct cql_socket *self, bool *ret_open, GError **error)
{
    *ret_open = false;
    if (!self->connected && !finish_connect(self, error))
        return false;
    self->wants = CQL_WANTS_READ;
    if (self->tls && !self->greeted) {
        ERR_clear_error();
        int result = SSL_do_handshake(self->tls);
        if (result != 1)
            return tls_blocked(self, result, "TLS", error);
    }
    self->greeted = true;
    *ret_open = true;
    return true;
}

bool cql_socket_read(
    struct cql_socket *self, void *data, size_t len, size_t *ret_len, GError **error)
{
    *ret_len = 0;
    if (self->tls) {
        ERR_clear_error();
        int got = SSL_read(self->tls, data, (int)MIN(len, INT_MAX));
        if (got <= 0)
            return tls_blocked(self, got, "reading", error);
        *ret_len = (size_t)got;
        return true;
    }
    ssize_t got = recv(self->fd, data, len, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return true;
    if (got <= 0) {
        if (got == 0)
            error_set(error, AGAIN, "the other side closed the connection");
        else
            set_errno(error, "reading", errno);
        return false;
    }
    *ret_len = (size_t)got;
    return true;
}

bool cql_socket_write(
    struct cql_socket *self, const void *data, size_t len, size_t *ret_len, GError **error)
{
    *ret_len = 0;
    self->wants = CQL_WANTS_READ;
    if (self->tls) {
        ERR_clear_error();
        int put = SSL_write(self->tls, data, (int)MIN(len, INT_MAX));
        if (put <= 0)
            return tls_blocked(self, put, "writing", error);
        *ret_len = (size_t)put;
        return true;
    }
    ssize_t put = send(self->fd, data, len, MSG_NOSIGNAL);
    if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        self->wants |= CQL_WANTS_WRITE;
        return true;
    }
    if (put < 0) {
        set_errno(error, "writing", errno);
        return false;
    }
    *ret_len = (size_t)put;
    return true;
}

void cql_socket_close(struct cql_socket *self)
{
    if (self->tls)
        SSL_free(self->tls); /* without a farewell: it might block */
    if (self->fd >= 0)
        close(self->fd);
    *self = (struct cql_socket){.fd = -1};
}
