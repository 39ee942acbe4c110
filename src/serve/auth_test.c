/* Keys: only what hashes to a line of the file passes; a file that can't be meant stops the start
 * and never shows its text; an address that others reach needs a file. */
#include "serve/auth.h"

#include <string.h>

#include <glib/gstdio.h>

#include "base/config.h"

/* sha256sum of "secret-1" and "test", by coreutils. */
#define DIGEST_SECRET "f7e7c36e458e80e6b6a2c67d0a9ec09bd718dadd7bfa8d6bf6e7ad526e46c2f7"
#define DIGEST_TEST   "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"

static struct auth *open_with(const char *host, const char *text, GError **error)
{
    struct config *config = config_new_default();
    g_free(config->serve_host);
    config->serve_host = g_strdup(host);
    g_autofree char *path = NULL;
    if (text) {
        int fd = g_file_open_tmp("marquee-keys-XXXXXX", &path, NULL);
        g_assert_cmpint(fd, >=, 0);
        g_close(fd, NULL);
        g_file_set_contents(path, text, -1, NULL);
        g_free(config->serve_api_keys_file);
        config->serve_api_keys_file = g_strdup(path);
    }
    struct context context = {.config = config};
    struct auth *auth = auth_open(&context, error);
    if (path)
        g_unlink(path);
    config_free(config);
    return auth;
}

static void test_keys(void)
{
    GError *error = NULL;
    struct auth *auth = open_with(
        "0.0.0.0", "# people\n\n" DIGEST_SECRET "  grafana\n  " DIGEST_TEST " # me\r\n", &error);
    g_assert_no_error(error);
    g_assert_true(auth_needed(auth));
    g_assert_cmpuint(auth_count(auth), ==, 2);
    g_assert_cmpint(auth_check(auth, "secret-1"), ==, 0);
    g_assert_cmpint(auth_check(auth, "test"), ==, 1);
    g_assert_cmpint(auth_check(auth, "Test"), ==, -1);
    g_assert_cmpint(auth_check(auth, ""), ==, -1);
    g_assert_cmpint(auth_check(auth, DIGEST_SECRET), ==, -1); /* who reads the file can't use it */
    g_autofree char *lengthy = g_strnfill(100000, 'x');
    g_assert_cmpint(auth_check(auth, lengthy), ==, -1);
    auth_close(auth);
}

static void test_refused(void)
{
    static const struct {
        const char *host, *text, *expected;
    } cases[] = {
        {"0.0.0.0", NULL, "can be reached from outside"},
        {"192.168.1.5", NULL, "serve.api_keys_file"},
        {"::", NULL, "127.0.0.1"},
        {"127.0.0.1", "my-secret-key\n", ":1: expected the SHA-256"},
        {"127.0.0.1", "\n\n" DIGEST_SECRET "0\n", ":3: expected the SHA-256"},
        {"127.0.0.1", "# none\n", "holds no key"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        g_assert_null(open_with(cases[i].host, cases[i].text, &error));
        g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFIG);
        if (!strstr(error->message, cases[i].expected))
            g_error("case %zu: %s", i, error->message);
        g_assert_null(strstr(error->message, "my-secret-key"));
        g_clear_error(&error);
    }
}

static void test_loopback(void)
{
    static const char *const hosts[] = {"127.0.0.1", "127.8.9.1", "localhost", "::1"};
    for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
        GError *error = NULL;
        struct auth *auth = open_with(hosts[i], NULL, &error);
        g_assert_no_error(error);
        g_assert_false(auth_needed(auth));
        auth_close(auth);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/auth/keys", test_keys);
    g_test_add_func("/auth/refused", test_refused);
    g_test_add_func("/auth/loopback", test_loopback);
    return g_test_run();
}
