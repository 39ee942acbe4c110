#!/usr/bin/env python3
"""Writes cases.jsonl and rounding.tsv, what the unit tests expect: run by hand with the reference.

    VENV/bin/python tests/sentiment/make_cases.py

The sentences are made up here; the expected values are the reference's own answers.
"""
import json
import os
import random

from vaderSentiment import vaderSentiment as reference

HERE = os.path.dirname(os.path.abspath(__file__))

# One group a rule; each line was chosen to be answered differently if the rule were missing.
TEXTS = {
    "empty and white space": ["", " ", "\t\r\n\x0b\x0c\x1c\x1f", "\u3000\u2003\xa0\x85", "\u200b"],
    "plain": ["A lovely film.", "A dreadful film.", "A film.", "good", "bad", "GOOD", "ok!", "ok?!", "lol lol",
              "xd XD Xd", "can't stand it", "fed up", "The ending was beautiful and the music sad"],
    "emoticons and punctuation": [":)", ":-)", ":(", "(:", "great:)", ":D", ":d", "x:D", "8-)", "d:", "<3", "</3",
                                  "((great))", "\"great\"", "...great...", "great.", "'great'", "-great-story-",
                                  "^urs", ":-Þ", ":-þ", "!!!", "?!", "$:", "gr8", "gr8!", "=)", "=-3", "o.o",
                                  "happy-go-lucky", "a" * 70 + " good", "." * 70 + "good", "good" + "!" * 70,
                                  "good" + "." * 70, "(" * 30 + ":)", "fun" + "!" * 70, "win" + ")" * 65, "once-in-a-lifetime" + "?" * 70, "once-in-a-lifetime", "tenderheartednesses"],
    "capitals": ["GREAT film", "GREAT FILM", "great film", "The film was GREAT", "The FILM was great",
                 "AWFUL but fun", "NOT good", "it is NOT good", "VERY good film", "the film is VERY good",
                 "the film is KINDA good", "KINDA bad for a film", "123 GREAT", "a :) GREAT", "I like it",
                 "A FINE day 1ST", "don't SAY it is FINE", "iPhone LOVE"],
    "boosters": ["very good", "extremely very good", "really so very good", "good very", "a truly really bad film",
                 "slightly bad", "barely good", "marginally slightly hardly good", "very very very very good",
                 "so sad", "so the sad", "so the very sad", "very bad", "less bad", "most likely good",
                 "incredibly, unbelievably dull", "fuckin great", "flippin AWESOME day", "hardly the best",
                 "total a b joy", "very the good", "very good the good", "sorta kinda good", "sort-of nice"],
    "kind of": ["kind of good", "it is kind of good", "a b c kind of good", "a b kind of c good", "kind", "kind of",
                "kind off good", "a b sort of bad", "we saw a sort of great film", "we had just enough fun",
                "so that was kind of a good film", "they were kind", "KIND OF good", "a b just enough of joy"],
    "negation": ["not good", "not a good", "not a very good", "not a really very good", "isn't good", "isnt good",
                 "aint good", "it never was good", "never so good", "never this good", "never been so good",
                 "never been this good", "never so very good", "a so good", "a b so good", "a b this good",
                 "x y this bad", "without doubt good", "without a doubt good", "without good", "without any good",
                 "without doubt a good film", "without the doubt bad", "no doubt good", "nobody was good",
                 "despite good", "rarely good", "seldom a good", "nor good", "neither good nor bad", "uh-uh good",
                 "wouldn't say it's good", "Can't complain", "x'n't good", "dont't good", "N'T good", "DIDN'T like",
                 "couldn't care about good", "none of the good", "it was not not good", "cannot fail", "hardn'tly good"],
    "no": ["no good", "no", "no way", "No fun", "NO fun here", "no problem at all", "no real fun", "no a b fun",
           "no fun or joy", "no harm nor good", "no x or joy", "no x nor joy", "no no good", "good no", "no no",
           "no no no", "there is NO joy", "no joy and no pain", "no pain no gain"],
    "least": ["least good", "at least good", "very least good", "the least good", "the very least good", "least",
              "at least it is good", "it was the least interesting of them", "AT LEAST good", "good least bad"],
    "but": ["good but bad", "but good", "good but", "bad but good but bad", "the cast is good, but the plot is bad",
            "BUT good bad", "good But bad", "good but, bad", "but but but good", "happy happy but happy happy",
            "fun nice but fun nice sad", "ok cool ok but ok cool", "great fine great fine but fine great fine great",
            "love like love like love like but like love", "bad sad mad bad sad mad but bad sad mad bad",
            "win cool win cool yes win but cool yes win cool yes", "butter good bad", "nice warm nice but warm nice warm",
            "warm nice warm nice but nice warm nice sad", "sad nice but fun nice warm warm nice but warm", "good :but bad"],
    "idioms": ["the shit", "it is the shit", "we are the shit here", "that is the bomb", "this is a bad ass film",
               "she is bad ass", "a b c yeah right", "so he said yeah right", "we met at the bus stop",
               "a b c kiss of death", "it was the kiss of death for it", "a cake to die for", "this cake is to die for",
               "what a beating heart she has", "the beating heart of it", "one two beating heart", "bad ass",
               "a bad ass", "a b bad ass", "a b c bad ass", "die for it all", "stop the bus stop now yes",
               "x y z bus stop", "they would die for", "a b c the bomb good", "badass film here", "a b the shit good",
               "it was to die for good", "we had to die for fun here"],
    "marks": ["good!", "good!!", "good!!!", "good!!!!", "good!!!!!", "bad!", "bad!!!!!!", "good?", "good??", "good???",
              "good????", "good!?", "bad??!!", "! ! ! good", "meh!", "film!!!!", "good bad!", "? ? bad", "what?!?! bad"],
    "emoji": ["\U0001f600", "good\U0001f600", "\U0001f600good", "\U0001f600 good", "\u2764", "\u2764\ufe0f", "a\u2764b",
              "\U0001f602\U0001f602\U0001f602", "so \U0001f622!", "\U0001f44d\U0001f3fd", "\U0001f51b", "\U0001f199 good",
              "\u00a9 good", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1fa\U0001f1f8", "not \U0001f60a",
              "\U0001f170 good", "but\U0001f60dbut", "\n\U0001f600\n", "\U0001f494" * 5, "\U0001f635 MAD"],
    "Unicode": ["caf\u00e9 good", "\u00e9lan GOOD", "\u00c9LAN good", "li\u212ae", "LI\u212aE it", "\u212aIND of good",
                "good\u3000bad", "good\u200bbad", "good\xa0bad", "good\x85bad", "good\u2028bad", "\u2019tis good",
                "don\u2019t like", "don't like", "\u01c5 GOOD", "\u24b6 good", "\u2160 good", "\u0130t good",
                "\u00aa GOOD", "\u1e9e good", "\u00df GOOD", "\U00010400 good", "\U0001d400 good", "\u1c90 good",
                "good\ufe0f", "\ufeffgood", "good\0", "\0good", "go\0od", "nul \0 good", "\x7fgood", "g\u0301ood",
                "\u4e2d\u6587 good", "\u4e2d\u6587\uff01", "(\u4e2d\u6587)", "\u0645 good", "n't\u00e9 good",
                "\u00e9n't good", "\u10d0 GOOD", "\u0345 GOOD", "\uff27\uff2f\uff2f\uff24 good", "\U0010ffff good",
                "\u00c9COLEs GOOD", "\u01c5X GOOD", "\u00aaX GOOD", "\u00c9COLE GOOD", "\u00e9T GOOD"],
}

BYTES = [b"good\xff", b"\xffgood", b"go\xc3od", b"\xe2\x82good", b"\xe2\x82 good", b"\xf0\x9f\x98 good", b"\xed\xa0\x80 good",
         b"\xf4\x90\x80\x80", b"\xc0\x80 good", b"\x80\x80\x80 good", b"(\xff\xff)good", b"\xff\xff good", b"\xf0\x9f\x98\x80\xf0",
         b"no\xffgood", b"\xe0\x9f\xbf", b"\xf8\x88\x80\x80\x80 bad", b"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41 GOOD", b"good\xe2\x80\x83bad\xe2\x80"]


def long_texts():
    """Longer than each of the lengths up to which no memory is asked for."""
    yield "the film is good and bad " * 700  # words
    yield "good but " + "bad fine sad nice " * 200  # valences, and positions of the rule about but
    rng = random.Random(4)
    words = "good bad great fine sad nice horrible love hate joy the a so very not".split()
    yield " ".join(rng.choices(words, k=3000)) + " but " + " ".join(rng.choices(words, k=3000))


def main():
    analyzer = reference.SentimentIntensityAnalyzer()
    texts = [(name, text.encode()) for name, group in TEXTS.items() for text in group]
    texts += [("not UTF-8", raw) for raw in BYTES]
    texts += [("long", text.encode()) for text in long_texts()]
    with open(os.path.join(HERE, "cases.jsonl"), "w", encoding="ascii") as out:
        for name, raw in texts:
            scores = analyzer.polarity_scores(raw.decode("utf-8", "replace"))
            case = {"rule": name}
            try:
                case["text"] = raw.decode()
            except UnicodeDecodeError:
                case["hex"] = raw.hex()
            case["expected"] = [scores[key] for key in ("neg", "neu", "pos", "compound")]
            out.write(json.dumps(case) + "\n")

    rng = random.Random(3)
    with open(os.path.join(HERE, "rounding.tsv"), "w", encoding="ascii") as out:
        out.write("# x\tdigits\tround(x, digits): hexadecimal, from Python\n")
        values = [0.0, -0.0, 1.0, -1.0, 0.5, 0.00005, -0.00005, 0.03125, 0.09375, -0.03125, 0.0005, 0.0015, 5e-324,
                  0.4375, 0.0625, 0.1875, 0.99995, 0.9995, 0.99949999999999994, -0.99995]
        for _ in range(400):
            digits = rng.choice((3, 4))
            half = (rng.randrange(10**digits) + 0.5) / 10**digits  # as near to a tie as a double is
            values.append(half + rng.choice((-2, -1, 0, 0, 0, 1, 2)) * 2.0 ** -rng.randint(53, 60))
        values += [rng.uniform(-1, 1) for _ in range(100)]
        for value in values:
            for digits in (3, 4):
                out.write(f"{value.hex()}\t{digits}\t{round(value, digits).hex()}\n")


if __name__ == "__main__":
    main()
