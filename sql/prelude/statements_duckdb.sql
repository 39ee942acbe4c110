-- What the engine does with the rows of a file, in DuckDB's words. ${relation}, ${select}, ${urls}, ${url}: put in by duckdb_statement.c.

-- name: drop_table
DROP TABLE IF EXISTS ${relation}
-- name: drop_view
DROP VIEW IF EXISTS ${relation}
-- name: view_of_files
CREATE TEMP VIEW ${relation} AS SELECT * FROM read_parquet([${urls}], hive_partitioning = false)
-- name: view_of_select
CREATE TEMP VIEW ${relation} AS ${select}
-- name: table_of_select
CREATE TEMP TABLE ${relation} AS ${select}
-- name: write
COPY (
${select}
) TO '${url}' (FORMAT parquet, COMPRESSION zstd)
-- TMDB's daily ID exports, as src/ingest/exports.h says how they are written.
-- name: table_of_exports
CREATE TEMP TABLE ${relation} AS SELECT day, movie_id, popularity FROM read_csv(
    [${urls}], columns = {'day': 'DATE', 'movie_id': 'INTEGER', 'popularity': 'DOUBLE'}, header = true, compression = 'gzip',
    delim = ',', quote = '', strict_mode = true)

-- `marquee query`: the layers as schemas, their tables as views in them, the question as a subquery.
-- name: query_schemas
CREATE SCHEMA bronze;
CREATE SCHEMA silver;
CREATE SCHEMA gold;
-- name: query_view_of_files
CREATE VIEW ${relation} AS SELECT * FROM read_parquet([${urls}], hive_partitioning = false)
-- name: query_view_of_select
CREATE VIEW ${relation} AS ${select}
-- name: query_json
SELECT CAST(to_json(q) AS VARCHAR) FROM (
${select}
) AS q
-- name: query_text
SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (
${select}
) AS q
