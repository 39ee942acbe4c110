-- The lake's rows of the hours that the speed layer holds.
SELECT movie_id, hour, popularity_e4, vote_average_e4, vote_count, rating_velocity, last_updated, title
FROM silver_hours_stats
WHERE hour >= ${held_from_ms}
ORDER BY movie_id, hour
