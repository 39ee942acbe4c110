/* segment.c: see segment.h. Code point by code point, in bounded memory.
 *
 * A key of the lexicon is ASCII and at most LEXICON_KEY_BYTES long, so of a token it is enough to
 * keep that many first bytes and one more, twice: of all of it (`raw`) and from its first
 * character that isn't punctuation (`core`), for only its end tells which of the two counts. A code
 * point that can't be part of a key (NUL and what isn't ASCII) is kept as STRANGE. Of the latter,
 * only U+212A KELVIN SIGN has an ASCII lower case; tools/vader_snapshot.py checked that.
 */
#include "sentiment/segment.h"

#include <stdlib.h>
#include <string.h>

#include "sentiment/lexicon.h"
#include "sentiment/unicode.h"

#define STRANGE     0x01
#define KELVIN_SIGN 0x212Au

struct part {
    unsigned char head[LEXICON_READ_BYTES]; /* its first characters, in lower case */
    size_t chars;
    size_t offset; /* where it begins in the text */
};

struct token {
    struct part raw, core;
    size_t core_chars;     /* up to the last character that isn't punctuation */
    size_t end, core_end;  /* offsets in the text */
    bool upper, lower, nt; /* has such letters; has "n't" */
    unsigned char before[2];
};

static void token_begin(struct token *token)
{
    token->raw.chars = token->core.chars = token->core_chars = 0;
    token->upper = token->lower = token->nt = false;
    token->before[0] = token->before[1] = 0;
}

static void part_add(struct part *part, unsigned char c, size_t offset)
{
    if (part->chars == 0)
        part->offset = offset;
    if (part->chars < sizeof part->head)
        part->head[part->chars] = c;
    part->chars++;
}

/* string.punctuation */
static bool is_punctuation(uint32_t code)
{
    return code - '!' <= '/' - '!' || code - ':' <= '@' - ':' || code - '[' <= '`' - '[' ||
           code - '{' <= '~' - '{';
}

static void
token_add(struct token *token, uint32_t code, enum code_class class, size_t offset, size_t len)
{
    unsigned char c = STRANGE;

    if (code == KELVIN_SIGN)
        c = 'k';
    else if (code > 0 && code < 0x80)
        c = (unsigned char)(class == CODE_UPPER ? code + 0x20 : code);
    token->upper |= class == CODE_UPPER;
    token->lower |= class == CODE_LOWER;
    token->nt |= c == 't' && token->before[0] == '\'' && token->before[1] == 'n';
    token->before[1] = token->before[0];
    token->before[0] = c;

    bool punctuation = is_punctuation(code);
    part_add(&token->raw, c, offset);
    token->end = offset + len;
    if (!punctuation || token->core.chars > 0)
        part_add(&token->core, c, offset);
    if (!punctuation) {
        token->core_chars = token->core.chars;
        token->core_end = token->end;
    }
}

static void token_end(struct token *token, struct tokens *tokens)
{
    if (token->raw.chars == 0)
        return;
    const struct part *part = &token->raw;
    size_t chars = token->raw.chars, end = token->end;
    if (token->core_chars > EMOTICON_CORE_MAX) {
        part = &token->core;
        chars = token->core_chars;
        end = token->core_end;
    }
    uint32_t caps = token->upper && !token->lower;
    uint32_t word = lexicon_find(part->head, chars);
    tokens_reserve(tokens, 1);
    tokens_push(tokens, word | caps << WORD_CAPS_SHIFT | (uint32_t)token->nt << WORD_NEGATE_SHIFT,
                caps, part->offset, end - part->offset);
    token_begin(token);
}

/* An emoji ends the word before it; its description is text like any other, and its last word
 * stays open for what follows. */
static void token_spell(struct token *token, struct tokens *tokens, uint32_t emoji, size_t offset)
{
    const unsigned char *at = (const unsigned char *)unicode_emoji_description(emoji);
    const unsigned char *end = at + strlen((const char *)at);

    token_end(token, tokens);
    for (size_t len; at < end; at += len) {
        uint32_t code = unicode_decode(at, end, &len);
        if (code == ' ')
            token_end(token, tokens);
        else
            token_add(token, code, unicode_class(code), offset, 0);
        tokens->bangs += code == '!'; /* "ON! arrow" */
        tokens->questions += code == '?';
    }
}

void segment_split(struct tokens *tokens, const unsigned char *at, size_t len, size_t offset)
{
    const unsigned char *end = at + len;
    struct token token;

    token_begin(&token);
    for (size_t step; at < end; at += step, offset += step) {
        uint32_t code = unicode_decode(at, end, &step);
        enum code_class class = unicode_class(code);
        if (class == CODE_SPACE)
            token_end(&token, tokens);
        else if (class == CODE_EMOJI)
            token_spell(&token, tokens, code, offset);
        else
            token_add(&token, code, class, offset, step);
    }
    token_end(&token, tokens);
}

/* Appends to `out`, or only counts when that is NULL. */
static void put(char *out, size_t *used, const char *bytes, size_t len)
{
    if (out)
        memcpy(out + *used, bytes, len);
    *used += len;
}

static size_t spell_emoji(const char *text, size_t len, char *out)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + len;
    bool space_before = true; /* so the first emoji gets none */
    size_t used = 0;

    for (size_t step; at < end; at += step) {
        uint32_t code = unicode_decode(at, end, &step);
        if (unicode_class(code) == CODE_EMOJI) {
            const char *description = unicode_emoji_description(code);
            if (!space_before)
                put(out, &used, " ", 1);
            put(out, &used, description, strlen(description));
        } else if (code == UNICODE_REPLACEMENT) {
            put(out, &used, "\xEF\xBF\xBD", 3);
        } else {
            put(out, &used, (const char *)at, step);
        }
        space_before = code == ' ';
    }
    return used;
}

char *segment_spell_emoji(const char *text, size_t len, size_t *ret_len)
{
    size_t size = spell_emoji(text, len, NULL);
    char *spelled = malloc(size + 1);

    if (!spelled)
        abort(); /* as GLib does */
    spell_emoji(text, len, spelled);
    spelled[size] = '\0';
    *ret_len = size;
    return spelled;
}
