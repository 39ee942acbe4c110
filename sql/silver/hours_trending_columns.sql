-- Columns of silver/hours_trending.
SELECT
    CAST(NULL AS BIGINT) AS hour,
    CAST(NULL AS INT) AS rank,
    CAST(NULL AS BIGINT) AS window_end,
    CAST(NULL AS INT) AS movie_id,
    CAST(NULL AS STRING) AS title,
    CAST(NULL AS DOUBLE) AS trending_score,
    CAST(NULL AS DOUBLE) AS velocity,
    CAST(NULL AS DOUBLE) AS acceleration
WHERE 1 = 0
