/* What the files of the contract suite share. Nobody else includes it. */
#pragma once

#include <glib.h>

#include "base/clock.h"
#include "base/config.h"
#include "view/view.h"

#define T0   INT64_C(1772496000000) /* 2026-03-03T00:00:00Z */
#define HOUR MS_PER_HOUR

struct fixture {
    struct context context;
    struct config *config;
    struct arena *arena;
    struct view *view, *other; /* two handles on one store, as two processes would have */
    char *folder;
};

/* The call succeeded, or the test ends with the error's text. */
#define OK(call)                                                                                   \
    do {                                                                                           \
        GError *failure = NULL;                                                                    \
        bool succeeded = (call);                                                                   \
        g_assert_no_error(failure);                                                                \
        g_assert_true(succeeded);                                                                  \
    } while (0)

#define FAILS(call, error_code)                                                                    \
    do {                                                                                           \
        GError *failure = NULL;                                                                    \
        g_assert_false((call));                                                                    \
        g_assert_error(failure, MARQUEE_ERROR, (int)(error_code));                                 \
        g_clear_error(&failure);                                                                   \
    } while (0)

/* Sweeps in steps of rows_max until nothing is left to remove; how many rows went. */
int64_t view_contract_sweep_all(struct view *view, size_t rows_max);
/* Speed documents in the hours, whose order is checked. */
size_t view_contract_count_speed(
    struct fixture *fixture, const char *type, int64_t movie_id, int64_t from_ms, int64_t to_ms);

void view_contract_test_search(struct fixture *fixture, gconstpointer data);
void view_contract_test_speed(struct fixture *fixture, gconstpointer data);
void view_contract_test_speed_expiry(struct fixture *fixture, gconstpointer data);
