#include "sim_fixture.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void sim_open(struct sim_fixture *fixture, const struct tmdb_sim_options *options, int64_t now_ms)
{
    g_autoptr(GError) error = NULL;
    fixture->context = (struct context){.clock = clock_new_manual(now_ms), .stop = stop_new()};
    fixture->sim = tmdb_sim_start(&fixture->context, options, &error);
    g_assert_no_error(error);
    g_assert_nonnull(fixture->sim);
}

void sim_close(struct sim_fixture *fixture)
{
    tmdb_sim_stop(fixture->sim);
    stop_free(fixture->context.stop);
    clock_free(fixture->context.clock);
}

static GString *exchange(int port, const char *request)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(write(fd, request, strlen(request)), ==, (gssize)strlen(request));
    GString *all = g_string_new(NULL);
    char buffer[65536];
    gssize got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        g_string_append_len(all, buffer, got);
    close(fd);
    return all;
}

struct sim_answer sim_get(struct sim_fixture *fixture, const char *path, const char *extra_header)
{
    g_autofree char *request =
        g_strdup_printf("GET /3%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s\r\n", path,
                        extra_header ? extra_header : "");
    GString *all = exchange(tmdb_sim_port(fixture->sim), request);
    const char *end = strstr(all->str, "\r\n\r\n");
    g_assert_nonnull(end);
    struct sim_answer answer = {
        .status = (int)strtol(all->str + strlen("HTTP/1.1 "), NULL, 10),
        .header = g_strndup(all->str, (size_t)(end + 2 - all->str)),
    };
    end += strlen("\r\n\r\n");
    answer.body_len = (size_t)(all->str + all->len - end);
    answer.body = g_strndup(end, answer.body_len);
    g_string_free(all, TRUE);
    return answer;
}

void sim_answer_clear(struct sim_answer *answer)
{
    g_free(answer->header);
    g_free(answer->body);
}

json_t *sim_json(struct sim_fixture *fixture, const char *path, int status)
{
    struct sim_answer answer = sim_get(fixture, path, NULL);
    if (answer.status != status)
        g_error("%s: status %d, expected %d: %.300s", path, answer.status, status, answer.body);
    json_error_t error;
    json_t *root = json_loadb(answer.body, answer.body_len, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        g_error("%s: %s in %.300s", path, error.text, answer.body);
    sim_answer_clear(&answer);
    return root;
}

char *sim_body(struct sim_fixture *fixture, const char *path)
{
    struct sim_answer answer = sim_get(fixture, path, NULL);
    g_assert_cmpint(answer.status, ==, 200);
    g_free(answer.header);
    return answer.body;
}

char *sim_capture_dir(void)
{
    const char *shared = g_getenv("MARQUEE_SHARED");
    char *folder = g_build_filename(shared ? shared : "../shared", "data", "tmdb", NULL);
    if (g_file_test(folder, G_FILE_TEST_IS_DIR))
        return folder;
    g_test_skip("no capture: MARQUEE_SHARED has no data/tmdb");
    g_free(folder);
    return NULL;
}
