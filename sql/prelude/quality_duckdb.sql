-- What src/batch/quality_sql.c makes its statements of, in DuckDB's dialect. {name} is put in: names that the compiler made
-- (c0, d3), columns' names quoted, literals by quality_literal, and other pieces of this file.

-- One statement a suite, one row: rows, rows that pass what is critical, then each expectation's figures.
-- name: statement
{with}
SELECT count(*), count(*) FILTER (WHERE NOT ({failed})){outputs}
FROM (SELECT entries.*{judged} FROM ({source}) AS entries{joins}) AS judged
-- name: with
WITH {relations}

-- The columns that are read, in the order of the rows: a NaN is a missing value, as it is to pandas.
-- name: source
SELECT row_number() OVER () AS r{columns} FROM {relation}
-- name: column
{column}
-- name: column_float
CASE WHEN NOT isnan({column}) THEN {column} END

-- Keys that stand in more than one row.
-- name: duplicates
{name} AS (SELECT {keys}, TRUE AS twice FROM ({source}) AS entries WHERE {considered} GROUP BY {groups} HAVING count(*) > 1)
-- name: duplicates_join
LEFT JOIN {name} ON {matches}

-- The value before, in the order of the rows.
-- name: before
{name} AS (SELECT r AS at_r, lag({c}) OVER (ORDER BY r) AS before FROM ({source}) AS entries WHERE {considered})
-- name: before_join
LEFT JOIN {name} ON {name}.at_r = r

-- Sums of doubles go by size, so that a run computed again gives the same bytes.
-- name: moments
{name} AS (SELECT avg({c} ORDER BY {c}) AS mean, stddev_samp({c} ORDER BY {c}) AS deviation FROM ({source}) AS entries WHERE {considered})
-- name: moments_join
CROSS JOIN {name}

-- How often each value stands there.
-- name: counts
{name} AS (SELECT {c} AS v, count(*) AS n FROM ({source}) AS entries WHERE {considered} GROUP BY {c})
-- name: modes
, (SELECT CAST(to_json(min({sample}, {limit})) AS VARCHAR) FROM {name} WHERE n = (SELECT max(n) FROM {name})), (SELECT count(*) FROM {name} WHERE n = (SELECT max(n) FROM {name})), (SELECT count(*) FROM {name} WHERE n = (SELECT max(n) FROM {name}) AND {v_in_set})

-- All values ascending; the data point nearest to (n - 1) * q, of two equally near the even one.
-- name: sorted
{name} AS (SELECT list({c} ORDER BY {c}) AS v FROM ({source}) AS entries WHERE {considered})
-- name: quantiles
, (SELECT CAST(to_json(list_transform([{quantiles}], lambda q: list_extract(v, 1 + CAST(rint((len(v) - 1) * q) AS BIGINT)))) AS VARCHAR) FROM {name})

-- Of what judges rows: elements, those looked at, those unexpected, the first of these.
-- name: row_level
, count(*) FILTER (WHERE e{i}), count(*) FILTER (WHERE n{i}), count(*) FILTER (WHERE u{i}), CAST(to_json(arg_min(CASE WHEN u{i} THEN {sample} END, r, {limit}) FILTER (WHERE u{i})) AS VARCHAR)
-- name: sample_text
left({c}, {characters})
-- name: sample_nested
left(CAST({c} AS VARCHAR), {characters})

-- Figures of a column over the rows n{i}: what is observed, whether that is expected.
-- name: figure
, CAST(to_json({observed}) AS VARCHAR), coalesce({observed} IS NOT NULL{bounds}, FALSE)
-- name: min
min({c}) FILTER (WHERE n{i})
-- name: max
max({c}) FILTER (WHERE n{i})
-- name: sum_whole
coalesce(sum({c}) FILTER (WHERE n{i}), 0)
-- name: sum
coalesce(sum({c} ORDER BY {c}) FILTER (WHERE n{i}), 0)
-- name: mean
avg({c} ORDER BY {c}) FILTER (WHERE n{i})
-- name: median
median({c}) FILTER (WHERE n{i})
-- name: stdev
stddev_samp({c} ORDER BY {c}) FILTER (WHERE n{i})
-- name: unique_count
count(DISTINCT {c}) FILTER (WHERE n{i})
-- name: unique_proportion
coalesce(CAST(count(DISTINCT {c}) FILTER (WHERE n{i}) AS DOUBLE) / nullif(count(*) FILTER (WHERE n{i}), 0), 0)
-- name: non_null_proportion
coalesce(CAST(count(*) FILTER (WHERE n{i}) AS DOUBLE) / nullif(count(*) FILTER (WHERE e{i}), 0), 0)
-- name: distinct
, count(DISTINCT {c}) FILTER (WHERE n{i} AND NOT ({in_set})), CAST(to_json(min(DISTINCT {sample}, {limit}) FILTER (WHERE n{i} AND NOT ({in_set}))) AS VARCHAR), CAST(to_json(list(DISTINCT {c}) FILTER (WHERE n{i} AND {in_set})) AS VARCHAR)
-- name: row_count
, count(*) FILTER (WHERE e{i})

-- Conditions on a value.
-- name: regex
regexp_matches({c}, {pattern})
-- name: like
{c} LIKE {pattern}
-- name: like_escape
{c} LIKE {pattern} ESCAPE {escape}
-- name: length
length({c})
-- name: json
json_valid({c})
-- name: z
({c} - {name}.mean) / {name}.deviation
-- name: whole
CAST({c} AS HUGEINT)

-- Statements of their own: a table's columns; whether a pattern can be read.
-- name: describe
DESCRIBE {relation}
-- name: probe
SELECT regexp_matches('', {pattern})
