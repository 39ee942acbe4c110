-- What was read from the spool's files (exports_read), as bronze/exports has it.
SELECT ms_from_date(day) AS day, movie_id, popularity, CAST(${archived_at} AS BIGINT) AS archived_at,
    CAST(${generation} AS BIGINT) AS generation
FROM exports_read
WHERE day IS NOT NULL AND movie_id IS NOT NULL AND popularity IS NOT NULL
