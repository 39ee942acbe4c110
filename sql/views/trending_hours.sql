-- View "trending_hours": one document an hour (its start in the key's day) below the run's `through`: the ranks of its latest
-- ranked window.
SELECT
    hour AS key_day_ms,
    hour AS hour_ms,
    window_end AS window_end_ms,
    rank AS item_rank,
    movie_id AS item_movie_id,
    title AS item_title,
    trending_score AS item_trending_score,
    velocity AS item_velocity,
    acceleration AS item_acceleration
FROM silver_hours_trending
WHERE hour >= ${views_from_ms} AND hour < ${through_ms}
ORDER BY key_day_ms, item_rank
