-- parts: to which file each cell (year, month, genre) of a table goes. A cell that would hold ${partition_min} bytes has one of its
-- own (level 3); the others of its month together, where they hold so much (2); what is left of its year, where that does (1); the
-- rest is one (0). Bytes are reckoned from the share of the rows.
WITH sized AS (
    SELECT year, month, genre, CAST(row_count AS DOUBLE) * ${file_bytes} / ${file_rows} AS size_bytes FROM cells
),
months AS (
    SELECT year, month, sum(size_bytes) AS size_bytes FROM sized WHERE size_bytes < ${partition_min} GROUP BY year, month
),
years AS (
    SELECT year, sum(size_bytes) AS size_bytes FROM months WHERE size_bytes < ${partition_min} GROUP BY year
),
leveled AS (
    SELECT
        sized.year, sized.month, sized.genre,
        CASE
            WHEN sized.size_bytes >= ${partition_min} THEN 3
            WHEN months.size_bytes >= ${partition_min} THEN 2
            WHEN years.size_bytes >= ${partition_min} THEN 1
            ELSE 0
        END AS level
    FROM sized
    LEFT JOIN months ON months.year = sized.year AND months.month = sized.month
    LEFT JOIN years ON years.year = sized.year
),
keyed AS (
    SELECT
        year, month, genre, level,
        CASE WHEN level >= 1 THEN year ELSE -1 END AS part_year,
        CASE WHEN level >= 2 THEN month ELSE -1 END AS part_month,
        CASE WHEN level >= 3 THEN genre ELSE '' END AS part_genre
    FROM leveled
),
numbered AS (
    SELECT
        level, part_year, part_month, part_genre,
        row_number() OVER (ORDER BY level, part_year, part_month, part_genre) AS part
    FROM (SELECT DISTINCT level, part_year, part_month, part_genre FROM keyed) AS found
)
SELECT keyed.year, keyed.month, keyed.genre, numbered.part, numbered.level, numbered.part_year, numbered.part_month, numbered.part_genre
FROM keyed
JOIN numbered
    ON numbered.level = keyed.level AND numbered.part_year = keyed.part_year AND numbered.part_month = keyed.part_month
    AND numbered.part_genre = keyed.part_genre
