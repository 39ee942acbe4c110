-- View "movie_sentiment": one document a movie and day, its 5-minute windows below the run's `through`.
SELECT
    movie_id AS key_movie_id,
    floor_to(hour, 86400000) AS key_day_ms,
    hour AS item_hour_ms,
    window_start AS item_window_start_ms,
    window_end AS item_window_end_ms,
    avg_sentiment AS item_avg_sentiment,
    sentiment_sum_e4 AS item_sentiment_sum_e4,
    review_count AS item_review_count,
    positive_count AS item_positive_count,
    negative_count AS item_negative_count,
    neutral_count AS item_neutral_count,
    sentiment_velocity AS item_sentiment_velocity
FROM silver_hours_sentiment
WHERE hour >= ${views_from_ms} AND hour < ${through_ms}
ORDER BY key_movie_id, key_day_ms, item_window_start_ms
