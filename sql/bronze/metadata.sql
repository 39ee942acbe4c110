-- Columns of bronze/metadata: the archive of movie.metadata. The record's fields are in the contract's order; event_time is its event time.
-- record_value holds the record's own bytes, so nothing is lost; decode_error says why the fields are null.
SELECT
    CAST(NULL AS STRING) AS topic,
    CAST(NULL AS INT) AS log_partition,
    CAST(NULL AS BIGINT) AS log_offset,
    CAST(NULL AS BIGINT) AS append_time,
    CAST(NULL AS BINARY) AS record_key,
    CAST(NULL AS BINARY) AS record_value,
    CAST(NULL AS STRING) AS decode_error,
    CAST(NULL AS INT) AS movie_id,
    CAST(NULL AS STRING) AS title,
    CAST(NULL AS STRING) AS release_date,
    CAST(NULL AS STRING) AS genres,
    CAST(NULL AS INT) AS runtime,
    CAST(NULL AS BIGINT) AS budget,
    CAST(NULL AS BIGINT) AS revenue,
    CAST(NULL AS BIGINT) AS event_time,
    CAST(NULL AS STRING) AS event_type
WHERE 1 = 0
