/* Hosts: contact points as the configuration names them, and addresses as Cassandra tells them. */
#pragma once

#include <glib.h>

#include "cql/cql_bytes.h"
#include "cql/cql_socket.h"

struct cql_host {
    struct cql_address address;
    char *name; /* as configured: what a certificate is checked against */
};

/* "db1, db2:9043, [::1]:9042": each address that a name has. CONFIG: unreadable, or nothing; AGAIN:
 * no name could be resolved. Elements are struct cql_host, freed with the array. */
GArray *cql_hosts_parse(const char *text, GError **error) MUST_CHECK;

/* From the 4 or 16 bytes of an inet. false: another length, or 0.0.0.0. */
bool cql_address_set(struct cql_address *address, struct cql_span inet, int port);
