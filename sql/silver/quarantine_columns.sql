-- Columns of silver/quarantine. moment: extraction_timestamp of an answer, append time of a record, ms UTC.
SELECT
    CAST(NULL AS STRING) AS source,
    CAST(NULL AS INT) AS movie_id,
    CAST(NULL AS STRING) AS api_endpoint,
    CAST(NULL AS INT) AS log_partition,
    CAST(NULL AS BIGINT) AS log_offset,
    CAST(NULL AS BIGINT) AS moment,
    CAST(NULL AS STRING) AS reason
WHERE 1 = 0
