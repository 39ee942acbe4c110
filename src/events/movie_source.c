#include "events/movie_source.h"

#include <string.h>

#include <jansson.h>

#include "base/config.h"

#define FETCH_BYTES ((size_t)1024 * 1024)
/* Movies whose popularity is remembered; more are passed over. */
#define MOVIES_KNOWN_MAX 100000

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

struct movie {
    int32_t id;
    double popularity;
};

struct movie_source {
    const struct context *context;
    struct view *view;
    struct bus *bus;
    struct serde *serde;
    struct arena *arena;
    GHashTable *movies; /* id -> struct movie, as the bus says */
    int64_t *positions; /* a partition of movie.ratings */
};

struct movie_source *movie_source_new(const struct context *context,
                                      struct view *view,
                                      struct bus *bus,
                                      struct serde *serde)
{
    struct movie_source *source = g_new0(struct movie_source, 1);
    *source = (struct movie_source){
        .context = context,
        .view = view,
        .bus = bus,
        .serde = serde,
        .arena = arena_new(),
        .movies = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free),
        .positions = g_new0(int64_t, (gsize)context->config->bus_partitions),
    };
    return source;
}

void movie_source_free(struct movie_source *source)
{
    if (!source)
        return;
    arena_free(source->arena);
    g_hash_table_unref(source->movies);
    g_free(source->positions);
    g_free(source);
}

/* ---- the batch's view ---- */

static bool parse_top_movies(const char *data, GArray *ids, GError **error)
{
    json_error_t json_error;
    g_autoptr(json_t) root = json_loads(data, 0, &json_error);
    const json_t *movies = json_object_get(root, "movies");
    if (!json_is_array(movies)) {
        error_set(error, BADDATA, "view top_movies: expected an object with the list \"movies\"");
        return false;
    }
    size_t index;
    json_t *movie;
    json_array_foreach(movies, index, movie)
    {
        json_int_t id = json_integer_value(json_object_get(movie, "movie_id"));
        if (id < 1 || id > INT32_MAX) {
            error_set(error, BADDATA, "view top_movies: movies[%zu]: expected a movie_id", index);
            return false;
        }
        if (ids->len < CATALOGUE_MOVIES_MAX)
            g_array_append_val(ids, (int32_t){(int32_t)id});
    }
    return true;
}

static bool read_view(struct movie_source *source, GArray *ids, GError **error)
{
    struct view_generation current;
    struct view_filter filter = {.key = {.view_type = "top_movies"}};
    struct view_doc *docs;
    size_t count;
    const char *cursor;
    arena_reset(source->arena);
    if (!view_current(source->view, source->arena, &current, error))
        return false;
    if (current.generation == 0)
        return true;
    g_autoptr(GError) why = NULL;
    if (view_query(source->view, current.generation, &filter, NULL, 1, source->arena, &docs, &count,
                   &cursor, &why))
        return count == 0 || parse_top_movies(docs[0].data, ids, error);
    if (error_is(why, NOTFOUND)) /* another run was published just now */
        error_set(error, AGAIN, "%s", why->message);
    else
        g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

/* ---- the bus ---- */

static void take_rating(struct movie_source *source, const struct bus_record *record)
{
    struct rating rating;
    if (!serde_decode(source->serde, TOPIC_RATINGS, record->value, source->arena, &rating, NULL))
        return; /* the stream's dead letter */
    void *key = GINT_TO_POINTER(rating.movie_id);
    struct movie *movie = g_hash_table_lookup(source->movies, key);
    if (rating.movie_id < 1 || (!movie && g_hash_table_size(source->movies) >= MOVIES_KNOWN_MAX))
        return;
    if (!movie) {
        movie = g_new0(struct movie, 1);
        movie->id = rating.movie_id;
        g_hash_table_insert(source->movies, key, movie);
    }
    movie->popularity = rating.popularity;
}

static bool read_partition(struct movie_source *source, int partition, GError **error)
{
    const char *topic = topic_info(TOPIC_RATINGS)->name;
    int64_t start, end, *position = &source->positions[partition];
    if (!bus_offsets(source->bus, topic, partition, &start, &end, error))
        return false;
    *position = MAX(*position, MAX(start, end - MOVIE_SOURCE_RECORDS_MAX));
    while (*position < end) {
        struct bus_batch batch;
        arena_reset(source->arena);
        if (!bus_fetch(source->bus, topic, partition, *position, FETCH_BYTES, source->arena, &batch,
                       error))
            return false;
        for (size_t i = 0; i < batch.count; i++)
            take_rating(source, &batch.records[i]);
        if (batch.next_offset == *position)
            break;
        *position = batch.next_offset;
    }
    return true;
}

static int compare_movies(const void *left, const void *right)
{
    const struct movie *a = *(const struct movie *const *)left;
    const struct movie *b = *(const struct movie *const *)right;
    if (a->popularity != b->popularity)
        return a->popularity > b->popularity ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static bool read_bus(struct movie_source *source, GArray *ids, GError **error)
{
    for (int partition = 0; partition < (int)source->context->config->bus_partitions; partition++) {
        g_autoptr(GError) why = NULL;
        if (read_partition(source, partition, &why))
            continue;
        if (error_is(why, NOTFOUND)) /* no topic yet, or its first records have just expired */
            continue;
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    g_autoptr(GPtrArray) movies = g_ptr_array_new();
    GHashTableIter iter;
    void *movie;
    g_hash_table_iter_init(&iter, source->movies);
    while (g_hash_table_iter_next(&iter, NULL, &movie))
        g_ptr_array_add(movies, movie);
    g_ptr_array_sort(movies, compare_movies);
    for (unsigned i = 0; i < MIN(movies->len, CATALOGUE_MOVIES_MAX); i++)
        g_array_append_val(ids, ((const struct movie *)movies->pdata[i])->id);
    return true;
}

bool movie_source_read(struct movie_source *source,
                       struct catalogue **ret_catalogue,
                       GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int32_t));
    if (!read_view(source, ids, error))
        return false;
    if (ids->len > 0)
        g_hash_table_remove_all(source->movies); /* no longer needed */
    else if (!read_bus(source, ids, error))
        return false;
    *ret_catalogue = ids->len > 0 ? catalogue_new((const int32_t *)(void *)ids->data, ids->len,
                                                  source->context->config->events_movie_skew)
                                  : NULL;
    return true;
}
