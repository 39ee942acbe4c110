/* The contract suite of registry.h: what every backend must do. A backend's test fills this and
 * adds the suite. */
#pragma once

#include "bus/registry.h"

struct registry_contract {
    const char *name; /* of the backend: part of the tests' paths */

    /* A registry whose subjects, as the suite names them, are all new. */
    struct registry *(*open)(void *user);
    /* Newly allocated: what the suite's subject is called there. */
    char *(*subject)(void *user, const char *name);
    void *user;
};

/* Registers the cases with GLib's harness. contract outlives the tests. */
void registry_contract_add(const struct registry_contract *contract);
