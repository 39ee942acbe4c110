-- silver/hours_stats: per movie and hour the last observation (docs/semantics.md, "Stats"). The speed layer's movie_stats,
-- computed from the archive. Numbers of four decimals are kept as integers of 1/10,000.
WITH placed AS (
    SELECT
        *,
        floor_to(window_start, 3600000) AS hour,
        row_number() OVER (PARTITION BY movie_id, floor_to(window_start, 3600000) ORDER BY window_start DESC) AS place
    FROM rating_windows
)
SELECT
    placed.movie_id, placed.hour, titles.title,
    placed.vote_average_e4, placed.vote_count, placed.popularity_e4,
    CAST(placed.vote_average_e4 - placed.before_vote_average_e4 AS DOUBLE) / 1e4 / placed.hours AS rating_velocity,
    placed.event_time AS last_updated
FROM placed
LEFT JOIN titles ON titles.movie_id = placed.movie_id
WHERE placed.place = 1 AND placed.hour >= ${from_ms} AND placed.hour < ${to_ms}
ORDER BY placed.movie_id, placed.hour
