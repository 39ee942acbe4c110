#include "serve/auth.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/stat.h>

#include "base/config.h"

#define DIGEST_HEX_LEN 64

struct auth {
    GHashTable *keys; /* digest in lower-case hex -> number + 1 */
};

static bool is_loopback(const char *host)
{
    struct in_addr address;
    if (strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0)
        return true;
    return inet_pton(AF_INET, host, &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

static bool is_digest(const char *text)
{
    if (strlen(text) != DIGEST_HEX_LEN)
        return false;
    for (; *text; text++) {
        if (!g_ascii_isxdigit(*text))
            return false;
    }
    return true;
}

/* One line: nothing, a comment, or a digest and perhaps a name. */
static bool
read_line(struct auth *auth, const char *path, size_t number, char *line, GError **error)
{
    char *comment = strchr(line, '#');
    if (comment)
        *comment = '\0';
    g_strstrip(line);
    if (!*line)
        return true;
    line[strcspn(line, " \t")] = '\0';
    if (!is_digest(line)) {
        /* The line may hold a key in the clear: it isn't shown. */
        error_set(
            error, CONFIG,
            "%s:%zu: expected the SHA-256 of an API key, %d hex digits; make one with: printf %%s "
            "\"$KEY\" | sha256sum",
            path, number, DIGEST_HEX_LEN);
        return false;
    }
    if (g_hash_table_size(auth->keys) == AUTH_KEYS_MAX) {
        error_set(error, CONFIG, "%s:%zu: more than %d keys", path, number, AUTH_KEYS_MAX);
        return false;
    }
    char *digest = g_ascii_strdown(line, -1);
    if (g_hash_table_contains(auth->keys, digest))
        g_free(digest);
    else
        g_hash_table_insert(auth->keys, digest, GINT_TO_POINTER(g_hash_table_size(auth->keys) + 1));
    return true;
}

static bool read_file(struct auth *auth, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    GError *failure = NULL;
    struct stat info;
    if (stat(path, &info) == 0 && (size_t)info.st_size > AUTH_FILE_BYTES_MAX) {
        error_set(error, CONFIG, "serve.api_keys_file: %s has more than %zu bytes", path,
                  AUTH_FILE_BYTES_MAX);
        return false;
    }
    if (!g_file_get_contents(path, &text, NULL, &failure)) {
        error_set(error, CONFIG, "serve.api_keys_file: %s", failure->message);
        g_error_free(failure);
        return false;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (size_t i = 0; lines[i]; i++) {
        if (!read_line(auth, path, i + 1, lines[i], error))
            return false;
    }
    if (g_hash_table_size(auth->keys) == 0) {
        error_set(error, CONFIG,
                  "serve.api_keys_file: %s holds no key, so nobody could ask anything; add one "
                  "with: printf %%s "
                  "\"$KEY\" | sha256sum >> %s",
                  path, path);
        return false;
    }
    return true;
}

struct auth *auth_open(const struct context *context, GError **error)
{
    const char *path = context->config->serve_api_keys_file, *host = context->config->serve_host;
    if (!*path && !is_loopback(host)) {
        error_set(error, CONFIG,
                  "serve.host: %s can be reached from outside, and no API keys are configured: set "
                  "serve.api_keys_file to a file with the SHA-256 of a key on each line (printf "
                  "%%s \"$KEY\" | "
                  "sha256sum), or listen on 127.0.0.1",
                  host);
        return NULL;
    }
    struct auth *auth = g_new0(struct auth, 1);
    auth->keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (*path && !read_file(auth, path, error)) {
        auth_close(auth);
        return NULL;
    }
    return auth;
}

void auth_close(struct auth *auth)
{
    if (!auth)
        return;
    g_hash_table_unref(auth->keys);
    g_free(auth);
}

bool auth_needed(const struct auth *auth)
{
    return g_hash_table_size(auth->keys) > 0;
}

size_t auth_count(const struct auth *auth)
{
    return g_hash_table_size(auth->keys);
}

int auth_check(const struct auth *auth, const char *key)
{
    size_t len = strlen(key);
    if (len == 0 || len > AUTH_KEY_BYTES_MAX)
        return -1;
    /* What is compared is a digest: the time that takes says nothing about the key. */
    g_autofree char *digest =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)key, len);
    return GPOINTER_TO_INT(g_hash_table_lookup(auth->keys, digest)) - 1;
}
