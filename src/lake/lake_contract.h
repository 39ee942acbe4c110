/* The suite that every lake passes. A backend's test names itself and says how a fresh handle on
 * the same empty lake is opened; both handles see the same objects. */
#pragma once

#include "lake/lake.h"

/* Adds the tests as /lake/<backend>/...; open is called twice a test (two handles), with a fresh
 * lake for each test: number says which. */
void lake_contract_add(const char *backend, struct lake *(*open)(int number));
