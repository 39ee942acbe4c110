/* Fail points: named places between two steps of a commit where a test ends the process as SIGKILL
 * would. MARQUEE_FAILPOINT=name[:n] ends it at the n-th passage (default 1), name:n:stop stops it
 * there as SIGSTOP would. Without the variable a passage costs one load of a constant. Any thread.
 */
#pragma once

/* Reads the environment once, at the start of main or of a test. */
void failpoint_init(void);

/* Kills the process with SIGKILL when this is the chosen passage. */
void failpoint(const char *name);
