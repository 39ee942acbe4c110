/* The built-in catalogue: the tables of data/catalogue, cut in place. They are ours, so what is
 * wrong in them is asserted. */
#include <stdlib.h>
#include <string.h>

#include "base/embedded.h"
#include "tmdb_sim/catalogue_parts.h"

#define MOVIE_COLUMNS 18

/* A table by id: the hash maps an id to a struct catalogue_named. */
struct tables {
    GHashTable *people, *keywords, *genres;
};

/* The next piece of *rest up to the separator, cut; NULL at the end. */
static char *cut(char **rest, char separator)
{
    char *piece = *rest;
    if (!piece)
        return NULL;
    char *end = strchr(piece, separator);
    if (end)
        *end++ = '\0';
    *rest = end;
    return piece;
}

static char *table_text(struct catalogue *catalogue, const char *path)
{
    size_t size;
    const char *text = embedded_text(path, &size);
    while (size && text[size - 1] == '\n')
        size--;
    return arena_strndup(catalogue->arena, text, size);
}

static GHashTable *read_names(struct catalogue *catalogue, const char *path, GArray *ret_all)
{
    GHashTable *names = g_hash_table_new(NULL, NULL);
    char *rest = table_text(catalogue, path);
    for (char *line = cut(&rest, '\n'); line; line = cut(&rest, '\n')) {
        struct catalogue_named *named = arena_new0(catalogue->arena, struct catalogue_named);
        named->id = (int32_t)strtol(cut(&line, '\t'), NULL, 10);
        named->name = line;
        g_assert(named->id > 0 && line);
        g_hash_table_insert(names, GINT_TO_POINTER(named->id), named);
        if (ret_all)
            g_array_append_val(ret_all, *named);
    }
    return names;
}

static const struct catalogue_named *name_of(GHashTable *names, const char *id, char **ret_end)
{
    const struct catalogue_named *named =
        g_hash_table_lookup(names, GINT_TO_POINTER((int)strtol(id, ret_end, 10)));
    g_assert(named);
    return named;
}

static const struct catalogue_named *
read_ids(struct catalogue *catalogue, GHashTable *names, char *list, size_t *ret_count)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(struct catalogue_named));
    for (char *id = *list ? cut(&list, ',') : NULL; id; id = cut(&list, ','))
        g_array_append_val(found, *name_of(names, id, NULL));
    return catalogue_keep(catalogue, found, ret_count);
}

static void set_job(struct catalogue_credit *credit, char letter)
{
    switch (letter) {
    case '\0':
        return;
    case 'D':
        credit->job = "Director", credit->department = "Directing";
        return;
    case 'P':
        credit->job = "Producer", credit->department = "Production";
        return;
    case 'W':
        credit->job = "Screenplay", credit->department = "Writing";
        return;
    default:
        credit->job = "Original Music Composer", credit->department = "Sound";
    }
}

/* "491C": person and job; without a letter it is cast. */
static const struct catalogue_credit *
read_credits(struct catalogue *catalogue, GHashTable *people, char *list, size_t *ret_count)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(struct catalogue_credit));
    for (char *id = *list ? cut(&list, ',') : NULL; id; id = cut(&list, ',')) {
        char *letter;
        const struct catalogue_named *person = name_of(people, id, &letter);
        struct catalogue_credit credit = {.person_id = person->id, .name = person->name};
        set_job(&credit, *letter);
        g_array_append_val(found, credit);
    }
    return catalogue_keep(catalogue, found, ret_count);
}

static const char *const *read_countries(struct catalogue *catalogue, char *list, size_t *ret_count)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(char *));
    for (char *code = *list ? cut(&list, ',') : NULL; code; code = cut(&list, ','))
        g_array_append_val(found, code);
    return catalogue_keep(catalogue, found, ret_count);
}

static void read_movie(struct catalogue *catalogue,
                       const struct tables *tables,
                       char *line,
                       struct catalogue_movie *movie)
{
    char *column[MOVIE_COLUMNS];
    for (size_t i = 0; i < MOVIE_COLUMNS; i++) {
        column[i] = cut(&line, '\t');
        g_assert(column[i]);
    }
    g_assert(!line);
    movie->id = (int32_t)strtol(column[0], NULL, 10);
    movie->imdb_id = *column[1] ? column[1] : NULL;
    movie->language = column[2];
    movie->title = column[3];
    movie->original_title = *column[4] ? column[4] : column[3];
    movie->release_date = column[5];
    movie->release_ms = catalogue_date_ms(column[5]);
    movie->status = column[6];
    movie->runtime = (int32_t)strtol(column[7], NULL, 10);
    movie->budget = g_ascii_strtoll(column[8], NULL, 10);
    movie->revenue = g_ascii_strtoll(column[9], NULL, 10);
    movie->popularity = g_ascii_strtod(column[10], NULL);
    movie->vote_average = g_ascii_strtod(column[11], NULL);
    movie->vote_count = (int32_t)strtol(column[12], NULL, 10);
    movie->genres = read_ids(catalogue, tables->genres, column[13], &movie->genres_count);
    movie->countries = read_countries(catalogue, column[14], &movie->countries_count);
    movie->cast = read_credits(catalogue, tables->people, column[15], &movie->cast_count);
    movie->crew = read_credits(catalogue, tables->people, column[16], &movie->crew_count);
    movie->keywords = read_ids(catalogue, tables->keywords, column[17], &movie->keywords_count);
    movie->overview = movie->tagline = "";
    movie->debut_ms = INT64_MIN;
}

void catalogue_read_builtin(struct catalogue *catalogue, GArray *movies)
{
    GArray *genres = g_array_new(FALSE, FALSE, sizeof(struct catalogue_named));
    struct tables tables = {
        .people = read_names(catalogue, "data/catalogue/people.tsv", NULL),
        .keywords = read_names(catalogue, "data/catalogue/keywords.tsv", NULL),
        .genres = read_names(catalogue, "data/catalogue/genres.tsv", genres),
    };
    catalogue->genres = catalogue_keep(catalogue, genres, &catalogue->genres_count);
    char *rest = table_text(catalogue, "data/catalogue/movies.tsv");
    for (char *line = cut(&rest, '\n'); line; line = cut(&rest, '\n')) {
        struct catalogue_movie movie = {0};
        read_movie(catalogue, &tables, line, &movie);
        g_array_append_val(movies, movie);
    }
    g_hash_table_unref(tables.people);
    g_hash_table_unref(tables.keywords);
    g_hash_table_unref(tables.genres);
}
