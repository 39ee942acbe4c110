#include "tmdb_sim/bodies.h"

#include <string.h>

#include "base/json_writer.h"
#include "tmdb_sim/decimal.h"
#include "tmdb_sim/dice.h"

static struct fragment keep(struct arena *arena, GString *text)
{
    struct fragment fragment = {arena_strndup(arena, text->str, text->len), text->len};
    g_string_truncate(text, 0);
    return fragment;
}

static void append(GString *out, const struct fragment *fragment)
{
    g_string_append_len(out, fragment->text, (gssize)fragment->len);
}

/* What follows a value that was spliced in. */
static void append_member(GString *out, const struct fragment *fragment)
{
    g_string_append_c(out, ',');
    append(out, fragment);
}

/* ---- list item ---- */

static void build_item(struct body *body,
                       const struct catalogue_movie *movie,
                       struct arena *arena,
                       GString *out)
{
    json_write_object(out);
    json_add_bool(out, "adult", false);
    json_add_string(out, "backdrop_path", movie->backdrop_path);
    json_write_key(out, "genre_ids");
    json_write_array(out);
    for (size_t i = 0; i < movie->genres_count; i++)
        json_write_int(out, movie->genres[i].id);
    json_write_array_end(out);
    json_add_int(out, "id", movie->id);
    json_add_string(out, "original_language", movie->language);
    json_add_string(out, "original_title", movie->original_title);
    json_add_string(out, "overview", movie->overview);
    json_write_key(out, "popularity");
    body->item_head = keep(arena, out);
    json_add_string(out, "poster_path", movie->poster_path);
    json_add_string(out, "release_date", movie->release_date);
    json_add_string(out, "title", movie->title);
    json_add_bool(out, "video", false);
    json_write_key(out, "vote_average");
    body->item_tail = keep(arena, out);
}

void body_write_item(const struct body *body, const struct movie_state *state, GString *out)
{
    append(out, &body->item_head);
    decimal_write(out, state->popularity_e4, 4);
    append_member(out, &body->item_tail);
    decimal_write(out, state->vote_average_e3, 3);
    g_string_append(out, ",\"vote_count\":");
    decimal_write_int(out, state->vote_count);
    g_string_append_c(out, '}');
}

/* ---- details ---- */

static void write_named(GString *out, const struct catalogue_named *named, size_t count)
{
    json_write_array(out);
    for (size_t i = 0; i < count; i++) {
        json_write_object(out);
        json_add_int(out, "id", named[i].id);
        json_add_string(out, "name", named[i].name);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void write_origin(GString *out, const struct catalogue_movie *movie)
{
    json_write_key(out, "origin_country");
    json_write_array(out);
    for (size_t i = 0; i < movie->countries_count; i++)
        json_write_string(out, movie->countries[i]);
    json_write_array_end(out);
}

/* TMDB spells the countries out; the capture has only their codes, which stand for the names. */
static void write_countries(GString *out, const struct catalogue_movie *movie)
{
    json_write_key(out, "production_companies");
    json_write_array(out);
    json_write_array_end(out);
    json_write_key(out, "production_countries");
    json_write_array(out);
    for (size_t i = 0; i < movie->countries_count; i++) {
        json_write_object(out);
        json_add_string(out, "iso_3166_1", movie->countries[i]);
        json_add_string(out, "name", movie->countries[i]);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void write_languages(GString *out, const struct catalogue_movie *movie)
{
    json_write_key(out, "spoken_languages");
    json_write_array(out);
    json_write_object(out);
    json_add_string(out, "english_name", movie->language);
    json_add_string(out, "iso_639_1", movie->language);
    json_add_string(out, "name", movie->language);
    json_write_object_end(out);
    json_write_array_end(out);
}

static void build_details(struct body *body,
                          const struct catalogue_movie *movie,
                          struct arena *arena,
                          GString *out)
{
    json_write_object(out);
    json_add_bool(out, "adult", false);
    json_add_string(out, "backdrop_path", movie->backdrop_path);
    json_add_null(out, "belongs_to_collection");
    json_add_int(out, "budget", movie->budget);
    json_write_key(out, "genres");
    write_named(out, movie->genres, movie->genres_count);
    json_add_string(out, "homepage", "");
    json_add_int(out, "id", movie->id);
    json_add_string(out, "imdb_id", movie->imdb_id);
    write_origin(out, movie);
    json_add_string(out, "original_language", movie->language);
    json_add_string(out, "original_title", movie->original_title);
    json_add_string(out, "overview", movie->overview);
    json_write_key(out, "popularity");
    body->head = keep(arena, out);
    json_add_string(out, "poster_path", movie->poster_path);
    write_countries(out, movie);
    json_add_string(out, "release_date", movie->release_date);
    json_write_key(out, "revenue");
    body->to_revenue = keep(arena, out);
    json_add_int(out, "runtime", movie->runtime);
    write_languages(out, movie);
    json_write_key(out, "status");
    body->to_status = keep(arena, out);
    json_add_string(out, "tagline", movie->tagline);
    json_add_string(out, "title", movie->title);
    json_add_bool(out, "video", false);
    json_write_key(out, "vote_average");
    body->to_vote_average = keep(arena, out);
}

void body_write_details(const struct body *body, const struct movie_state *state, GString *out)
{
    append(out, &body->head);
    decimal_write(out, state->popularity_e4, 4);
    append_member(out, &body->to_revenue);
    decimal_write_int(out, state->revenue);
    append_member(out, &body->to_status);
    json_write_string(out, state->status);
    append_member(out, &body->to_vote_average);
    decimal_write(out, state->vote_average_e3, 3);
    g_string_append(out, ",\"vote_count\":");
    decimal_write_int(out, state->vote_count);
}

/* ---- credits, keywords, people ---- */

void body_write_credit_id(
    uint64_t seed, int64_t movie_id, int64_t person_id, const char *job, GString *out)
{
    uint64_t first = dice_throw(seed, DICE_ID, movie_id, person_id);
    uint64_t second = dice_throw(first, DICE_ID, job ? g_str_hash(job) : 0, 0);
    g_string_append_printf(out, "\"%016" G_GINT64_MODIFIER "x%08x\"", first, (unsigned)second);
}

static int64_t person_popularity_e4(int32_t id, uint64_t seed)
{
    double unit = dice_unit(dice_throw(seed, DICE_ID, id, -1));
    return 1000 + (int64_t)(unit * unit * 2e5);
}

static void write_credit_person(GString *out, const struct catalogue_credit *credit, uint64_t seed)
{
    json_write_object(out);
    json_add_bool(out, "adult", false);
    json_add_int(out, "gender", 0);
    json_add_int(out, "id", credit->person_id);
    json_add_string(out, "known_for_department",
                    credit->department ? credit->department : "Acting");
    json_add_string(out, "name", credit->name);
    json_add_string(out, "original_name", credit->name);
    json_write_key(out, "popularity");
    decimal_write(out, person_popularity_e4(credit->person_id, seed), 4);
    json_add_null(out, "profile_path");
}

static void
write_cast(GString *out, const struct catalogue_movie *movie, size_t order, uint64_t seed)
{
    const struct catalogue_credit *credit = &movie->cast[order];
    write_credit_person(out, credit, seed);
    json_add_int(out, "cast_id", (int64_t)order + 1);
    json_add_string(out, "character", "");
    json_write_key(out, "credit_id");
    body_write_credit_id(seed, movie->id, credit->person_id, NULL, out);
    json_add_int(out, "order", (int64_t)order);
    json_write_object_end(out);
}

static void write_crew(GString *out,
                       const struct catalogue_movie *movie,
                       const struct catalogue_credit *credit,
                       uint64_t seed)
{
    write_credit_person(out, credit, seed);
    json_write_key(out, "credit_id");
    body_write_credit_id(seed, movie->id, credit->person_id, credit->job, out);
    json_add_string(out, "department", credit->department);
    json_add_string(out, "job", credit->job);
    json_write_object_end(out);
}

static void build_blocks(struct body *body,
                         const struct catalogue_movie *movie,
                         uint64_t seed,
                         struct arena *arena,
                         GString *out)
{
    json_write_key(out, "cast");
    json_write_array(out);
    for (size_t i = 0; i < movie->cast_count; i++)
        write_cast(out, movie, i, seed);
    json_write_array_end(out);
    json_write_key(out, "crew");
    json_write_array(out);
    for (size_t i = 0; i < movie->crew_count; i++)
        write_crew(out, movie, &movie->crew[i], seed);
    json_write_array_end(out);
    body->credits = keep(arena, out);
    json_write_key(out, "keywords");
    write_named(out, movie->keywords, movie->keywords_count);
    body->keywords = keep(arena, out);
}

void body_write_person(const struct catalogue_person *person, uint64_t seed, GString *out)
{
    json_write_object(out);
    json_add_bool(out, "adult", false);
    json_write_key(out, "also_known_as");
    json_write_array(out);
    json_write_array_end(out);
    json_add_string(out, "biography", "");
    json_add_null(out, "birthday");
    json_add_null(out, "deathday");
    json_add_int(out, "gender", 0);
    json_add_null(out, "homepage");
    json_add_int(out, "id", person->id);
    json_add_null(out, "imdb_id");
    json_add_string(out, "known_for_department", person->department);
    json_add_string(out, "name", person->name);
    json_add_null(out, "place_of_birth");
    json_write_key(out, "popularity");
    decimal_write(out, person_popularity_e4(person->id, seed), 4);
    json_add_null(out, "profile_path");
    json_write_object_end(out);
}

void body_init(struct body *body,
               const struct catalogue_movie *movie,
               uint64_t seed,
               struct arena *arena)
{
    g_autoptr(GString) out = g_string_sized_new(4096);
    build_item(body, movie, arena, out);
    build_details(body, movie, arena, out);
    build_blocks(body, movie, seed, arena, out);
}
