#!/usr/bin/env python3
"""Makes src/sentiment's constant tables from data/vader at build time: gen_vader.py DATA OUT.h OUT.c

What it writes, and why so:

Words. Every word that any rule can recognise (lexicon, boosters, negations, the words that rules
and phrases name) stands in one perfect hash table, so that a word of the text costs one look-up.
    h = fold(word);  slot = (low half of h + displacement[top bits of h] * (high half of h | 1))
The entry there is compared without a branch: whether a word is known can't be predicted, and a
mispredicted branch costs more than a miss of the first-level cache. src/sentiment/lexicon.h
computes the same; a test looks up every word.

Phrases. Word pairs and triples ("bus stop", "kind of", "kiss of death") are a matrix over the few
words that occur in them.

Code points. A two-stage table gives each one's class; emoji are sorted, with their description.
"""
import sys

MASK64 = (1 << 64) - 1
FOLD_K0, FOLD_K1, FOLD_K2 = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
KEY_BYTES_MAX = 20
SLOT_BITS, BUCKET_BITS, BLOCK_BITS = 13, 11, 7
SLOTS, BUCKETS, BLOCK = 1 << SLOT_BITS, 1 << BUCKET_BITS, 1 << BLOCK_BITS
ROLE_SHIFT = 16
FLAGS = {"lexicon": 24, "boost_up": 25, "boost_down": 26, "negate": 27, "but": 29, "acts": 30}
# One word of each phrase, the rarest, and the words that act alone without boosting or negating.
ACTS = "no this least kind sort just shit bomb bad bus yeah kiss die beating".split()
CLASSES = ["other", "space", "upper", "lower", "emoji"]


def rows(folder, name):
    """The reference's own way to read its files; comments only exist in ours."""
    with open(f"{folder}/{name}", encoding="utf-8", newline="") as lines:
        for line in lines.read().rstrip("\n").split("\n"):
            if line and not (name.endswith(("rules.tsv", "14.tsv")) and line.startswith("# ")):
                yield line.strip().split("\t")


def fold(word):
    """The hash of lexicon_find() in lexicon.h: of three little-endian numbers, padded with zeros."""
    raw = word.encode("ascii").ljust(24, b"\0")
    w0, w1, w2 = (int.from_bytes(raw[i : i + 8], "little") for i in (0, 8, 16))
    product = ((w0 + w2 * FOLD_K2 & MASK64) ^ FOLD_K0) * (w1 ^ FOLD_K1)
    return (product ^ product >> 64) & MASK64


def slot_of(h, displacement):
    return ((h & 0xFFFFFFFF) + displacement * (h >> 32 | 1)) & (SLOTS - 1)


def perfect_hash(words):
    """Displacements, and the word in each slot: largest buckets first, first displacement that fits."""
    hashes = {word: fold(word) for word in words}
    if len(set(hashes.values())) != len(words):
        sys.exit("two words hash alike: change FOLD_K0 here and in lexicon.h")
    buckets = [[] for _ in range(BUCKETS)]
    for word in words:
        buckets[hashes[word] >> (64 - BUCKET_BITS)].append(word)
    displacements, slots = [0] * BUCKETS, [None] * SLOTS
    for number in sorted(range(BUCKETS), key=lambda n: -len(buckets[n])):
        for displacement in range(1 << 16):
            places = {slot_of(hashes[word], displacement) for word in buckets[number]}
            if len(places) == len(buckets[number]) and all(slots[p] is None for p in places):
                break
        else:
            sys.exit("no displacement fits: enlarge SLOT_BITS here and in lexicon.h")
        displacements[number] = displacement
        for word in buckets[number]:
            slots[slot_of(hashes[word], displacement)] = word
    return displacements, slots


def read_rules(folder):
    rules = {"named": {}, "negate": {}, "booster": {}, "special": {}}
    for kind, phrase, value in rows(folder, "rules.tsv"):
        rules[kind][phrase] = float(value)
    return rules


def read_words(folder, rules):
    """word -> (bits, valence), the roles' names, the phrases of two or three words."""
    lexicon = {row[0]: float(row[1]) for row in rows(folder, "vader_lexicon.txt")}
    # A token is lower-cased and holds no space, so some keys can't be met; none has a lower-case
    # non-ASCII letter, which lets the tokenizer give up on any such token.
    lexicon = {w: v for w, v in lexicon.items() if w == w.lower() and w.split() == [w]}
    assert all(word.isascii() and len(word) <= KEY_BYTES_MAX for word in lexicon)
    phrases = {}
    for kind in ("special", "booster"):
        for phrase, value in rules[kind].items():
            if " " in phrase:
                assert phrase not in phrases
                phrases[phrase] = (kind, value)
    roles = list(rules["named"])
    for phrase in phrases:
        roles += [word for word in phrase.split() if word not in roles]
    assert all(set(phrase.split()) & set(ACTS) for phrase in phrases)
    words = {}
    for word in [*lexicon, *rules["negate"], *rules["booster"], *roles]:
        if " " in word:
            continue
        bits = (roles.index(word) + 1) << ROLE_SHIFT if word in roles else 0
        if word in lexicon:
            bits |= 1 << FLAGS["lexicon"]
        if word in rules["booster"]:
            assert abs(rules["booster"][word]) == 0.293
            bits |= 1 << FLAGS["boost_up" if rules["booster"][word] > 0 else "boost_down"]
        if word in rules["negate"]:
            bits |= 1 << FLAGS["negate"]
        if bits & ~(0xFF << ROLE_SHIFT | 1 << FLAGS["lexicon"]) or word in ACTS:
            bits |= 1 << FLAGS["acts"]
        if word == "but":
            bits |= 1 << FLAGS["but"]
        words[word] = (bits, lexicon.get(word, 0.0))
    return words, roles, phrases


def read_emoji(folder):
    emoji = {row[0]: row[1] for row in rows(folder, "emoji_utf8_lexicon.txt")}
    # The reference looks up one code point at a time: sequences are never found.
    emoji = {ord(char): text for char, text in emoji.items() if len(char) == 1}
    # A description goes through the tokenizer as it is, so it must not hold an emoji itself.
    assert not any(ord(char) in emoji for text in emoji.values() for char in text)
    return sorted(emoji.items())


def classes(folder, emoji):
    table = bytearray(0x110000)
    for first, last, kind in rows(folder, "unicode14.tsv"):
        for code in range(int(first, 16), int(last, 16) + 1):
            table[code] = CLASSES.index(kind)
    for code, _ in emoji:  # replaced before anyone asks for its case
        table[code] = CLASSES.index("emoji")
    stages, blocks = [], []
    for start in range(0, len(table), BLOCK):
        block = bytes(table[start : start + BLOCK])
        if block not in blocks:
            blocks.append(block)
        stages.append(blocks.index(block))
    assert len(blocks) <= 256
    return stages, blocks


def phrase_rows(phrases, roles):
    """Phrase 0 is none. A pair that begins a triple carries the triple's value and last word."""
    matrix = [[0] * (len(roles) + 1) for _ in range(len(roles) + 1)]
    table = [("NONE", 0, 0.0)]
    for phrase, (kind, value) in phrases.items():
        ids = [roles.index(word) + 1 for word in phrase.split()]
        assert matrix[ids[0]][ids[1]] == 0 and len(ids) in (2, 3)
        assert len(ids) == 2 or kind == "special"
        matrix[ids[0]][ids[1]] = len(table)
        table.append((kind.upper() if len(ids) == 2 else "TRIPLE", ids[2] if ids[2:] else 0, value))
    return matrix, table


def c_string(text):
    return '"' + "".join(
        chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}" for b in text.encode("utf-8")
    ) + '"'


def numbers(values):
    values = list(values)
    return "".join("    " + ", ".join(map(str, values[i : i + 20])) + ",\n" for i in range(0, len(values), 20))


def write_header(path, roles, phrases, emoji, blocks):
    names = "".join(f"    ROLE_{word.upper()},\n" for word in roles)
    kinds = "".join(f"    CODE_{kind.upper()},\n" for kind in CLASSES)
    flags = "".join(f"#define WORD_{name.upper():<11} (1u << {bit})\n" for name, bit in FLAGS.items())
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"""/* Made by tools/gen_vader.py from data/vader; what the numbers mean: lexicon.h, unicode.h. */
#ifndef MARQUEE_SENTIMENT_VADER_TABLES_H
#define MARQUEE_SENTIMENT_VADER_TABLES_H

#define LEXICON_KEY_BYTES   {KEY_BYTES_MAX}
#define LEXICON_SLOT_BITS   {SLOT_BITS}
#define LEXICON_BUCKET_BITS {BUCKET_BITS}
#define LEXICON_FOLD_K0     0x{FOLD_K0:X}u
#define LEXICON_FOLD_K1     0x{FOLD_K1:X}u
#define LEXICON_FOLD_K2     0x{FOLD_K2:X}u
#define WORD_ROLE_SHIFT     {ROLE_SHIFT}
{flags}
enum word_role {{
    ROLE_NONE,
{names}    ROLE_COUNT,
}};

enum code_class {{
{kinds}}};

#define PHRASE_COUNT     {len(phrases) + 1}
#define EMOJI_COUNT      {len(emoji)}
#define CODE_BLOCK_BITS  {BLOCK_BITS}
#define CODE_STAGE_COUNT {0x110000 // BLOCK}
#define CODE_BLOCK_COUNT {len(blocks)}

#endif
""")


def write_tables(path, words, hashed, phrases, roles, emoji, stages, blocks):
    displacements, slots = hashed
    matrix, phrase_table = phrase_rows(phrases, roles)
    with open(path, "w", encoding="utf-8") as out:
        out.write('/* Made by tools/gen_vader.py from data/vader. */\n'
                  '#include "sentiment/lexicon.h"\n#include "sentiment/unicode.h"\n\n')
        out.write("const uint16_t lexicon_displacements[] = {\n" + numbers(displacements) + "};\n")
        tags = (hashes[word] >> 32 & 0xFF if word else 0 for word in slots)
        out.write("const struct lexeme lexicon_lexemes[] = {\n")
        for slot, word in enumerate(slots):
            bits, valence = words.get(word, (0, 0.0))
            out.write(f"    {{{c_string(word or '')}, {bits | slot if word else 0}u, {valence!r}}},\n")
        out.write("};\nconst uint8_t lexicon_pairs[ROLE_COUNT][ROLE_COUNT] = {\n")
        for line in matrix:
            out.write("    {" + ", ".join(map(str, line)) + "},\n")
        out.write("};\nconst struct phrase lexicon_phrases[] = {\n")
        for kind, last, value in phrase_table:
            out.write(f"    {{{value!r}, PHRASE_{kind}, {last}}},\n")
        out.write("};\nconst struct emoji unicode_emoji[] = {\n")
        for code, text in emoji:
            out.write(f"    {{0x{code:X}, {c_string(text)}}},\n")
        out.write("};\nconst uint8_t unicode_stages[] = {\n" + numbers(stages) + "};\n")
        out.write("const uint8_t unicode_blocks[][1 << CODE_BLOCK_BITS] = {\n")
        for block in blocks:
            out.write("    {" + ", ".join(map(str, block)) + "},\n")
        out.write("};\n")


def main():
    folder, header, source = sys.argv[1:]
    words, roles, phrases = read_words(folder, read_rules(folder))
    emoji = read_emoji(folder)
    stages, blocks = classes(folder, emoji)
    write_header(header, roles, phrases, emoji, blocks)
    write_tables(source, words, perfect_hash(list(words)), phrases, roles, emoji, stages, blocks)


if __name__ == "__main__":
    main()
