-- gold/trending_scores: how a movie's popularity moves over 7, 30 and 90 days up to the day before `through`
-- (docs/semantics.md, "Batch trend"): of each day the last observation, or, where there is none, TMDB's daily export of that
-- day (the last that was archived, of movies that are known); velocity = slope of the least-squares line, popularity per
-- day; moving_average = mean over the days that have one; trend_score = 100 x percent rank of velocity / moving_average. All sums
-- are of integers. A movie needs two days.
WITH observed AS (
    SELECT movie_id, floor_to(observed_at, 86400000) AS day, popularity_e4, 1 AS origin, observed_at AS moment
    FROM silver_snapshots
    WHERE observed_at >= ${trend_to_ms} - 7776000000 AND observed_at < ${trend_to_ms}
    UNION ALL
    SELECT e.movie_id, e.day, to_e4(e.popularity) AS popularity_e4, 0 AS origin, e.generation AS moment
    FROM bronze_exports AS e
    JOIN silver_movies AS m ON m.movie_id = e.movie_id
    WHERE e.day >= ${trend_to_ms} - 7776000000 AND e.day < ${trend_to_ms}
        AND abs(e.popularity) <= 1e9 AND m.quality_flag <> 'ERROR'
),
lasts AS (
    SELECT movie_id, day, popularity_e4
    FROM (
        SELECT
            movie_id, day, popularity_e4,
            row_number() OVER (PARTITION BY movie_id, day ORDER BY origin DESC, moment DESC, popularity_e4) AS place
        FROM observed
    ) AS placed
    WHERE place = 1
),
points AS (
    SELECT movie_id, day, popularity_e4, floor((day - (${trend_to_ms} - 7776000000)) / 86400000) AS place
    FROM lasts
),
windows AS (
    SELECT '7d' AS window_name, 7 AS length UNION ALL SELECT '30d' AS window_name, 30 AS length
    UNION ALL SELECT '90d' AS window_name, 90 AS length
),
sums AS (
    SELECT
        window_name, movie_id, max(day) AS last_day, count(*) AS days,
        CAST(sum(CAST(place AS BIGINT)) AS BIGINT) AS x,
        CAST(sum(CAST(place AS BIGINT) * CAST(place AS BIGINT)) AS BIGINT) AS xx,
        CAST(sum(popularity_e4) AS BIGINT) AS y,
        CAST(sum(CAST(place AS BIGINT) * popularity_e4) AS BIGINT) AS xy
    FROM points
    JOIN windows ON place >= 90 - length
    GROUP BY window_name, movie_id
    HAVING count(*) >= 2
),
lines AS (
    SELECT
        window_name, movie_id, last_day, days,
        CAST(y AS DOUBLE) / days / 1e4 AS moving_average,
        CAST(days * xy - x * y AS DOUBLE) / CAST(days * xx - x * x AS DOUBLE) / 1e4 AS velocity
    FROM sums
)
SELECT
    lines.window_name, lines.movie_id, lines.last_day, lines.days, lasts.popularity_e4, moving_average, velocity,
    CASE
        WHEN moving_average > 0
        THEN 100e0 * percent_rank() OVER (
            PARTITION BY lines.window_name, moving_average > 0 ORDER BY velocity / nullif(moving_average, 0e0)
        )
    END AS trend_score
FROM lines
JOIN lasts ON lasts.movie_id = lines.movie_id AND lasts.day = lines.last_day
ORDER BY lines.window_name, lines.movie_id
