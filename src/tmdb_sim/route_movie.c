/* /movie/{id} and what hangs below it. */
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "tmdb_sim/call.h"
#include "tmdb_sim/decimal.h"
#include "tmdb_sim/dice.h"

#define APPEND_MAX 20

/* What TMDB's newest movie looks like: an id, a title, and nothing else yet. A new one comes every
 * ten minutes; none of them is in a list. */
#define STUB_ID_MIN      100000000
#define STUB_INTERVAL_MS (10 * MS_PER_MINUTE)

/* A movie that is known at the call's time: one of the catalogue, or a stub. */
struct subject {
    int64_t id, index; /* index: -1 for a stub */
};

static bool find_subject(struct call *call, struct subject *ret_subject)
{
    struct subject subject = {.index = -1};
    if (call_read_int(call_param(call, "id"), 1, INT32_MAX, &subject.id)) {
        subject.index = catalogue_find(call->world->catalogue, subject.id);
        bool known = subject.index >= 0
                         ? course_is_known(&call->world->courses[subject.index], call->time_ms)
                         : subject.id >= STUB_ID_MIN &&
                               (subject.id - STUB_ID_MIN) <= call->time_ms / STUB_INTERVAL_MS;
        if (known) {
            *ret_subject = subject;
            return true;
        }
    }
    call_error(call, TMDB_CODE_MISSING);
    return false;
}

/* ---- blocks: the members of an answer, also of an appended one ---- */

static void write_credits(struct call *call, const struct subject *subject)
{
    if (subject->index >= 0) {
        const struct fragment *credits = &call->world->bodies[subject->index].credits;
        json_write_raw(call->out, credits->text, credits->len);
        return;
    }
    json_write_key(call->out, "cast");
    json_write_array(call->out);
    json_write_array_end(call->out);
    json_write_key(call->out, "crew");
    json_write_array(call->out);
    json_write_array_end(call->out);
}

static void write_keywords(struct call *call, const struct subject *subject)
{
    if (subject->index >= 0) {
        const struct fragment *keywords = &call->world->bodies[subject->index].keywords;
        json_write_raw(call->out, keywords->text, keywords->len);
        return;
    }
    json_write_key(call->out, "keywords");
    json_write_array(call->out);
    json_write_array_end(call->out);
}

static void write_external_ids(struct call *call, const struct subject *subject)
{
    const struct catalogue_movie *movie =
        subject->index >= 0 ? &call->world->catalogue->movies[subject->index] : NULL;
    json_add_string(call->out, "imdb_id", movie ? movie->imdb_id : NULL);
    json_add_null(call->out, "wikidata_id");
    json_add_null(call->out, "facebook_id");
    json_add_null(call->out, "instagram_id");
    json_add_null(call->out, "twitter_id");
}

static void write_reviews(struct call *call, const struct subject *subject, int64_t page)
{
    const struct review_source *source =
        subject->index >= 0 ? &call->world->reviews[subject->index] : NULL;
    int64_t total = source ? reviews_count(source, call->time_ms) : 0;
    call_results_begin(call, page);
    int64_t first = (page - 1) * REVIEWS_PAGE_ITEMS;
    for (int64_t i = first; i < MIN(total, first + REVIEWS_PAGE_ITEMS); i++) {
        if (i > first)
            g_string_append_c(call->out, ',');
        g_autoptr(GString) review = g_string_sized_new(2048);
        review_write(source, i, call->time_ms, review);
        g_string_append_len(call->out, review->str, (gssize)review->len);
    }
    call_results_end(call, (size_t)total, REVIEWS_PAGE_ITEMS);
}

static void write_first_reviews(struct call *call, const struct subject *subject)
{
    write_reviews(call, subject, 1);
    g_string_truncate(call->out, call->out->len - 1); /* the caller closes the block */
}

static const struct block {
    const char *name;
    void (*write)(struct call *call, const struct subject *subject);
} blocks[] = {
    {"credits", write_credits},
    {"keywords", write_keywords},
    {"reviews", write_first_reviews},
    {"external_ids", write_external_ids},
};

static void reply_block(struct call *call,
                        void (*write)(struct call *call, const struct subject *subject))
{
    struct subject subject;
    if (!find_subject(call, &subject))
        return;
    json_write_object(call->out);
    json_add_int(call->out, "id", subject.id);
    write(call, &subject);
    json_write_object_end(call->out);
    call_reply(call);
}

void movie_credits(struct call *call)
{
    reply_block(call, write_credits);
}

void movie_keywords(struct call *call)
{
    reply_block(call, write_keywords);
}

void movie_external_ids(struct call *call)
{
    reply_block(call, write_external_ids);
}

void movie_reviews(struct call *call)
{
    struct subject subject;
    int64_t page;
    if (!call_page(call, &page) || !find_subject(call, &subject))
        return;
    json_write_object(call->out);
    json_add_int(call->out, "id", subject.id);
    write_reviews(call, &subject, page);
    call_reply(call);
}

/* ---- details ---- */

static void add_empty_array(GString *out, const char *key)
{
    json_write_key(out, key);
    json_write_array(out);
    json_write_array_end(out);
}

/* All keys of the details, nearly all of them empty; without the closing brace. */
static void write_stub(struct call *call, int64_t id)
{
    GString *out = call->out;
    uint64_t chain = dice_throw(call->world->seed, DICE_MADE_UP, id, 0);
    g_autoptr(GString) title = g_string_new(NULL);
    phrases_say(call->world->catalogue->phrases, "movietitle", TONE_ANY, NULL, &chain, title);
    json_write_object(out);
    json_add_bool(out, "adult", false);
    json_add_null(out, "backdrop_path");
    json_add_null(out, "belongs_to_collection");
    json_add_int(out, "budget", 0);
    add_empty_array(out, "genres");
    json_add_string(out, "homepage", "");
    json_add_int(out, "id", id);
    json_add_null(out, "imdb_id");
    add_empty_array(out, "origin_country");
    json_add_string(out, "original_language", "en");
    json_add_string(out, "original_title", title->str);
    json_add_string(out, "overview", "");
    json_write_key(out, "popularity");
    decimal_write(out, 0, 1);
    json_add_null(out, "poster_path");
    add_empty_array(out, "production_companies");
    add_empty_array(out, "production_countries");
    json_add_string(out, "release_date", "");
    json_add_int(out, "revenue", 0);
    json_add_int(out, "runtime", 0);
    add_empty_array(out, "spoken_languages");
    json_add_string(out, "status", "Released");
    json_add_string(out, "tagline", "");
    json_add_string(out, "title", title->str);
    json_add_bool(out, "video", false);
    json_write_key(out, "vote_average");
    decimal_write(out, 0, 1);
    json_add_int(out, "vote_count", 0);
}

static void write_details(struct call *call, const struct subject *subject)
{
    if (subject->index < 0) {
        write_stub(call, subject->id);
        return;
    }
    struct movie_state state = course_state(&call->world->courses[subject->index], call->time_ms);
    body_write_details(&call->world->bodies[subject->index], &state, call->out);
}

/* The blocks asked for, each once, as bits of blocks[]; false where more names are given than TMDB
 * takes. Names that it doesn't know are passed over, as TMDB does. */
static bool read_append(const char *text, unsigned *ret_asked)
{
    g_auto(GStrv) names = g_strsplit(text, ",", -1);
    unsigned asked = 0, count = 0;
    for (char **name = names; *name; name++) {
        count += **name != '\0';
        for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++)
            if (g_str_equal(*name, blocks[i].name))
                asked |= 1u << i;
    }
    *ret_asked = asked;
    return count <= APPEND_MAX;
}

/* Takes one of the blocks away, where that fault is planned. */
static unsigned lose_block(struct call *call, unsigned asked)
{
    if (!call->plan->hits[FAULT_MISSING_BLOCK] || !asked)
        return asked;
    uint32_t victim = dice_below(call->plan->chance, (uint32_t)__builtin_popcount(asked));
    unsigned bits = asked;
    while (victim--)
        bits &= bits - 1;
    call->lost_block = true;
    return asked & ~(bits & -bits);
}

void movie_details(struct call *call)
{
    struct subject subject;
    unsigned asked = 0;
    const char *append = http_request_query(call->request, "append_to_response");
    if (append && !read_append(append, &asked)) {
        call_error(call, TMDB_CODE_APPEND);
        return;
    }
    if (!find_subject(call, &subject))
        return;
    write_details(call, &subject);
    asked = lose_block(call, asked);
    for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++) {
        if (!(asked & (1u << i)))
            continue;
        json_write_key(call->out, blocks[i].name);
        json_write_object(call->out);
        blocks[i].write(call, &subject);
        json_write_object_end(call->out);
    }
    json_write_object_end(call->out);
    call_reply(call);
}

void movie_latest(struct call *call)
{
    write_stub(call, STUB_ID_MIN + call->time_ms / STUB_INTERVAL_MS);
    json_write_object_end(call->out);
    call_reply(call);
}
