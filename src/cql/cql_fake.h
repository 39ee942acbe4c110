/* A scripted server of Cassandra's protocol, version 4, for tests: a thread that answers one
 * connection at a time on loopback; what it says is written here by hand. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_STATEMENT_ID "\xab\xcd"

enum execute_script {
    ANSWER,        /* void */
    FAIL_ONCE,     /* failure_code, then void */
    FORGET,        /* Unprepared until there was a PREPARE on this connection */
    BREAK_ONCE,    /* closes inside the answer, then void */
    GARBAGE_ONCE,  /* an opcode that doesn't exist on a stream that wasn't asked, then void */
    OTHER_VERSION, /* an answer of version 3 */
    PAGES,         /* three of two rows each */
    EVENT_FIRST,   /* what a server says unasked: a node is up; then void */
    SILENT,
};

struct fake {
    int listener, port;
    pthread_t thread;
    enum execute_script script;
    int32_t failure_code;
    const char *failure_rest; /* bytes behind the text */
    size_t failure_rest_len;
    bool dribble;     /* byte by byte */
    int version;      /* the highest it speaks */
    const char *user; /* wants to log in: NUL user NUL password */
    size_t user_len;
    bool challenge; /* asks a further question, as other authenticators than PLAIN do */
    const char *expected_batch;
    size_t expected_batch_len;
    /* What it saw. */
    _Atomic int connections, executes, prepares, batches, startups, peers_reads;
    _Atomic bool prepared;
    bool done_once;
    int page;
};

/* The fields up to expected_batch_len are the caller's; then port is set. */
void fake_start(struct fake *server);
/* After the session: its connection's end lets the thread go back to accept, which then fails. */
void fake_stop(struct fake *server);
