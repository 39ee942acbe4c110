/* The SQLite view store keeps the contract of view.h. */
#include "view/view_contract.h"

#include <glib.h>

int main(int argc, char **argv)
{
    static const struct view_contract contract = {.backend = "sqlite"};
    g_test_init(&argc, &argv, NULL);
    view_contract_add(&contract);
    return g_test_run();
}
