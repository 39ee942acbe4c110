/* Stop: one wish to end, seen by every stage. A stage waits here instead of sleeping, so that it
 * ends at once. Any thread; stop_request is also safe in a signal handler (it only writes to an
 * eventfd). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct stop;

struct stop *stop_new(void);
void stop_free(struct stop *stop); /* accepts NULL */

void stop_request(struct stop *stop);
bool stop_requested(const struct stop *stop);

/* Waits at most timeout_ms of real time; true when the wish came. */
bool stop_wait_ms(const struct stop *stop, int64_t timeout_ms);

/* A descriptor that becomes readable on the wish, for poll loops; stays ours. */
int stop_fd(const struct stop *stop);
