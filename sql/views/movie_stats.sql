-- View "movie_stats": one document a movie and day, its hours below the run's `through`. The rules for
-- column names stand in src/batch/export.h.
SELECT
    movie_id AS key_movie_id,
    floor_to(hour, 86400000) AS key_day_ms,
    hour AS item_hour_ms,
    title AS item_title,
    vote_average_e4 AS item_vote_average_dec4,
    vote_count AS item_vote_count,
    popularity_e4 AS item_popularity_dec4,
    rating_velocity AS item_rating_velocity,
    last_updated AS item_last_updated_ms
FROM silver_hours_stats
WHERE hour >= ${views_from_ms} AND hour < ${through_ms}
ORDER BY key_movie_id, key_day_ms, item_hour_ms
