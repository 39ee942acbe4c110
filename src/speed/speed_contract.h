/* The contract suite of speed.h: what every backend must do, whatever it is made of. A backend's
 * test fills this and adds the suite; it runs each case on an empty store. */
#pragma once

#include "speed/speed.h"

struct speed_contract {
    const char *name; /* of the backend: first part of the tests' paths */

    /* Rows go by a time to live of the store's own, so that the sweep finds none. */
    bool rows_expire_themselves;

    /* An empty store; fixture is whatever the others need. */
    void *(*setup)(const struct context *context);
    void (*teardown)(void *fixture);
    /* A handle on the fixture's store; several may be open. */
    struct speed *(*open)(void *fixture);
};

/* As a writer does it: what is AGAIN on a loaded machine is written again. */
void speed_contract_write(struct speed *speed, const struct speed_batch *batch);

/* Registers the cases with GLib's harness. contract outlives the tests. */
void speed_contract_add(const struct speed_contract *contract);
