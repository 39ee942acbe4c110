-- Columns of bronze/exports: TMDB's daily ID exports. day is the UTC day of the file, ms; archived_at and generation: of the run
-- that took it, its cut and number; of two rows of a day and movie that of the higher generation counts.
SELECT
    CAST(NULL AS BIGINT) AS day,
    CAST(NULL AS INT) AS movie_id,
    CAST(NULL AS DOUBLE) AS popularity,
    CAST(NULL AS BIGINT) AS archived_at,
    CAST(NULL AS BIGINT) AS generation
WHERE 1 = 0
