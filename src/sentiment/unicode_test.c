/* Proves that UTF-8 is decoded as the Unicode Standard's own examples of ill-formed text say (and
 * Python does), that valid text agrees with GLib, and that classes are those of Unicode 14. */
#include "sentiment/unicode.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

static void test_valid(void)
{
    for (uint32_t code = 0; code < 0x110000; code++) {
        if (code >= 0xD800 && code < 0xE000)
            continue;
        unsigned char bytes[6];
        size_t want = (size_t)g_unichar_to_utf8(code, (char *)bytes), len;
        g_assert_cmpuint(unicode_decode(bytes, bytes + want, &len), ==, code);
        g_assert_cmpuint(len, ==, want);
    }
}

/* The Unicode Standard 14.0, tables 3-8 to 3-11: one U+FFFD for each maximal subpart. */
static void test_ill_formed(void)
{
    static const struct {
        const char *bytes;
        const char *codes; /* the lengths consumed; upper case: a replacement */
    } rows[] = {
        {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", "AAAAAAAAa"},
        {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", "AAAAAAAAa"},
        {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", "AAAAAaAAa"},
        {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", "BACBa"},
        {"\xF0\x9F\x98", "C"},
        {"\xE2\x9D\xA4\xEF\xB8", "cB"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const unsigned char *at = (const unsigned char *)rows[i].bytes,
                            *end = at + strlen(rows[i].bytes);
        for (const char *want = rows[i].codes; *want; want++) {
            size_t len;
            bool replaced = unicode_decode(at, end, &len) == UNICODE_REPLACEMENT;
            g_assert_cmpint(replaced, ==, g_ascii_isupper(*want));
            g_assert_cmpuint(len, ==, (size_t)(g_ascii_tolower(*want) - 'a' + 1));
            at += len;
        }
        g_assert_true(at == end);
    }
}

static void test_classes(void)
{
    static const struct {
        uint32_t code;
        enum code_class class;
    } rows[] = {
        {'A', CODE_UPPER},
        {'z', CODE_LOWER},
        {'0', CODE_OTHER},
        {' ', CODE_SPACE},
        {0x1C, CODE_SPACE},
        {0x85, CODE_SPACE},
        {0xA0, CODE_SPACE},
        {0x180E, CODE_OTHER},
        {0x200B, CODE_OTHER},
        {0x3000, CODE_SPACE},
        {0xAA, CODE_LOWER},
        {0x1C5, CODE_LOWER},
        {0x2160, CODE_UPPER},
        {0x24B6, CODE_UPPER},
        {0x10D0, CODE_LOWER},
        {0x1C90, CODE_UPPER},
        {0xA9, CODE_EMOJI},
        {0x24C2, CODE_EMOJI},
        {0x1F600, CODE_EMOJI},
        {0x10FFFF, CODE_OTHER},
        {0xFE0F, CODE_OTHER},
        {0x2C2F, CODE_UPPER} /* new in 14 */,
        {0x1C89, CODE_OTHER} /* upper case since 16 */,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(unicode_class(rows[i].code), ==, rows[i].class);
    g_assert_cmpstr(unicode_emoji_description(0x1F600), ==, "grinning face");
    g_assert_cmpstr(unicode_emoji_description(0xA9), ==, "copyright");
    for (size_t i = 1; i < EMOJI_COUNT; i++) {
        g_assert_cmpuint(unicode_emoji[i - 1].code, <, unicode_emoji[i].code);
        g_assert_true(unicode_emoji_description(unicode_emoji[i].code) ==
                      unicode_emoji[i].description);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/unicode/valid", test_valid);
    g_test_add_func("/unicode/ill-formed", test_ill_formed);
    g_test_add_func("/unicode/classes", test_classes);
    return g_test_run();
}
