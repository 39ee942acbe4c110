#include "serve/flight.h"

#include <pthread.h>

#include <glib.h>

struct flights {
    pthread_mutex_t lock;
    pthread_cond_t landed;
    GHashTable *names; /* under way */
    int waiting;
};

struct flights *flights_new(void)
{
    struct flights *flights = g_new0(struct flights, 1);
    pthread_mutex_init(&flights->lock, NULL);
    pthread_cond_init(&flights->landed, NULL);
    flights->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return flights;
}

void flights_free(struct flights *flights)
{
    if (!flights)
        return;
    g_assert(g_hash_table_size(flights->names) == 0);
    g_hash_table_unref(flights->names);
    pthread_cond_destroy(&flights->landed);
    pthread_mutex_destroy(&flights->lock);
    g_free(flights);
}

bool flight_begin(struct flights *flights, const char *name)
{
    pthread_mutex_lock(&flights->lock);
    bool first = !g_hash_table_contains(flights->names, name);
    if (first)
        g_hash_table_add(flights->names, g_strdup(name));
    flights->waiting += !first;
    while (!first && g_hash_table_contains(flights->names, name))
        pthread_cond_wait(&flights->landed, &flights->lock);
    flights->waiting -= !first;
    pthread_mutex_unlock(&flights->lock);
    return first;
}

void flight_end(struct flights *flights, const char *name)
{
    pthread_mutex_lock(&flights->lock);
    g_hash_table_remove(flights->names, name);
    pthread_cond_broadcast(&flights->landed);
    pthread_mutex_unlock(&flights->lock);
}

int flights_waiting(struct flights *flights)
{
    pthread_mutex_lock(&flights->lock);
    int waiting = flights->waiting;
    pthread_mutex_unlock(&flights->lock);
    return waiting;
}
