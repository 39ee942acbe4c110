-- Columns of bronze/reviews: the archive of movie.reviews. The record's fields are in the contract's order; event_time is its event time.
-- record_value holds the record's own bytes, so nothing is lost; decode_error says why the fields are null.
SELECT
    CAST(NULL AS STRING) AS topic,
    CAST(NULL AS INT) AS log_partition,
    CAST(NULL AS BIGINT) AS log_offset,
    CAST(NULL AS BIGINT) AS append_time,
    CAST(NULL AS BINARY) AS record_key,
    CAST(NULL AS BINARY) AS record_value,
    CAST(NULL AS STRING) AS decode_error,
    CAST(NULL AS STRING) AS review_id,
    CAST(NULL AS INT) AS movie_id,
    CAST(NULL AS STRING) AS author,
    CAST(NULL AS STRING) AS content,
    CAST(NULL AS DOUBLE) AS rating,
    CAST(NULL AS BIGINT) AS event_time,
    CAST(NULL AS STRING) AS url,
    CAST(NULL AS BIGINT) AS updated_at
WHERE 1 = 0
