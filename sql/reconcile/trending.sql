-- The lake's ranks of the hours that the speed layer holds.
SELECT hour, rank, window_end, movie_id, trending_score, velocity, acceleration, title
FROM silver_hours_trending
WHERE hour >= ${held_from_ms}
ORDER BY hour, rank
