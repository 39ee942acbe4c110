-- Columns of silver/reviews.
SELECT
    CAST(NULL AS INT) AS movie_id,
    CAST(NULL AS STRING) AS review_id,
    CAST(NULL AS BIGINT) AS created_at,
    CAST(NULL AS BIGINT) AS version,
    CAST(NULL AS STRING) AS author,
    CAST(NULL AS STRING) AS url,
    CAST(NULL AS BIGINT) AS rating_e4,
    CAST(NULL AS BIGINT) AS content_length,
    CAST(NULL AS BIGINT) AS compound_e4,
    CAST(NULL AS STRING) AS sentiment_label,
    CAST(NULL AS DOUBLE) AS sentiment_confidence,
    CAST(NULL AS STRING) AS quality_flag,
    CAST(NULL AS STRING) AS quality_reasons
WHERE 1 = 0
