-- Columns of gold/trending_scores.
SELECT
    CAST(NULL AS STRING) AS window_name,
    CAST(NULL AS INT) AS movie_id,
    CAST(NULL AS BIGINT) AS last_day,
    CAST(NULL AS BIGINT) AS days,
    CAST(NULL AS BIGINT) AS popularity_e4,
    CAST(NULL AS DOUBLE) AS moving_average,
    CAST(NULL AS DOUBLE) AS velocity,
    CAST(NULL AS DOUBLE) AS trend_score
WHERE 1 = 0
