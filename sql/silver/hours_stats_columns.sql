-- Columns of silver/hours_stats.
SELECT
    CAST(NULL AS INT) AS movie_id,
    CAST(NULL AS BIGINT) AS hour,
    CAST(NULL AS STRING) AS title,
    CAST(NULL AS BIGINT) AS vote_average_e4,
    CAST(NULL AS INT) AS vote_count,
    CAST(NULL AS BIGINT) AS popularity_e4,
    CAST(NULL AS DOUBLE) AS rating_velocity,
    CAST(NULL AS BIGINT) AS last_updated
WHERE 1 = 0
