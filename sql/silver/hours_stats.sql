-- silver/hours_stats: per movie and hour the last observation (docs/semantics.md, "Stats"). The speed layer's movie_stats,
-- computed from the archive. Numbers of four decimals are kept as integers of 1/10,000.
-- Rows of hours that the archive no longer reaches far enough back for are those of the run before (hours_stats_before).
WITH placed AS (
    SELECT
        *,
        floor_to(window_start, 3600000) AS hour,
        row_number() OVER (PARTITION BY movie_id, floor_to(window_start, 3600000) ORDER BY window_start DESC) AS place
    FROM rating_windows
),
hours AS (
    SELECT
        placed.movie_id, placed.hour, titles.title,
        placed.vote_average_e4, placed.vote_count, placed.popularity_e4,
        CAST(placed.vote_average_e4 - placed.before_vote_average_e4 AS DOUBLE) / 1e4 / placed.hours AS rating_velocity,
        placed.event_time AS last_updated
    FROM placed
    LEFT JOIN titles ON titles.movie_id = placed.movie_id
    WHERE placed.place = 1 AND placed.hour >= ${exact_from_ms}
    UNION ALL
    SELECT movie_id, hour, title, vote_average_e4, vote_count, popularity_e4, rating_velocity, last_updated
    FROM hours_stats_before
    WHERE hour < ${exact_from_ms}
)
SELECT movie_id, hour, title, vote_average_e4, vote_count, popularity_e4, rating_velocity, last_updated
FROM hours
WHERE hour >= ${from_ms} AND hour < ${to_ms}
ORDER BY movie_id, hour
