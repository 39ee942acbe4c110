-- Columns of silver/snapshots.
SELECT
    CAST(NULL AS INT) AS movie_id,
    CAST(NULL AS BIGINT) AS observed_at,
    CAST(NULL AS BIGINT) AS popularity_e4,
    CAST(NULL AS BIGINT) AS vote_average_e4,
    CAST(NULL AS INT) AS vote_count
WHERE 1 = 0
