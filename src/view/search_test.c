/* What people type becomes an expression that FTS5 takes, whatever it is: expected by hand for
 * some, and SQLite itself is asked for many made-up ones. */
#include <string.h>

#include <sqlite3.h>

#include "view/search.h"

static void check(const char *text, const char *expected)
{
    GError *error = NULL;
    char *expression = NULL;
    g_assert_true(search_expression(text, &expression, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(expression, ==, expected);
    g_free(expression);
}

static void test_expressions(void)
{
    check("", "");
    check("matrix", "\"matrix\" *");
    check("the  Matrix re", "\"the\" \"Matrix\" \"re\" *");
    check("m", "\"m\"");
    check("8", "\"8\"");
    check("war -of* (\"NEAR\" AND title:x) ^y",
          "\"war\" \"of\" \"NEAR\" \"AND\" \"title\" \"x\" \"y\"");
    check("'; DROP TABLE search_text; --", "\"DROP\" \"TABLE\" \"search\" \"text\" *");
    check("\"\"\"", "");
    check("Amélie", "\"Amélie\" *");
    check("千と千尋", "\"千と千尋\" *");
    check("it's", "\"it\" \"s\"");
    check("\xf0\x9f\x8e\xac", "");                    /* a picture is no word */
    check("\xcc\x81 e\xcc\x81t", "\"e\xcc\x81t\" *"); /* a mark alone neither */
}

static void refuse(const char *text)
{
    g_autoptr(GError) error = NULL;
    char *expression = NULL;
    g_assert_false(search_expression(text, &expression, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
    g_assert_null(expression);
}

static void test_refused(void)
{
    refuse("\xff\xfe");
    refuse("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17");
    check("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
          "\"1\" \"2\" \"3\" \"4\" \"5\" \"6\" \"7\" \"8\" \"9\" \"10\" \"11\" \"12\" \"13\" "
          "\"14\" \"15\" \"16\" *");
}

/* No text makes FTS5 complain, and each word that it has is looked for. */
static void test_accepted(void)
{
    static const char *const pieces[] = {"\"",       "*",       "NEAR(", ")", "AND", "OR",  "NOT",
                                         "^",        "+",       "-",     ":", "{",   "}",   " ",
                                         "a",        "Zoë",     "\\",    "'", "\n",  "½",   "ⅷ",
                                         "\xcc\x81", "العربية", ",",     "…", "#",   "NEAR"};
    sqlite3 *db;
    sqlite3_stmt *query;
    g_assert_cmpint(sqlite3_open(":memory:", &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db,
                                 "CREATE VIRTUAL TABLE t USING fts5 (title, tokenize = "
                                 "'unicode61 remove_diacritics 2', prefix = '2 3')",
                                 NULL, NULL, NULL),
                    ==, SQLITE_OK);
    g_assert_cmpint(
        sqlite3_prepare_v2(db, "SELECT count(*) FROM t WHERE t MATCH ?1", -1, &query, NULL), ==,
        SQLITE_OK);
    for (int i = 0; i < 3000; i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (int n = g_test_rand_int_range(1, 12); n > 0; n--)
            g_string_append(text, pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
        g_autofree char *expression = NULL;
        g_assert_true(search_expression(text->str, &expression, NULL));
        if (!*expression)
            continue;
        sqlite3_bind_text(query, 1, expression, -1, SQLITE_STATIC);
        if (sqlite3_step(query) != SQLITE_ROW)
            g_error("'%s' became '%s': %s", text->str, expression, sqlite3_errmsg(db));
        sqlite3_reset(query);
    }
    sqlite3_finalize(query);
    sqlite3_close(db);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/search/expressions", test_expressions);
    g_test_add_func("/search/refused", test_refused);
    g_test_add_func("/search/accepted", test_accepted);
    return g_test_run();
}
