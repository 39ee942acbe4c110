#include "tmdb_sim/catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tmdb_sim/catalogue_parts.h"

void *catalogue_keep(struct catalogue *catalogue, GArray *array, size_t *ret_count)
{
    size_t bytes = (size_t)array->len * g_array_get_element_size(array);
    void *kept = arena_alloc(catalogue->arena, MAX(bytes, 1));
    if (bytes)
        memcpy(kept, array->data, bytes);
    *ret_count = array->len;
    g_array_unref(array);
    return kept;
}

int64_t catalogue_date_ms(const char *date)
{
    int64_t time_ms = strlen(date) == strlen("2026-02-12") ? clock_parse_iso8601(date) : -1;
    /* Dates before 1970 come as negative times, of which -1 can't be one: they are whole days. */
    return time_ms == -1 ? INT64_MIN : time_ms;
}

static int by_popularity(const void *left, const void *right)
{
    const struct catalogue_movie *a = left, *b = right;
    if (a->popularity != b->popularity)
        return a->popularity < b->popularity ? 1 : -1;
    return a->id < b->id ? -1 : a->id > b->id;
}

static int by_id(const void *left, const void *right)
{
    const struct catalogue_movie *a = left, *b = right;
    return a->id < b->id ? -1 : a->id > b->id;
}

static void people_add(struct catalogue *catalogue, const struct catalogue_credit *credit)
{
    gpointer key = GINT_TO_POINTER(credit->person_id);
    if (g_hash_table_contains(catalogue->people, key))
        return;
    struct catalogue_person *person = arena_new0(catalogue->arena, struct catalogue_person);
    person->id = credit->person_id;
    person->name = credit->name;
    person->department = credit->department ? credit->department : "Acting";
    g_hash_table_insert(catalogue->people, key, person);
}

static void collect_people(struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->movies_count; i++) {
        const struct catalogue_movie *movie = &catalogue->movies[i];
        for (size_t n = 0; n < movie->cast_count; n++)
            people_add(catalogue, &movie->cast[n]);
        for (size_t n = 0; n < movie->crew_count; n++)
            people_add(catalogue, &movie->crew[n]);
    }
}

/* Ids are unique afterwards: of two movies with one id the first stays. */
static void drop_doubles(GArray *movies)
{
    g_array_sort(movies, by_id);
    guint kept = 0;
    for (guint i = 0; i < movies->len; i++) {
        struct catalogue_movie *movie = &g_array_index(movies, struct catalogue_movie, i);
        if (kept && g_array_index(movies, struct catalogue_movie, kept - 1).id == movie->id)
            continue;
        g_array_index(movies, struct catalogue_movie, kept++) = *movie;
    }
    g_array_set_size(movies, kept);
}

struct catalogue *catalogue_open(const struct catalogue_options *options, GError **error)
{
    g_assert(options->movies >= 0 && options->movies <= CATALOGUE_MOVIES_MAX);
    struct catalogue *catalogue = g_new0(struct catalogue, 1);
    catalogue->arena = arena_new();
    catalogue->phrases = options->phrases;
    catalogue->people = g_hash_table_new(NULL, NULL);
    catalogue->is_capture = options->capture_dir != NULL;
    GArray *movies = g_array_new(FALSE, TRUE, sizeof(struct catalogue_movie));
    if (!catalogue->is_capture) {
        catalogue_read_builtin(catalogue, movies);
    } else if (!catalogue_read_capture(catalogue, options->capture_dir, movies, error)) {
        g_array_unref(movies);
        catalogue_close(catalogue);
        return NULL;
    }
    size_t wanted = options->movies ? (size_t)options->movies : movies->len;
    if (wanted < movies->len) {
        g_array_sort(movies, by_popularity);
        g_array_set_size(movies, (guint)wanted);
    } else if (wanted > movies->len) {
        catalogue_make_up(catalogue, options->seed, wanted - movies->len, movies);
    }
    if (options->premieres && !catalogue->is_capture)
        catalogue_add_premieres(catalogue, options->seed, movies);
    drop_doubles(movies);
    catalogue->movies = catalogue_keep(catalogue, movies, &catalogue->movies_count);
    collect_people(catalogue);
    return catalogue;
}

void catalogue_close(struct catalogue *catalogue)
{
    if (!catalogue)
        return;
    g_hash_table_unref(catalogue->people);
    arena_free(catalogue->arena);
    g_free(catalogue);
}

int64_t catalogue_find(const struct catalogue *catalogue, int64_t movie_id)
{
    size_t low = 0, high = catalogue->movies_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (catalogue->movies[middle].id < movie_id)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < catalogue->movies_count && catalogue->movies[low].id == movie_id;
    return found ? (int64_t)low : -1;
}

const struct catalogue_person *catalogue_person(const struct catalogue *catalogue, int64_t id)
{
    return id > 0 && id <= INT32_MAX ? g_hash_table_lookup(catalogue->people, GINT_TO_POINTER(id))
                                     : NULL;
}
