-- Columns of silver/hours_sentiment.
SELECT
    CAST(NULL AS INT) AS movie_id,
    CAST(NULL AS BIGINT) AS hour,
    CAST(NULL AS BIGINT) AS window_start,
    CAST(NULL AS BIGINT) AS window_end,
    CAST(NULL AS DOUBLE) AS avg_sentiment,
    CAST(NULL AS BIGINT) AS sentiment_sum_e4,
    CAST(NULL AS INT) AS review_count,
    CAST(NULL AS INT) AS positive_count,
    CAST(NULL AS INT) AS negative_count,
    CAST(NULL AS INT) AS neutral_count,
    CAST(NULL AS DOUBLE) AS sentiment_velocity
WHERE 1 = 0
