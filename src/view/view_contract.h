/* View contract: what every backend of view.h promises, as tests. A backend's test calls
 * view_contract_add with a way to set it up; view_sqlite_test.c shows it. */
#pragma once

#include "base/config.h"

struct view_contract {
    const char *backend; /* as in views.backend */
    /* Points config at an empty store of this backend; data.dir is an empty folder of the test's.
     * May be NULL. */
    void (*prepare)(struct config *config);
};

/* Adds "/view/<backend>/..." to GLib's tests. */
void view_contract_add(const struct view_contract *contract);
