/* Any bytes as marquee.yaml: a config or an error with a text, never a crash. What was read is also
 * printed, so that the writer sees every value that the reader lets through. */
#include "base/config.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    g_autoptr(GError) error = NULL;
    struct config *config = config_load_text("fuzz", (const char *)bytes, len, &error);
    g_assert(!config == !!error);
    if (error)
        g_assert(strncmp(error->message, "fuzz:", strlen("fuzz:")) == 0 &&
                 g_utf8_validate(error->message, -1, NULL));
    if (config) {
        GString *out = g_string_new(NULL);
        config_write_values(config, out);
        g_assert(g_utf8_validate(out->str, (gssize)out->len, NULL));
        g_string_free(out, TRUE);
    }
    config_free(config);
    return 0;
}
