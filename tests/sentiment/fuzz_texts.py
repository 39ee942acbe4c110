"""Made-up texts for the differential test: grammar, mutation and odd Unicode, all from a seed."""
import random

# What the reference's rules look at, in shapes that nearly match as well.
RULE_WORDS = """no No NO nor or NOR so SO this THIS never NEVER without doubt least at very but BUT But
    kind of sort kinda just enough the shit bomb bad ass badass bus stop yeah right kiss of death to
    die for beating heart not don't DON'T isnt n't N'T caN't xn'ty without's despite seldom at-least
    ain't uh-uh kind-of sort-of VERY Very reallY extremely EXTREMELY hardly almost barely""".split()
PHRASES = ["the shit", "the bomb", "bad ass", "bus stop", "yeah right", "kiss of death", "to die for",
           "beating heart", "kind of", "sort of", "just enough", "never so", "never this", "without doubt",
           "without a doubt", "at least", "very least", "least", "no good or bad", "not so good",
           "can't stand", "fed up", "screwed up", "the kiss of death", "cut the mustard"]
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
SPACES = ["\t", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\xa0", "\u1680",
          "\u2000", "\u2003", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "  "]
# Not space, though it looks so; and letters whose case is special: Kelvin, dotted I, title case,
# letters that are upper or lower case only by a property, sharp s, sigma, ligature.
ODD = ["\u200b", "\u200d", "\ufe0f", "\u180e", "\ufeff", "\0", "\x7f", "\x01", "\x80", "\u2019", "\u2018",
       "\u212a", "\u212b", "\u0130", "\u0131", "\u017f", "\u01c5", "\u01c4", "\u01c6", "\u1f88", "\u00aa",
       "\u24b6", "\u24d0", "\u2160", "\u2170", "\u00df", "\u1e9e", "\u03a3", "\u03c2", "\u03c3", "\ufb01",
       "\u0345", "\u0307", "\u0149", "\u10a0", "\u10d0", "\u1c90", "\uff2e", "\uff54", "\U00010400",
       "\U0001f170", "\U0001d400", "\U0001e900", "\u00de", "\u00fe", "\ufffd", "\uffff", "\U0010ffff",
       "\u00c9", "\u00e9", "\u0416", "\u4e2d", "\u0661", "\u2167", "\u2139", "\u24c2", "\u00a9", "\u00ae"]
TOKENS = ["movie", "Movie", "MOVIE", "a", "I", "it", "the", "The", "of", "film", "x", "2", "10/10", "ok",
          "is", "was", "plot", "www.example.org/a?b=c", "aaaaaaaaaaaaaaaaaaaaaaaa", "don", "t", "!", "?"]


class Texts:
    """texts(n) yields n (text, made_up); `corpus` are real texts to mutate, possibly none."""

    def __init__(self, reference, analyzer, corpus):
        self.lexicon = list(analyzer.lexicon)
        self.strong = [w for w in self.lexicon if w.isalpha()]
        self.emoji = list(analyzer.emojis)
        self.boosters, self.negations = list(reference.BOOSTER_DICT), list(reference.NEGATE)
        self.corpus = corpus

    def recase(self, rng, word):
        roll = rng.random()
        if roll < 0.70:
            return word
        if roll < 0.85:
            return word.upper()
        if roll < 0.93:
            return word.capitalize()
        return "".join(rng.choice((c.upper(), c.lower())) for c in word)

    def word(self, rng):
        roll = rng.random()
        if roll < 0.34:
            word = rng.choice(self.strong if rng.random() < 0.8 else self.lexicon)
        elif roll < 0.44:
            word = rng.choice(self.boosters)
        elif roll < 0.54:
            word = rng.choice(self.negations)
        elif roll < 0.70:
            word = rng.choice(RULE_WORDS)
        elif roll < 0.78:
            word = rng.choice(PHRASES)
        else:
            word = rng.choice(TOKENS)
        word = self.recase(rng, word)
        if rng.random() < 0.15:
            word = "".join(rng.choices(PUNCTUATION, k=rng.randint(0, 2))) + word
        if rng.random() < 0.25:
            word += "".join(rng.choices(PUNCTUATION + "!!!???,,..", k=rng.randint(1, 4)))
        if rng.random() < 0.03:
            word = word.replace("k", "\u212a").replace("K", "\u212a")
        if rng.random() < 0.03:
            at = rng.randint(0, len(word))
            word = word[:at] + self.odd(rng) + word[at:]
        return word

    def odd(self, rng):
        roll = rng.random()
        if roll < 0.5:
            return rng.choice(ODD)
        if roll < 0.8:
            return rng.choice(self.emoji)
        if roll < 0.9:
            return rng.choice(SPACES)
        code = rng.choice((rng.randrange(0x80), rng.randrange(0x3000), rng.randrange(0x110000)))
        return chr(code) if not 0xD800 <= code < 0xE000 else "\ufffd"

    def space(self, rng):
        roll = rng.random()
        if roll < 0.93:
            return " "
        return rng.choice(SPACES) if roll < 0.97 else rng.choice(("", "-", ",", rng.choice(self.emoji)))

    def grammar(self, rng):
        count = rng.choice((1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24))
        if rng.random() < 0.01:
            count = rng.randint(50, 400)
        parts = []
        # A small vocabulary makes equal valences meet again, which the rule about "but" needs.
        few = [self.word(rng) for _ in range(3)] if rng.random() < 0.2 else None
        for _ in range(count):
            parts.append(rng.choice(few) if few and rng.random() < 0.7 else self.word(rng))
            if rng.random() < 0.02:
                parts.append(rng.choice(("but", "BUT", "but,", "But")))
            parts.append(self.space(rng))
            if rng.random() < 0.03:
                parts.append(rng.choice(self.emoji))
        text = "".join(parts)
        return text if rng.random() < 0.3 else text.strip()

    def mutate(self, rng):
        words = rng.choice(self.corpus).split(" ")
        if len(words) > 30:  # the reference is slow on long texts
            at = rng.randrange(len(words) - 20)
            words = words[at : at + rng.randint(5, 20)]
        if rng.random() < 0.3:
            other = rng.choice(self.corpus).split(" ")
            at = rng.randrange(len(other))
            words += other[at : at + 10]
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(words))
            roll = rng.random()
            if roll < 0.45:
                words.insert(at, self.word(rng))
            elif roll < 0.55:
                words[at] = self.word(rng)
            elif roll < 0.65:
                words[at] = self.recase(rng, words[at])
            elif roll < 0.75:
                words.insert(at, rng.choice(words))
            elif roll < 0.85:
                words[at] += rng.choice(("!", "?", "...", self.odd(rng)))
            elif len(words) > 1:
                del words[at]
        return " ".join(words)

    def soup(self, rng):
        """Any code points at all, and words of 64 characters and more."""
        parts = []
        for _ in range(rng.randint(1, 30)):
            roll = rng.random()
            if roll < 0.4:
                parts.append(self.odd(rng))
            elif roll < 0.6:
                parts.append(rng.choice(PUNCTUATION + " "))
            elif roll < 0.62:
                parts.append(rng.choice("a.!A-") * rng.randint(20, 140))
            else:
                parts.append(self.word(rng))
        return "".join(parts)

    def broken(self, rng):
        """Bytes that aren't UTF-8, as Python reads them with errors="replace"."""
        raw = bytearray(self.soup(rng).encode())
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(raw) + 1)
            if rng.random() < 0.5:
                raw[at:at] = bytes(rng.choices(b"\x80\xbf\xc0\xc2\xe0\xa0\xed\x9f\xf0\x90\xf4\x8f\xf5\xff\xe2", k=rng.randint(1, 3)))
            else:
                del raw[at : at + 1]
        return bytes(raw)

    def texts(self, seed, count):
        rng = random.Random(seed)
        for _ in range(count):
            roll = rng.random()
            if roll < 0.35 and self.corpus:
                yield self.mutate(rng).encode(), False
            elif roll < 0.88:
                yield self.grammar(rng).encode(), True
            elif roll < 0.96:
                yield self.soup(rng).encode(), True
            else:
                yield self.broken(rng), True
