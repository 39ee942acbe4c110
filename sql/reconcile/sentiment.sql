-- The lake's windows of the hours that the speed layer holds.
SELECT
    movie_id, hour, window_start, window_end, avg_sentiment, sentiment_sum_e4, review_count, positive_count, negative_count,
    neutral_count, sentiment_velocity
FROM silver_hours_sentiment
WHERE hour >= ${held_from_ms}
ORDER BY movie_id, hour, window_start
