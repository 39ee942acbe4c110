-- silver/hours_trending: per hour the ranks of its latest ranked window (docs/semantics.md, "Trending"). The speed layer's
-- trending_movies, computed from the archive; older rows as in hours_stats.
WITH velocities AS (
    SELECT
        movie_id, window_start, hours,
        CAST(popularity_e4 - before_popularity_e4 AS DOUBLE) / 1e4 / hours AS velocity,
        CAST(vote_count - before_vote_count AS DOUBLE) / hours AS vote_velocity
    FROM rating_windows
),
engaged AS (
    SELECT movie_id, window_start, count(*) AS events
    FROM judged_events
    WHERE class = 'used' AND event_time >= ${input_from_ms} AND event_time < ${input_to_ms}
    GROUP BY movie_id, window_start
),
-- hours is null without a previous window, and then so are velocity and acceleration.
accelerations AS (
    SELECT
        *,
        (velocity - lag(velocity) OVER (PARTITION BY movie_id ORDER BY window_start)) / hours AS acceleration
    FROM velocities
),
population AS (
    SELECT
        accelerations.movie_id, accelerations.window_start, velocity, vote_velocity, acceleration,
        log1p(CAST(coalesce(engaged.events, 0) AS DOUBLE)) AS engagement
    FROM accelerations
    LEFT JOIN engaged
        ON engaged.movie_id = accelerations.movie_id AND engaged.window_start = accelerations.window_start
    WHERE velocity IS NOT NULL
        AND accelerations.window_start >= ${from_ms} AND accelerations.window_start < ${to_ms}
),
measures AS (
    SELECT window_start, movie_id, 'velocity' AS measure, velocity AS x FROM population
    UNION ALL
    SELECT window_start, movie_id, 'votes' AS measure, vote_velocity AS x FROM population
    UNION ALL
    SELECT window_start, movie_id, 'acceleration' AS measure, acceleration AS x FROM population WHERE acceleration IS NOT NULL
    UNION ALL
    SELECT window_start, movie_id, 'engagement' AS measure, engagement AS x FROM population
),
-- The median of an even count is the mean of the middle two.
placed AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY window_start, measure ORDER BY x) AS place,
        count(*) OVER (PARTITION BY window_start, measure) AS n
    FROM measures
),
centers AS (
    SELECT
        window_start, measure,
        CASE
            WHEN max(n) % 2 = 1 THEN max(CASE WHEN 2 * place = n + 1 THEN x END)
            ELSE (max(CASE WHEN 2 * place = n THEN x END) + max(CASE WHEN 2 * place = n + 2 THEN x END)) / 2e0
        END AS center
    FROM placed
    GROUP BY window_start, measure
),
deviations AS (
    SELECT measures.window_start, measures.measure, measures.movie_id, x - center AS deviation
    FROM measures
    JOIN centers ON centers.window_start = measures.window_start AND centers.measure = measures.measure
),
deviations_placed AS (
    SELECT
        window_start, measure, abs(deviation) AS d,
        row_number() OVER (PARTITION BY window_start, measure ORDER BY abs(deviation)) AS place,
        count(*) OVER (PARTITION BY window_start, measure) AS n
    FROM deviations
),
spreads AS (
    SELECT
        window_start, measure,
        1.4826e0 * CASE
            WHEN max(n) % 2 = 1 THEN max(CASE WHEN 2 * place = n + 1 THEN d END)
            ELSE (max(CASE WHEN 2 * place = n THEN d END) + max(CASE WHEN 2 * place = n + 2 THEN d END)) / 2e0
        END AS median_scale,
        1.2533e0 * (sum_ascending(collect_list(d)) / CAST(count(*) AS DOUBLE)) AS mean_scale
    FROM deviations_placed
    GROUP BY window_start, measure
),
sizes AS (
    SELECT window_start, count(*) AS movies FROM population GROUP BY window_start
),
scales AS (
    SELECT
        spreads.window_start, measure,
        CASE
            WHEN movies < 5 THEN 1e0
            WHEN median_scale >= 1e-9 THEN median_scale
            WHEN mean_scale >= 1e-9 THEN mean_scale
        END AS scale
    FROM spreads
    JOIN sizes ON sizes.window_start = spreads.window_start
),
z_scores AS (
    SELECT
        deviations.window_start, deviations.measure, movie_id,
        greatest(-10e0, least(10e0, deviation / scale)) AS z
    FROM deviations
    JOIN scales ON scales.window_start = deviations.window_start AND scales.measure = deviations.measure
    WHERE scale IS NOT NULL
),
z_rows AS (
    SELECT
        window_start, movie_id,
        max(CASE WHEN measure = 'velocity' THEN z END) AS z_velocity,
        max(CASE WHEN measure = 'votes' THEN z END) AS z_votes,
        max(CASE WHEN measure = 'acceleration' THEN z END) AS z_acceleration,
        max(CASE WHEN measure = 'engagement' THEN z END) AS z_engagement
    FROM z_scores
    GROUP BY window_start, movie_id
),
scored AS (
    SELECT
        population.window_start, population.movie_id, velocity, acceleration,
        ${weight_velocity} * coalesce(z_velocity, 0e0) + ${weight_votes} * coalesce(z_votes, 0e0)
            + ${weight_acceleration} * coalesce(z_acceleration, 0e0) + ${weight_engagement} * coalesce(z_engagement, 0e0)
            AS trending_score
    FROM population
    LEFT JOIN z_rows ON z_rows.window_start = population.window_start AND z_rows.movie_id = population.movie_id
    WHERE velocity > ${min_velocity}
),
ranked AS (
    SELECT
        *,
        floor_to(window_start, 3600000) AS hour,
        row_number() OVER (
            PARTITION BY window_start ORDER BY CAST(rint(trending_score * 1e9) AS BIGINT) DESC, movie_id
        ) AS rank
    FROM scored
),
shown AS (
    SELECT hour, max(window_start) AS window_start FROM ranked GROUP BY hour
),
hours AS (
    SELECT
        ranked.hour,
        CAST(ranked.rank AS INT) AS rank,
        ranked.window_start + ${window_ms} AS window_end,
        ranked.movie_id, titles.title, ranked.trending_score, ranked.velocity, ranked.acceleration
    FROM ranked
    JOIN shown ON shown.hour = ranked.hour AND shown.window_start = ranked.window_start
    LEFT JOIN titles ON titles.movie_id = ranked.movie_id
    WHERE ranked.rank <= 100 AND ranked.hour >= ${exact_from_ms}
    UNION ALL
    SELECT hour, rank, window_end, movie_id, title, trending_score, velocity, acceleration
    FROM hours_trending_before
    WHERE hour < ${exact_from_ms}
)
SELECT hour, rank, window_end, movie_id, title, trending_score, velocity, acceleration
FROM hours
WHERE hour >= ${from_ms} AND hour < ${to_ms}
ORDER BY hour, rank
