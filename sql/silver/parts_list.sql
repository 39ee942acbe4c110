-- The files that a table becomes: the rest first, then years, months, genres.
SELECT DISTINCT
    CAST(part AS BIGINT) AS part, CAST(level AS BIGINT) AS level, CAST(part_year AS BIGINT) AS part_year,
    CAST(part_month AS BIGINT) AS part_month, part_genre
FROM parts
ORDER BY part
