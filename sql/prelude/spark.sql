-- Prelude for Spark 4 (ANSI mode off for casts of outside text): the names of sql/prelude/duckdb.sql in Spark's dialect.
-- Spark has of itself: rint, log1p, collect_list, explode. deploy/spark/transforms.py loads it, behind the relation scored_texts(content,
-- compound_e4), which `marquee sentiment --transform` makes of the texts behind SELECT TRANSFORM.

CREATE TEMPORARY FUNCTION vader_compound_e4(text STRING) RETURNS BIGINT
RETURN (SELECT max(scored_texts.compound_e4) FROM scored_texts WHERE scored_texts.content = text);

CREATE TEMPORARY FUNCTION floor_to(x BIGINT, unit BIGINT) RETURNS BIGINT RETURN x - ((x % unit) + unit) % unit;

CREATE TEMPORARY FUNCTION to_e4(x DOUBLE) RETURNS BIGINT RETURN CAST(rint(x * 1e4) AS BIGINT);

CREATE TEMPORARY FUNCTION sum_ascending(numbers ARRAY<DOUBLE>) RETURNS DOUBLE
RETURN aggregate(array_sort(numbers), CAST(0 AS DOUBLE), (total, x) -> total + x);

CREATE TEMPORARY FUNCTION json_from_strings(strings ARRAY<STRING>) RETURNS STRING RETURN to_json(strings);
CREATE TEMPORARY FUNCTION json_from_structs(structs ARRAY<STRUCT<id: BIGINT, name: STRING, character: STRING, order: INT>>)
RETURNS STRING RETURN to_json(structs, map('ignoreNullFields', 'false'));
CREATE TEMPORARY FUNCTION strings_from_json(json STRING) RETURNS ARRAY<STRING> RETURN from_json(json, 'ARRAY<STRING>');

CREATE TEMPORARY FUNCTION date_from_ms(ms BIGINT) RETURNS DATE RETURN CAST(timestamp_millis(ms) AS DATE);
CREATE TEMPORARY FUNCTION ms_from_date(day DATE) RETURNS BIGINT RETURN unix_millis(CAST(day AS TIMESTAMP));
CREATE TEMPORARY FUNCTION date_from_text(text STRING) RETURNS DATE
RETURN CASE WHEN text RLIKE '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN TRY_CAST(text AS DATE) END;

CREATE TEMPORARY FUNCTION has_control(text STRING) RETURNS BOOLEAN RETURN text RLIKE '[\\x00-\\x1F\\x7F]';
CREATE TEMPORARY FUNCTION has_markup(text STRING) RETURNS BOOLEAN RETURN text RLIKE '<[A-Za-z/!][^>]*>';

CREATE TEMPORARY FUNCTION movie_from_json(body STRING) RETURNS STRUCT<
    id: BIGINT, title: STRING, original_title: STRING, original_language: STRING, overview: STRING,
    release_date: STRING, runtime: INT, budget: BIGINT, revenue: BIGINT, popularity: DOUBLE,
    vote_average: DOUBLE, vote_count: INT, status: STRING, poster_path: STRING, adult: BOOLEAN,
    genres: ARRAY<STRUCT<id: BIGINT, name: STRING>>,
    production_companies: ARRAY<STRUCT<id: BIGINT, name: STRING>>,
    credits: STRUCT<cast: ARRAY<STRUCT<id: BIGINT, name: STRING, character: STRING, order: INT>>,
                    crew: ARRAY<STRUCT<id: BIGINT, name: STRING, job: STRING, department: STRING>>>,
    keywords: STRUCT<keywords: ARRAY<STRUCT<id: BIGINT, name: STRING>>>>
RETURN from_json(body, 'id BIGINT, title STRING, original_title STRING, original_language STRING, overview STRING,
    release_date STRING, runtime INT, budget BIGINT, revenue BIGINT, popularity DOUBLE, vote_average DOUBLE, vote_count INT,
    status STRING, poster_path STRING, adult BOOLEAN, genres ARRAY<STRUCT<id: BIGINT, name: STRING>>,
    production_companies ARRAY<STRUCT<id: BIGINT, name: STRING>>,
    credits STRUCT<cast: ARRAY<STRUCT<id: BIGINT, name: STRING, character: STRING, order: INT>>,
    crew: ARRAY<STRUCT<id: BIGINT, name: STRING, job: STRING, department: STRING>>>,
    keywords STRUCT<keywords: ARRAY<STRUCT<id: BIGINT, name: STRING>>>');

CREATE TEMPORARY FUNCTION names_of(structs ARRAY<STRUCT<id: BIGINT, name: STRING>>) RETURNS ARRAY<STRING>
RETURN filter(transform(structs, item -> item.name), name -> name IS NOT NULL AND name <> '');
CREATE TEMPORARY FUNCTION directors_of(crew ARRAY<STRUCT<id: BIGINT, name: STRING, job: STRING, department: STRING>>)
RETURNS ARRAY<STRUCT<id: BIGINT, name: STRING>>
RETURN transform(filter(crew, member -> member.job = 'Director'), member -> named_struct('id', member.id, 'name', member.name));

CREATE TEMPORARY FUNCTION first_n(items ARRAY<STRUCT<id: BIGINT, name: STRING, character: STRING, order: INT>>, n INT)
RETURNS ARRAY<STRUCT<id: BIGINT, name: STRING, character: STRING, order: INT>> RETURN slice(items, 1, n);
CREATE TEMPORARY FUNCTION size_of(items ARRAY<STRING>) RETURNS INT RETURN coalesce(nullif(size(items), -1), 0);
CREATE TEMPORARY FUNCTION first_of(strings ARRAY<STRING>) RETURNS STRING RETURN get(strings, 0);
CREATE TEMPORARY FUNCTION no_strings() RETURNS ARRAY<STRING> RETURN CAST(array() AS ARRAY<STRING>);
