/* The contract suite of bus.h: what every backend must do, whatever it is made of. A backend's test
 * fills this and adds the suite; it runs each case on an empty log. */
#pragma once

#include "bus/bus.h"

struct bus_contract {
    const char *name; /* of the backend: first part of the tests' paths */

    /* An empty log; fixture is whatever the others need. */
    void *(*setup)(const struct context *context);
    void (*teardown)(void *fixture);

    /* A handle on the fixture's log; several may be open, in several threads. */
    struct bus *(*open)(void *fixture);

    bool durable; /* the log stays when no handle is open */

    /* Where a backend may differ. */
    bool expires_records;   /* expiry is to the record, not to the stored batch */
    size_t topic_bytes_max; /* 0: BUS_TOPIC_NAME_BYTES_MAX; less where a prefix takes of it */
};

/* Registers the cases with GLib's harness. contract outlives the tests. */
void bus_contract_add(const struct bus_contract *contract);
