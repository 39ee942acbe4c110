-- Columns of bronze/movies: TMDB's answers as they came. extraction_timestamp is ms UTC. answer_id and answer_title are the id
-- and title within raw_json, null where there is none or it isn't a JSON object.
SELECT
    CAST(NULL AS INT) AS movie_id,
    CAST(NULL AS STRING) AS api_endpoint,
    CAST(NULL AS BIGINT) AS extraction_timestamp,
    CAST(NULL AS STRING) AS raw_json,
    CAST(NULL AS BIGINT) AS answer_id,
    CAST(NULL AS STRING) AS answer_title
WHERE 1 = 0
