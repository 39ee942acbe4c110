/* Flight: what many ask for at once is made once. Any thread.
 *
 *   first:  flight_begin ─► true ─► makes it, puts it into the cache ─► flight_end
 *   others: flight_begin ─► (wait) ─► false ─► take it out of the cache, or make it themselves
 *
 * Who waits holds nothing that the maker could need: a flight may only be begun within another one
 * where all do so in the same order (an answer, then its parts). The lock is a leaf. */
#pragma once

#include <stdbool.h>

struct flights;

struct flights *flights_new(void);
void flights_free(struct flights *flights); /* accepts NULL; none may be under way */

/* True: the caller makes it, and calls flight_end whatever comes of it. False: somebody else has
 * just tried. */
bool flight_begin(struct flights *flights, const char *name);
void flight_end(struct flights *flights, const char *name);

/* How many wait now. */
int flights_waiting(struct flights *flights);
