/* Memory: a long-running process keeps what it needs and gives the rest back to the system. */
#pragma once

/* For main, before threads are started: few malloc arenas (each thread's own would keep its peak),
 * and large blocks that go back at once when they are freed. Costs a system call for a block of
 * MEMORY_LARGE_BYTES or more. */
#define MEMORY_ARENAS_MAX  2
#define MEMORY_LARGE_BYTES (128 * 1024)
void memory_be_frugal(void);

/* Gives back the read-only pages of a shared library whose file name begins so ("libduckdb"): the
 * dynamic linker touched them to resolve its symbols, and a process that doesn't use the library
 * never needs them again. Used all the same, they are read from the file. */
void memory_drop_library(const char *name);
