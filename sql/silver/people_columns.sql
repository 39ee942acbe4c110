-- Columns of silver/people.
SELECT
    CAST(NULL AS BIGINT) AS person_id,
    CAST(NULL AS STRING) AS name,
    CAST(NULL AS INT) AS movie_id,
    CAST(NULL AS STRING) AS credit,
    CAST(NULL AS STRING) AS role,
    CAST(NULL AS STRING) AS department,
    CAST(NULL AS INT) AS billing,
    CAST(NULL AS BIGINT) AS credits_at
WHERE 1 = 0
