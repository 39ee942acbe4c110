#include "view/search.h"

#include <glib.h>

/* As FTS5's unicode61: letters, numbers and private characters, and the marks that follow them. */
static bool in_word(gunichar c)
{
    return g_unichar_isalnum(c) || g_unichar_ismark(c) ||
           g_unichar_type(c) == G_UNICODE_PRIVATE_USE ||
           g_unichar_type(c) == G_UNICODE_OTHER_NUMBER ||
           g_unichar_type(c) == G_UNICODE_LETTER_NUMBER;
}

/* The end of the word that begins at text. */
static const char *word_end(const char *text, size_t *ret_chars)
{
    *ret_chars = 0;
    while (*text && in_word(g_utf8_get_char(text))) {
        text = g_utf8_next_char(text);
        (*ret_chars)++;
    }
    return text;
}

/* A mark alone is no word to FTS5. */
static const char *word_begin(const char *text)
{
    while (*text && (!in_word(g_utf8_get_char(text)) || g_unichar_ismark(g_utf8_get_char(text))))
        text = g_utf8_next_char(text);
    return text;
}

bool search_expression(const char *text, char **ret_expression, GError **error)
{
    if (!g_utf8_validate(text, -1, NULL)) {
        error_set(error, BADDATA, "the words to search for aren't UTF-8");
        return false;
    }
    g_autoptr(GString) out = g_string_new(NULL);
    size_t words = 0, chars = 0;
    for (const char *at = word_begin(text), *end; *at; at = word_begin(end)) {
        end = word_end(at, &chars);
        if (++words > SEARCH_WORDS_MAX) {
            error_set(error, BADDATA, "more than %d words are searched for", SEARCH_WORDS_MAX);
            return false;
        }
        g_string_append_printf(out, "%s\"%.*s\"", words > 1 ? " " : "", (int)(end - at), at);
    }
    if (words > 0 && chars >= SEARCH_PREFIX_CHARS_MIN)
        g_string_append(out, " *");
    *ret_expression = g_string_free(g_steal_pointer(&out), FALSE);
    return true;
}
