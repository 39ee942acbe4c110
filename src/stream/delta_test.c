/* Proves: what delta_run records, played on another file, leaves the same rows there, of every
 * type; statements are played in their order; damaged bytes are BADDATA and never a crash. */
#include "stream/delta.h"

#include "model/db.h"

struct world {
    sqlite3 *db, *copy;
    struct sql_file *sql;
    GByteArray *delta;
};

static sqlite3 *open_file(const struct sql_file *sql)
{
    GError *error = NULL;
    sqlite3 *db = db_open(":memory:", NULL, &error);
    g_assert_no_error(error);
    const char *const schemas[] = {"schema", "ranker_schema", "live_schema", "late_schema",
                                   "cluster_schema"};
    for (size_t i = 0; i < G_N_ELEMENTS(schemas); i++)
        g_assert_true(db_exec(db, sql_file_get(sql, schemas[i]), &error));
    return db;
}

static void world_open(struct world *world, const void *data)
{
    (void)data;
    world->sql = sql_file_load("contracts/stream.sql");
    world->db = open_file(world->sql);
    world->copy = open_file(world->sql);
    world->delta = g_byte_array_new();
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    db_close(world->db);
    db_close(world->copy);
    sql_file_free(world->sql);
    g_byte_array_unref(world->delta);
}

static void
run(struct world *world, enum delta_statement number, const char *name, const struct value *values)
{
    GError *error = NULL;
    sqlite3_stmt *statement = db_prepare(world->db, sql_file_get(world->sql, name), &error);
    g_assert_no_error(error);
    bool done = delta_run(world->delta, number, statement, values, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    sqlite3_finalize(statement);
}

static struct span span_of(const GByteArray *bytes)
{
    return (struct span){(const char *)bytes->data, bytes->len};
}

/* All rows of a table, as SQL would write them. */
static char *rows_of(sqlite3 *db, const char *table)
{
    GError *error = NULL;
    g_autofree char *query = g_strdup_printf("SELECT * FROM %s", table);
    sqlite3_stmt *read = db_prepare(db, query, &error);
    g_assert_no_error(error);
    GString *text = g_string_new(NULL);
    while (sqlite3_step(read) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(read); i++) {
            int type = sqlite3_column_type(read, i), len = sqlite3_column_bytes(read, i);
            g_string_append_printf(text, "%d:%d:", type, len);
            g_string_append_len(text, sqlite3_column_blob(read, i), len);
            g_string_append_c(text, '|');
        }
        g_string_append_c(text, '\n');
    }
    sqlite3_finalize(read);
    return g_string_free(text, FALSE);
}

static void fill(struct world *world)
{
    static const char blob[] = {0, 1, 2, 0};
    for (int64_t i = 0; i < 50; i++)
        run(world, DELTA_PUT_BIN, "put_bin",
            (const struct value[]){value_int(3), value_int(i % 3), value_int(i - 10), value_int(-i),
                                   value_blob((struct span){blob, sizeof blob})});
    run(world, DELTA_EXPIRE_BINS, "expire_bins",
        (const struct value[]){value_int(3), value_int(0), value_int(5), value_int(2)});
    run(world, DELTA_PUT_MOVIE, "put_movie",
        (const struct value[]){value_int(3), value_int(7), value_text("É\n"), value_int(INT64_MIN),
                               value_blob((struct span){"", 0})});
    run(world, DELTA_PUT_MOVIE, "put_movie",
        (const struct value[]){value_int(3), value_int(8), value_text(NULL), value_null(),
                               value_blob((struct span){"", 0})});
    run(world, DELTA_PUT_LATE, "put_late",
        (const struct value[]){value_text("movie.ratings"), value_int(1), value_int(2),
                               value_int(3), value_int(INT64_MAX), value_int(5), value_double(0.1),
                               value_null()});
    run(world, DELTA_APPEND_MEASURES, "append_measures",
        (const struct value[]){value_blob((struct span){"m", 1})});
    run(world, DELTA_CLEAR_MEASURE_LOG, "clear_measure_log", NULL);
    run(world, DELTA_APPEND_MEASURES, "append_measures",
        (const struct value[]){value_blob((struct span){"n", 1})});
}

static void test_play(struct world *world, const void *data)
{
    (void)data;
    static const char *const tables[] = {"stream_bins", "stream_movies", "stream_late",
                                         "stream_measure_log"};
    GError *error = NULL;
    fill(world);
    struct delta_player *player = delta_player_new(world->copy, world->sql);
    g_assert_true(delta_check(span_of(world->delta)));
    bool played = delta_player_run(player, span_of(world->delta), &error);
    g_assert_no_error(error);
    g_assert_true(played);
    delta_player_free(player);
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_autofree char *expected = rows_of(world->db, tables[i]),
                        *found = rows_of(world->copy, tables[i]);
        g_assert_cmpuint(strlen(expected), >, 0);
        g_assert_cmpstr(found, ==, expected);
    }
}

/* Every statement has its SQL, with as many parameters as the format says (delta_run asserts it).
 */
static void test_statements(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    for (int number = 1; number < DELTA_STATEMENT_END; number++) {
        uint8_t bytes[1 + DELTA_VALUES_MAX] = {(uint8_t)number};
        size_t len = 1;
        while (len < sizeof bytes && !delta_check((struct span){(const char *)bytes, len}))
            len++;
        /* All values NULL: what the tables refuse is a constraint, not a wrong statement. */
        struct delta_player *player = delta_player_new(world->copy, world->sql);
        g_assert_true(db_begin(world->copy, &error));
        if (!delta_player_run(player, (struct span){(const char *)bytes, len}, &error))
            g_assert_true(error_is(error, CONFLICT) || error_is(error, FAILED));
        g_clear_error(&error);
        db_rollback(world->copy);
        delta_player_free(player);
    }
}

static void test_damage(struct world *world, const void *data)
{
    (void)data;
    run(world, DELTA_PUT_LIVE_MINUTE, "put_live_minute",
        (const struct value[]){value_int(3), value_blob((struct span){"abc", 3})});
    for (guint len = 1; len < world->delta->len; len++)
        g_assert_false(delta_check((struct span){(const char *)world->delta->data, len}));
    world->delta->data[0] = DELTA_STATEMENT_END;
    g_assert_false(delta_check(span_of(world->delta)));
    GError *error = NULL;
    struct delta_player *player = delta_player_new(world->copy, world->sql);
    g_assert_false(delta_player_run(player, span_of(world->delta), &error));
    g_assert_true(error_is(error, BADDATA));
    g_clear_error(&error);
    delta_player_free(player);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/delta/play", struct world, NULL, world_open, test_play, world_close);
    g_test_add("/delta/statements", struct world, NULL, world_open, test_statements, world_close);
    g_test_add("/delta/damage", struct world, NULL, world_open, test_damage, world_close);
    return g_test_run();
}
