/* sentences.c: see sentences.h. */
#include "sentiment/sentences.h"

#include <stdbool.h>
#include <stdint.h>

#include "sentiment/vader.h"

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Where the sentence that begins at `from` ends: behind its last mark, or at the line's end. */
static size_t sentence_end(const char *text, size_t from, size_t len)
{
    for (size_t i = from; i < len; i++) {
        if (text[i] == '\n')
            return i;
        bool mark = text[i] == '.' || text[i] == '!' || text[i] == '?';
        if (mark && i + 1 < len && is_space(text[i + 1]))
            return i + 1;
    }
    return len;
}

int sentences_compound_e4(const char *text, size_t len)
{
    int64_t sum_e4 = 0, count = 0;

    if (len > VADER_TEXT_BYTES_MAX)
        len = VADER_TEXT_BYTES_MAX;
    for (size_t from = 0; from < len;) {
        size_t end = sentence_end(text, from, len);
        int compound_e4 = vader_compound_e4(text + from, end - from);
        sum_e4 += compound_e4;
        count += compound_e4 != 0;
        from = end > from ? end : from + 1;
    }
    if (count == 0)
        return 0;
    int64_t half = sum_e4 < 0 ? -(count / 2) : count / 2;
    return (int)((sum_e4 + half) / count);
}
