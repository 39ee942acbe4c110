"""The texts of the benchmark: (id, human rating or None, stars or None, text) of each set."""
import json
import os

SETS = {"tweets": "tweets", "product reviews": "amazon_review_snippets", "movie snippets": "movie_review_snippets_train"}
REVIEWS = "TMDB reviews"


def shared():
    return os.environ["MARQUEE_SHARED"]


def rated(name):
    with open(os.path.join(shared(), "data/sentiment", SETS[name] + ".tsv"), encoding="utf-8", newline="\n") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t", 2)
            yield fields[0], float(fields[1]), None, fields[2]


def reviews():
    with open(os.path.join(shared(), "data/tmdb/reviews.jsonl"), encoding="utf-8") as lines:
        for line in lines:
            review = json.loads(line)
            yield review["id"], None, review["author_details"].get("rating"), review["content"]


def all_sets():
    for name in SETS:
        yield name, list(rated(name))
    yield REVIEWS, list(reviews())
