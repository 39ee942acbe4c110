-- Prelude for DuckDB: the few functions by which its dialect differs from Spark's. sql/prelude/spark.sql defines the same
-- names for Spark 4; every other SQL file uses only these and what both have.
-- The engine adds, in C: rint(double), log1p(double) (Spark's own), vader_compound_e4(text).

-- The largest multiple of unit that isn't above x, also for negative x.
CREATE MACRO floor_to(x, unit) AS x - ((x % unit) + unit) % unit;

-- An exact integer of 1/10,000, to the nearest, ties to even.
CREATE MACRO to_e4(x) AS CAST(rint(x * 1e4) AS BIGINT);

-- All values of a group as a list (nulls left out), in no order.
CREATE MACRO collect_list(x) AS list(x) FILTER (WHERE x IS NOT NULL);

-- The sum of a list of doubles, from 0.0 up, smallest first: the order is part of the result.
CREATE MACRO sum_ascending(numbers) AS list_reduce(list_sort(numbers), lambda total, x: total + x, CAST(0 AS DOUBLE));

-- JSON text of a list of strings, and back.
CREATE MACRO json_from_strings(strings) AS CAST(to_json(strings) AS VARCHAR);
CREATE MACRO json_from_structs(structs) AS CAST(to_json(structs) AS VARCHAR);
CREATE MACRO strings_from_json(json) AS CASE WHEN json_valid(json) THEN from_json(json, '["VARCHAR"]') END;

-- ms since the epoch of a date, and the date of ms.
CREATE MACRO date_from_ms(ms) AS CAST(make_timestamp(ms * 1000) AS DATE);
CREATE MACRO ms_from_date(day) AS epoch_ms(CAST(day AS TIMESTAMP));

-- A date that is written as 2026-03-03; null for anything else.
CREATE MACRO date_from_text(text) AS TRY_CAST(CASE WHEN regexp_full_match(text, '[0-9]{4}-[0-9]{2}-[0-9]{2}') THEN text END AS DATE);

-- Whether a text has control characters, or what looks like HTML; null for null.
CREATE MACRO has_control(text) AS regexp_matches(text, '[\x00-\x1F\x7F]');
CREATE MACRO has_markup(text) AS regexp_matches(text, '<[A-Za-z/!][^>]*>');

-- The body of TMDB's /movie/{id}?append_to_response=credits,keywords with its types; null where it isn't JSON, a field null
-- where it has another type.
CREATE MACRO movie_from_json(body) AS CASE WHEN json_valid(body) THEN from_json(body, '{
    "id": "BIGINT", "title": "VARCHAR", "original_title": "VARCHAR", "original_language": "VARCHAR", "overview": "VARCHAR",
    "release_date": "VARCHAR", "runtime": "INTEGER", "budget": "BIGINT", "revenue": "BIGINT", "popularity": "DOUBLE",
    "vote_average": "DOUBLE", "vote_count": "INTEGER", "status": "VARCHAR", "poster_path": "VARCHAR", "adult": "BOOLEAN",
    "genres": [{"id": "BIGINT", "name": "VARCHAR"}],
    "production_companies": [{"id": "BIGINT", "name": "VARCHAR"}],
    "credits": {"cast": [{"id": "BIGINT", "name": "VARCHAR", "character": "VARCHAR", "order": "INTEGER"}],
                "crew": [{"id": "BIGINT", "name": "VARCHAR", "job": "VARCHAR", "department": "VARCHAR"}]},
    "keywords": {"keywords": [{"id": "BIGINT", "name": "VARCHAR"}]}
}') END;

-- The names of a list of structs that have one, in order.
CREATE MACRO names_of(structs) AS list_filter(list_transform(structs, lambda item: item.name), lambda name: name IS NOT NULL AND name <> '');

-- The first n elements; how many there are (0 for null).
CREATE MACRO first_n(items, n) AS items[1:n];
CREATE MACRO first_of(strings) AS strings[1];
CREATE MACRO size_of(items) AS coalesce(len(items), 0);
CREATE MACRO no_strings() AS CAST([] AS VARCHAR[]);

-- One row an element.
CREATE MACRO explode(items) AS unnest(items);

CREATE MACRO directors_of(crew) AS list_filter(crew, lambda member: member.job = 'Director');
