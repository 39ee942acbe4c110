#include "lake/checksum.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <openssl/evp.h>

#define READ_BYTES ((size_t)256 * 1024)

static bool out_of_memory(GError **error)
{
    error_set(error, FAILED, "lake: checksum: libcrypto refuses: out of memory");
    return false;
}

/* Where the lake is a folder an object needn't be loaded whole. */
static bool add_file(EVP_MD_CTX *sum, const char *path, int64_t *ret_size_bytes, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT)
            error_set(error, NOTFOUND, "lake: %s isn't there", path);
        else
            error_set(error, FAILED, "lake: read %s: %s", path, g_strerror(errno));
        return false;
    }
    g_autofree unsigned char *buffer = g_malloc(READ_BYTES);
    int64_t total = 0;
    ssize_t got;
    bool done = true;
    while (done && (got = read(fd, buffer, READ_BYTES)) != 0) {
        if (got < 0) {
            error_set(error, FAILED, "lake: read %s: %s", path, g_strerror(errno));
            done = false;
        } else {
            done = EVP_DigestUpdate(sum, buffer, (size_t)got) == 1 || out_of_memory(error);
            total += got;
        }
    }
    close(fd);
    *ret_size_bytes = total;
    return done;
}

static bool add_object(EVP_MD_CTX *sum,
                       struct lake *lake,
                       const char *name,
                       struct arena *arena,
                       int64_t *ret_size_bytes,
                       GError **error)
{
    const char *url = lake_url(lake, name, arena, error);
    char *data;
    size_t len;
    if (!url)
        return false;
    if (url[0] == '/')
        return add_file(sum, url, ret_size_bytes, error);
    if (!lake_get(lake, name, arena, &data, &len, error))
        return false;
    *ret_size_bytes = (int64_t)len;
    return EVP_DigestUpdate(sum, data, len) == 1 || out_of_memory(error);
}

static bool end(EVP_MD_CTX *sum, char hex[CHECKSUM_HEX_BYTES], GError **error)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (EVP_DigestFinal_ex(sum, bytes, &len) != 1 || 2 * len + 1 != CHECKSUM_HEX_BYTES)
        return out_of_memory(error);
    for (unsigned i = 0; i < len; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * len] = '\0';
    return true;
}

bool checksum_object(struct lake *lake,
                     const char *name,
                     char ret_hex[CHECKSUM_HEX_BYTES],
                     int64_t *ret_size_bytes,
                     GError **error)
{
    struct arena *arena = arena_new();
    EVP_MD_CTX *sum = EVP_MD_CTX_new();
    int64_t size_bytes = 0;
    bool done = (sum && EVP_DigestInit_ex(sum, EVP_sha256(), NULL) == 1) || out_of_memory(error);
    done =
        done && add_object(sum, lake, name, arena, &size_bytes, error) && end(sum, ret_hex, error);
    EVP_MD_CTX_free(sum);
    arena_free(arena);
    if (done)
        *ret_size_bytes = size_bytes;
    return done;
}
