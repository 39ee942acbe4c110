#!/usr/bin/env python3
"""Distils a capture of TMDB's API to the facts of the simulator's built-in catalogue.

usage: distil_catalogue.py CAPTURE_FOLDER data/catalogue

Reads movies.jsonl and genres.json of the capture and writes tab-separated tables: ids, titles, dates, genres, numbers,
names of cast and crew, keywords. Nobody's sentences: no overviews, taglines or reviews. data/catalogue/README.md
describes the tables.
"""
import json
import os
import sys

CAST_MAX = 15
JOBS = {"Director": "D", "Producer": "P", "Screenplay": "W", "Original Music Composer": "C"}


def clean(text):
    return " ".join(text.split())


def write(folder, name, rows):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
        for row in rows:
            out.write("\t".join(str(value) for value in row) + "\n")


def movie_row(movie):
    title, original = clean(movie["title"]), clean(movie["original_title"])
    crew = [person for person in movie["credits"]["crew"] if person.get("name") and person["job"] in JOBS]
    return [
        movie["id"],
        movie["imdb_id"] or "",
        movie["original_language"],
        title,
        "" if original == title else original,
        movie["release_date"],
        movie["status"],
        movie["runtime"],
        movie["budget"],
        movie["revenue"],
        movie["popularity"],
        movie["vote_average"],
        movie["vote_count"],
        ",".join(str(genre["id"]) for genre in movie["genres"]),
        ",".join(country["iso_3166_1"] for country in movie["production_countries"]),
        ",".join(str(person["id"]) for person in movie["credits"]["cast"][:CAST_MAX]),
        ",".join(f"{person['id']}{JOBS[person['job']]}" for person in crew),
        ",".join(str(keyword["id"]) for keyword in movie["keywords"]["keywords"]),
    ]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    capture, folder = sys.argv[1:]
    with open(os.path.join(capture, "movies.jsonl"), encoding="utf-8") as lines:
        movies = [json.loads(line) for line in lines]
    with open(os.path.join(capture, "genres.json"), encoding="utf-8") as file:
        genres = json.load(file)["genres"]
    people, keywords = {}, {}
    for movie in movies:
        for person in movie["credits"]["cast"][:CAST_MAX] + movie["credits"]["crew"]:
            if person.get("name"):
                people[person["id"]] = clean(person["name"])
        for keyword in movie["keywords"]["keywords"]:
            keywords[keyword["id"]] = clean(keyword["name"])
    os.makedirs(folder, exist_ok=True)
    write(folder, "genres.tsv", [(genre["id"], genre["name"]) for genre in genres])
    write(folder, "people.tsv", sorted(people.items()))
    write(folder, "keywords.tsv", sorted(keywords.items()))
    write(folder, "movies.tsv", [movie_row(movie) for movie in sorted(movies, key=lambda movie: movie["id"])])


if __name__ == "__main__":
    main()
