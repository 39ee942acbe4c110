/* Proves that each word of the reference's lexicon, in any case, is found with its valence (the
 * last of duplicates), and that words which only look like one are not. */
#include "sentiment/lexicon.h"

#include <stdbool.h>

#include <glib.h>

static uint32_t find(const char *word, size_t len)
{
    unsigned char padded[256] = {0};

    g_assert_cmpuint(len, <, sizeof padded - LEXICON_READ_BYTES);
    memcpy(padded, word, len);
    memset(padded + len, 'x', LEXICON_READ_BYTES); /* what follows in a text must not matter */
    return lexicon_find(padded, len);
}

/* word -> its last valence, read anew from the data file. */
static GHashTable *read_lexicon(void)
{
    g_autofree char *path =
        g_build_filename(g_getenv("MARQUEE_SOURCE_ROOT"), "data/vader/vader_lexicon.txt", NULL);
    g_autofree char *all = NULL;
    g_autoptr(GError) error = NULL;
    GHashTable *lexicon = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    g_file_get_contents(path, &all, NULL, &error);
    g_assert_no_error(error);
    g_auto(GStrv) lines = g_strsplit(all, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, "\t", 3);
        if (fields[0] && fields[1])
            g_hash_table_replace(lexicon, g_strdup(fields[0]), g_strdup(fields[1]));
    }
    return lexicon;
}

static void test_every_word(void)
{
    g_autoptr(GHashTable) lexicon = read_lexicon();
    GHashTableIter iter;
    const char *word, *valence;
    int reachable = 0;

    g_assert_cmpuint(g_hash_table_size(lexicon), ==, 7506);
    g_hash_table_iter_init(&iter, lexicon);
    while (g_hash_table_iter_next(&iter, (void **)&word, (void **)&valence)) {
        g_autofree char *lower = g_ascii_strdown(word, -1), *upper = g_ascii_strup(word, -1);
        if (strcmp(lower, word) != 0 || strchr(word, ' ') || !g_str_is_ascii(word))
            continue; /* no token in lower case is equal to it */
        reachable++;
        uint32_t found = find(word, strlen(word));
        g_assert_true(found & WORD_LEXICON);
        g_assert_cmpfloat(word_valence(found), ==, g_ascii_strtod(valence, NULL));
        g_assert_cmpuint(find(upper, strlen(upper)), ==, found);
    }
    g_assert_cmpint(reachable, ==, 7506 - 14 - 4);
}

static void test_other_words(void)
{
    g_autoptr(GHashTable) lexicon = read_lexicon();
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    g_autofree const char **words = (const char **)g_hash_table_get_keys_as_array(lexicon, NULL);
    guint count = g_hash_table_size(lexicon);

    for (int i = 0; i < 200000; i++) {
        const char *word = words[g_rand_int_range(rand, 0, (gint32)count)];
        g_autofree char *changed = g_ascii_strdown(word, -1);
        size_t len = strlen(changed);
        if (!g_str_is_ascii(word))
            continue;
        if (g_rand_boolean(rand))
            changed[g_rand_int_range(rand, 0, (gint32)len)] =
                (char)g_rand_int_range(rand, 0x21, 0x7F);
        else
            changed[--len] = '\0';
        g_autofree char *lower = g_ascii_strdown(changed, -1);
        bool known = g_hash_table_contains(lexicon, lower) && !strchr(lower, ' ');
        g_assert_cmpint((find(changed, len) & WORD_LEXICON) != 0, ==, known);
    }
    g_assert_cmpuint(find("", 0), ==, 0);
    g_assert_cmpuint(find("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 33), ==, 0);
}

static void test_roles(void)
{
    g_assert_true(word_role(find("BuT", 3)) == ROLE_BUT && find("but", 3) & WORD_BUT);
    g_assert_true(find("very", 4) & WORD_BOOST_UP && word_role(find("very", 4)) == ROLE_VERY);
    g_assert_true(find("sort-of", 7) & WORD_BOOST_DOWN);
    g_assert_true(find("uh-uh", 5) & WORD_NEGATE && !(find("uh-uh", 5) & WORD_LEXICON));
    const struct phrase *phrase = &lexicon_phrases[lexicon_pairs[ROLE_KISS][ROLE_OF]];
    g_assert_true(phrase->kind == PHRASE_TRIPLE && phrase->last == ROLE_DEATH &&
                  phrase->value == -1.5);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lexicon/every-word", test_every_word);
    g_test_add_func("/lexicon/other-words", test_other_words);
    g_test_add_func("/lexicon/roles", test_roles);
    return g_test_run();
}
