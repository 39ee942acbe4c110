-- Columns of bronze/events: the archive of user.events. The record's fields are in the contract's order; event_time is its event time.
-- record_value holds the record's own bytes, so nothing is lost; decode_error says why the fields are null.
SELECT
    CAST(NULL AS STRING) AS topic,
    CAST(NULL AS INT) AS log_partition,
    CAST(NULL AS BIGINT) AS log_offset,
    CAST(NULL AS BIGINT) AS append_time,
    CAST(NULL AS BINARY) AS record_key,
    CAST(NULL AS BINARY) AS record_value,
    CAST(NULL AS STRING) AS decode_error,
    CAST(NULL AS STRING) AS event_id,
    CAST(NULL AS BIGINT) AS user_id,
    CAST(NULL AS INT) AS movie_id,
    CAST(NULL AS STRING) AS event_type,
    CAST(NULL AS DOUBLE) AS rating,
    CAST(NULL AS BIGINT) AS event_time
WHERE 1 = 0
