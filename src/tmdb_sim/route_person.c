/* /person/{id}: names are all that the catalogue knows of people. */
#include "base/json_writer.h"
#include "tmdb_sim/call.h"

static const struct catalogue_person *find_person(struct call *call)
{
    int64_t id;
    const struct catalogue_person *person = NULL;
    if (call_read_int(call_param(call, "id"), 1, INT32_MAX, &id))
        person = catalogue_person(call->world->catalogue, id);
    if (!person)
        call_error(call, TMDB_CODE_MISSING);
    return person;
}

void person_details(struct call *call)
{
    const struct catalogue_person *person = find_person(call);
    if (!person)
        return;
    body_write_person(person, call->world->seed, call->out);
    call_reply(call);
}

/* The movie as a list's item, with the person's part in it. */
static void
write_part(struct call *call, size_t index, const struct catalogue_credit *credit, size_t order)
{
    struct movie_state state = course_state(&call->world->courses[index], call->time_ms);
    GString *out = call->out;
    if (out->str[out->len - 1] != '[')
        g_string_append_c(out, ',');
    body_write_item(&call->world->bodies[index], &state, out);
    g_string_truncate(out, out->len - 1);
    if (!credit->job)
        json_add_string(out, "character", "");
    json_write_key(out, "credit_id");
    body_write_credit_id(call->world->seed, call->world->catalogue->movies[index].id,
                         credit->person_id, credit->job, out);
    if (credit->job) {
        json_add_string(out, "department", credit->department);
        json_add_string(out, "job", credit->job);
    } else {
        json_add_int(out, "order", (int64_t)order);
    }
    json_write_object_end(out);
}

void person_movie_credits(struct call *call)
{
    const struct catalogue_person *person = find_person(call);
    if (!person)
        return;
    const struct catalogue *catalogue = call->world->catalogue;
    json_write_object(call->out);
    for (int crew = 0; crew <= 1; crew++) {
        json_write_key(call->out, crew ? "crew" : "cast");
        json_write_array(call->out);
        for (size_t i = 0; i < catalogue->movies_count; i++) {
            const struct catalogue_movie *movie = &catalogue->movies[i];
            const struct catalogue_credit *credits = crew ? movie->crew : movie->cast;
            size_t count = crew ? movie->crew_count : movie->cast_count;
            if (!course_is_known(&call->world->courses[i], call->time_ms))
                continue;
            for (size_t n = 0; n < count; n++)
                if (credits[n].person_id == person->id)
                    write_part(call, i, &credits[n], n);
        }
        json_write_array_end(call->out);
    }
    json_add_int(call->out, "id", person->id);
    json_write_object_end(call->out);
    call_reply(call);
}
