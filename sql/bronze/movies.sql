-- Columns of bronze/movies: TMDB's answers as they came. extraction_timestamp is ms UTC.
SELECT
    CAST(NULL AS INT) AS movie_id,
    CAST(NULL AS STRING) AS api_endpoint,
    CAST(NULL AS BIGINT) AS extraction_timestamp,
    CAST(NULL AS STRING) AS raw_json
WHERE 1 = 0
