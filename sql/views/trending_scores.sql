-- View "trending_scores": one document a window (7d, 30d, 90d): the hundred movies with the highest trend_score.
WITH placed AS (
    SELECT
        t.window_name, t.movie_id, m.title, t.days, t.popularity_e4, t.moving_average, t.velocity, t.trend_score, t.last_day,
        row_number() OVER (PARTITION BY t.window_name ORDER BY t.trend_score DESC, t.velocity DESC, t.movie_id) AS place
    FROM gold_trending_scores AS t
    JOIN silver_movies AS m ON m.movie_id = t.movie_id
    WHERE t.trend_score IS NOT NULL AND m.quality_flag <> 'ERROR'
)
SELECT
    window_name AS key_window,
    window_name,
    CAST(place AS INT) AS item_rank,
    movie_id AS item_movie_id,
    title AS item_title,
    popularity_e4 AS item_popularity_dec4,
    moving_average AS item_moving_average,
    velocity AS item_velocity,
    trend_score AS item_trend_score,
    days AS item_days,
    last_day AS item_last_day_ms
FROM placed
WHERE place <= 100
ORDER BY key_window, item_rank
