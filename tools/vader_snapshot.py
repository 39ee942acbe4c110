#!/usr/bin/env python3
"""Takes from the reference what data/vader keeps beside its lexicon: run once, by hand.

    VENV/bin/python tools/vader_snapshot.py data/vader

needs vaderSentiment 3.3.2 (tests/sentiment/venv.sh makes such an environment) and a Python whose
unicodedata is version 14.0.0 (Python 3.11). It writes

    rules.tsv       the reference's word lists, which are literals in its source: negations,
                    boosters, special cases, and the words that its rules name
    unicode14.tsv   which code points str.isupper, islower, istitle and split treat specially

The files are checked in, so that no build depends on the builder's Python or on the package.
"""
import os
import sys
import unicodedata

from vaderSentiment import vaderSentiment as reference

# Words that the rules of vaderSentiment.py compare with, in its order.
NAMED = ["no", "or", "nor", "kind", "of", "never", "so", "this", "without", "doubt", "least", "at",
         "very", "but"]
SURROGATES = range(0xD800, 0xE000)


def class_of(code):
    """The class that the tokenizer needs, None for most code points."""
    char = chr(code)
    if char.isspace():
        return "space"
    if char.isupper():
        return "upper"
    if char.islower() or char.istitle():  # either one keeps a word from being upper case
        return "lower"
    return None


def ranges():
    start, current = 0, None
    for code in range(0x110001):
        kind = None if code == 0x110000 or code in SURROGATES else class_of(code)
        if kind != current:
            if current:
                yield start, code - 1, current
            start, current = code, kind


def main():
    folder = sys.argv[1]
    if unicodedata.unidata_version != "14.0.0":
        sys.exit(f"need Unicode 14.0.0 (Python 3.11), this Python has {unicodedata.unidata_version}")
    for code in range(0x80, 0x110000):  # the tokenizer relies on it: see src/sentiment/segment.c
        if code not in SURROGATES and chr(code).lower().isascii() and code != 0x212A:
            sys.exit(f"U+{code:04X} lowers to ASCII; the tokenizer knows only U+212A")
    with open(os.path.join(folder, "rules.tsv"), "w", encoding="utf-8") as out:
        out.write("# kind\tphrase\tvalue: from vaderSentiment 3.3.2, by tools/vader_snapshot.py\n")
        for word in NAMED:
            out.write(f"named\t{word}\t0\n")
        for word in reference.NEGATE:
            out.write(f"negate\t{word}\t{reference.N_SCALAR}\n")
        for phrase, value in reference.BOOSTER_DICT.items():
            out.write(f"booster\t{phrase}\t{value}\n")
        for phrase, value in reference.SPECIAL_CASES.items():
            out.write(f"special\t{phrase}\t{value}\n")
    with open(os.path.join(folder, "unicode14.tsv"), "w", encoding="utf-8") as out:
        out.write("# first\tlast\tclass: from Python 3.11's str methods, by tools/vader_snapshot.py\n")
        for first, last, kind in ranges():
            out.write(f"{first:04X}\t{last:04X}\t{kind}\n")


if __name__ == "__main__":
    main()
