/* Proves: an embedded .sql file comes out as its named statements, and a name that isn't there ends
 * the program. */
#include "base/sql_file.h"

#include <string.h>

#include "base/embedded.h"

#define PATH "contracts/bus.sql"

static void test_statements(void)
{
    g_autoptr(sql_file) file = sql_file_load(PATH);
    const char *schema = sql_file_get(file, "schema"), *set_end = sql_file_get(file, "set_end");
    /* Several statements under one name, up to the next marker; nothing of the file's head. */
    g_assert_true(g_str_has_prefix(schema, "CREATE TABLE topics"));
    g_assert_nonnull(strstr(schema, "CREATE TABLE group_offsets"));
    g_assert_null(strstr(schema, "-- name:"));
    g_assert_null(strstr(schema, "SELECT"));
    g_assert_true(g_str_has_prefix(set_end, "UPDATE partitions SET end_offset"));
    /* The last one ends with the file. */
    const char *whole = embedded_text(PATH, NULL), *last = sql_file_get(file, "group_offset");
    g_assert_true(g_str_has_suffix(whole, last));
    g_assert_true(g_str_has_prefix(last, "SELECT next_offset"));
}

static void test_missing_name(void)
{
    if (g_test_subprocess()) {
        g_autoptr(sql_file) file = sql_file_load(PATH);
        sql_file_get(file, "no_such_statement");
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*contracts/bus.sql: there is no statement 'no_such_statement'*");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sql_file/statements", test_statements);
    g_test_add_func("/sql_file/missing_name", test_missing_name);
    return g_test_run();
}
