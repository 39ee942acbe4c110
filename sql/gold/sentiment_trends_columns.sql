-- Columns of gold/sentiment_trends.
SELECT
    CAST(NULL AS INT) AS movie_id,
    CAST(NULL AS STRING) AS genre,
    CAST(NULL AS STRING) AS popularity_tier,
    CAST(NULL AS INT) AS year,
    CAST(NULL AS INT) AS month,
    CAST(NULL AS BIGINT) AS review_count,
    CAST(NULL AS DOUBLE) AS avg_sentiment,
    CAST(NULL AS BIGINT) AS positive_count,
    CAST(NULL AS BIGINT) AS negative_count,
    CAST(NULL AS BIGINT) AS neutral_count,
    CAST(NULL AS BIGINT) AS rating_count,
    CAST(NULL AS DOUBLE) AS avg_rating,
    CAST(NULL AS DOUBLE) AS sentiment_change
WHERE 1 = 0
