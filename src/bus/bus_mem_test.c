/* Proves: bus_mem keeps the bus' contract. */
#include "bus/bus_mem.h"

#include "bus/bus_contract.h"

static void *setup(const struct context *context)
{
    return bus_mem_new(context);
}

static void teardown(void *fixture)
{
    bus_close(fixture);
}

static struct bus *open_handle(void *fixture)
{
    return bus_mem_share(fixture);
}

static const struct bus_contract contract = {
    .name = "mem",
    .setup = setup,
    .teardown = teardown,
    .open = open_handle,
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    bus_contract_add(&contract);
    return g_test_run();
}
