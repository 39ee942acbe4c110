/* Signals: SIGINT and SIGTERM become one wish to stop; a second one ends the process at once. */
#pragma once

struct signals;
struct stop;

/* Call it before other threads are started: they inherit the mask, and one thread waits for the
 * signals. SIGPIPE is ignored: a reader that goes away is an error of write. */
struct signals *signals_watch(struct stop *stop);
void signals_end(struct signals *signals); /* accepts NULL */
