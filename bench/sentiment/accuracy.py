#!/usr/bin/env python3
"""How right VADER is: its compound against human ratings, as in the paper's table 4 (Hutto and Gilbert,
ICWSM 2014), and against the stars of TMDB's reviews; beside it the mean over sentences.

Classes as in the paper: of a text the sign of its mean rating, of the compound positive at >= 0.05,
negative at <= -0.05. Precision, recall and F1 are means over the classes, weighted by their size.
"""
import argparse
import json
import math
import subprocess

import texts

EDGE = 0.05
TEST_SHARE = 4  # every fourth snippet is the test split; ratings of the others may choose, never these
STARS_NEGATIVE, STARS_POSITIVE = 4, 7


def scores(cli, batch):
    """[(compound, mean over sentences)] by `marquee sentiment`."""
    raw = "".join(json.dumps({"content": text}) + "\n" for text in batch)
    done = subprocess.run([cli, "--jsonl", "--sentences"], input=raw.encode(), stdout=subprocess.PIPE, check=True)
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    return [(float(row[3]), float(row[4])) for row in rows]


def pearson(a, b):
    mean_a, mean_b = math.fsum(a) / len(a), math.fsum(b) / len(b)
    both = math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(a, b))
    return both / math.sqrt(math.fsum((x - mean_a) ** 2 for x in a) * math.fsum((y - mean_b) ** 2 for y in b))


def label(score):
    return 1 if score >= EDGE else -1 if score <= -EDGE else 0


def weighted(truth, guess):
    """Precision, recall, F1."""
    result = [0.0, 0.0, 0.0]
    for kind in (1, 0, -1):
        hits = sum(t == g == kind for t, g in zip(truth, guess))
        precision, recall = hits / max(1, guess.count(kind)), hits / max(1, truth.count(kind))
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        share = truth.count(kind) / len(truth)
        result = [total + share * x for total, x in zip(result, (precision, recall, f1))]
    return result


def report(name, human, truth, guessed):
    row = [pearson(human, guessed), *weighted(truth, [label(score) for score in guessed])]
    print(f"{name:<44} {len(human):>6}" + "".join(f" {x:>9.3f}" for x in row))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cli", required=True)
    args = parser.parse_args()
    print(f"{'':<44} {'texts':>6} {'Pearson r':>9} {'precision':>9} {'recall':>9} {'F1':>9}")
    for name in texts.SETS:
        rows = list(texts.rated(name))
        human = [row[1] for row in rows]
        truth = [(rating > 0) - (rating < 0) for rating in human]
        both = scores(args.cli, [row[3] for row in rows])
        report(f"{name}, compound", human, truth, [x for x, _ in both])
        if name == "movie snippets":
            for part, wanted in (("train", False), ("test", True)):
                at = [i for i in range(len(rows)) if (i % TEST_SHARE == 0) == wanted]
                for column, what in enumerate(("compound", "mean over sentences")):
                    report(f"  {part} split, {what}", [human[i] for i in at], [truth[i] for i in at],
                           [both[i][column] for i in at])
    rows = [row for row in texts.reviews() if row[2] is not None]
    stars = [row[2] for row in rows]
    truth = [1 if s >= STARS_POSITIVE else -1 if s <= STARS_NEGATIVE else 0 for s in stars]
    both = scores(args.cli, [row[3] for row in rows])
    for column, what in enumerate(("compound", "mean over sentences")):
        report(f"{texts.REVIEWS} against their stars, {what}", stars, truth, [pair[column] for pair in both])


if __name__ == "__main__":
    main()
