/* The local lake passes the contract; a crash inside put leaves the old object and only temporary
 * files. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/config.h"
#include "base/failpoint.h"
#include "lake/lake_contract.h"

static char *root;

static struct lake *open_numbered(int number)
{
    struct config *config = config_new_default();
    g_free(config->data_dir);
    config->data_dir = g_strdup_printf("%s/%d", root, number);
    struct context context = {.config = config};
    GError *error = NULL;
    struct lake *lake = lake_open(&context, &error);
    g_assert_no_error(error);
    config_free(config);
    return lake;
}

/* Killed at each step of put: the reader still gets the old object whole, the list shows nothing
 * else, and the next open sweeps what the dead process left. */
static void test_crash(void)
{
    static const char *const points[] = {"lake.put.opened", "lake.put.written", "lake.put.synced"};
    for (size_t i = 0; i < G_N_ELEMENTS(points); i++) {
        int number = 1000 + (int)i;
        struct lake *lake = open_numbered(number);
        GError *error = NULL;
        g_assert_true(lake_put(lake, "a/object", "old", 3, &error));
        lake_close(lake);
        pid_t child = fork();
        if (child == 0) {
            g_setenv("MARQUEE_FAILPOINT", points[i], TRUE);
            failpoint_init();
            lake = open_numbered(number);
            _exit(lake_put(lake, "a/object", "new", 3, NULL) ? 0 : 1);
        }
        int status = 0;
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        lake = open_numbered(number);
        struct arena *arena = arena_new();
        char *data;
        size_t len;
        g_assert_true(lake_get(lake, "a/object", arena, &data, &len, &error));
        g_assert_cmpstr(data, ==, "old");
        struct lake_object *objects;
        size_t count;
        g_assert_true(lake_list(lake, "", arena, &objects, &count, &error));
        g_assert_cmpuint(count, ==, 1);
        g_autofree char *tmp = g_strdup_printf("%s/%d/lake/.tmp", root, number);
        g_autoptr(GDir) dir = g_dir_open(tmp, 0, NULL);
        g_assert_null(g_dir_read_name(dir));
        arena_free(arena);
        lake_close(lake);
    }
}

static void remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *entry;
    while (dir && (entry = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, entry, NULL);
        if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
            remove_tree(child);
        else
            (void)g_unlink(child);
    }
    (void)g_rmdir(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    root = g_dir_make_tmp("marquee-lake-XXXXXX", NULL);
    lake_contract_add("local", open_numbered);
    g_test_add_func("/lake/local/crash", test_crash);
    int failed = g_test_run();
    remove_tree(root);
    g_free(root);
    return failed;
}
