#include "cql/cql_hosts.h"

#include <netdb.h>
#include <netinet/in.h>

#include <arpa/inet.h>

#include "cql/cql.h"

#define HOSTS_MAX 64
#define PORT_MAX  65535

static void host_clear(void *host)
{
    g_free(((struct cql_host *)host)->name);
}

static void set_text(struct cql_address *address)
{
    int family = address->storage.ss_family;
    const void *bytes = family == AF_INET
                            ? (void *)&((struct sockaddr_in *)&address->storage)->sin_addr
                            : (void *)&((struct sockaddr_in6 *)&address->storage)->sin6_addr;
    uint16_t port =
        ntohs(family == AF_INET ? ((struct sockaddr_in *)&address->storage)->sin_port
                                : ((struct sockaddr_in6 *)&address->storage)->sin6_port);
    inet_ntop(family, bytes, address->host, sizeof address->host);
    g_snprintf(address->text, sizeof address->text, family == AF_INET ? "%s:%u" : "[%s]:%u",
               address->host, port);
}

bool cql_address_set(struct cql_address *address, struct cql_span inet, int port)
{
    static const uint8_t zeros[sizeof(struct in6_addr)];
    if ((inet.len != sizeof(struct in_addr) && inet.len != sizeof(struct in6_addr)) || port <= 0 ||
        port > PORT_MAX || memcmp(inet.data, zeros, inet.len) == 0)
        return false;
    *address = (struct cql_address){0};
    if (inet.len == sizeof(struct in_addr)) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&address->storage;
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        memcpy(&v4->sin_addr, inet.data, inet.len);
        address->len = sizeof *v4;
    } else {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->storage;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        memcpy(&v6->sin6_addr, inet.data, inet.len);
        address->len = sizeof *v6;
    }
    set_text(address);
    return true;
}

/* "name", "name:port", "[v6]", "[v6]:port". */
static bool split(const char *text, char **ret_name, int *ret_port, GError **error)
{
    const char *colon = strrchr(text, ':'), *bracket = strchr(text, ']');
    if (colon && ((bracket && colon < bracket) || (!bracket && strchr(text, ':') != colon)))
        colon = NULL; /* it belongs to an IPv6 address */
    guint64 port = CQL_PORT_DEFAULT;
    if (colon && !g_ascii_string_to_unsigned(colon + 1, 10, 1, PORT_MAX, &port, NULL)) {
        error_set(error, CONFIG, "cassandra: expected host or host:port, found '%s'", text);
        return false;
    }
    g_autofree char *name = colon ? g_strndup(text, (size_t)(colon - text)) : g_strdup(text);
    size_t len = strlen(name);
    if (len > 1 && name[0] == '[' && name[len - 1] == ']') {
        name[len - 1] = 0;
        memmove(name, name + 1, len - 1);
    }
    if (!*name) {
        error_set(error, CONFIG, "cassandra: expected host or host:port, found '%s'", text);
        return false;
    }
    *ret_name = g_steal_pointer(&name);
    *ret_port = (int)port;
    return true;
}

static void resolve(GArray *hosts, const char *name, int port, GError **error)
{
    g_autofree char *service = g_strdup_printf("%d", port);
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    int failed = getaddrinfo(name, service, &hints, &found);
    if (failed) {
        error_set(error, AGAIN, "cassandra: %s: %s", name, gai_strerror(failed));
        return;
    }
    for (struct addrinfo *at = found; at && hosts->len < HOSTS_MAX; at = at->ai_next) {
        if (at->ai_family != AF_INET && at->ai_family != AF_INET6)
            continue;
        struct cql_host host = {.address.len = at->ai_addrlen, .name = g_strdup(name)};
        memcpy(&host.address.storage, at->ai_addr, at->ai_addrlen);
        set_text(&host.address);
        g_array_append_val(hosts, host);
    }
    freeaddrinfo(found);
}

GArray *cql_hosts_parse(const char *text, GError **error)
{
    g_autoptr(GArray) hosts = g_array_new(false, true, sizeof(struct cql_host));
    g_array_set_clear_func(hosts, host_clear);
    g_auto(GStrv) items = g_strsplit(text, ",", HOSTS_MAX);
    g_autoptr(GError) unresolved = NULL;
    for (size_t i = 0; items[i]; i++) {
        g_autofree char *name = NULL;
        int port;
        if (!*g_strstrip(items[i]))
            continue;
        if (!split(items[i], &name, &port, error))
            return NULL;
        g_clear_error(&unresolved);
        resolve(hosts, name, port, &unresolved);
    }
    if (hosts->len == 0) {
        if (unresolved)
            g_propagate_error(error, g_steal_pointer(&unresolved));
        else
            error_set(error, CONFIG, "cassandra: no contact point is named");
        return NULL;
    }
    return g_steal_pointer(&hosts);
}
