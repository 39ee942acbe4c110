-- View "sentiment_trends": one document a movie with reviews, a genre, a popularity tier, and one of all: its figures, and those of its years
-- (month null) and months.
SELECT
    g.movie_id AS key_movie_id,
    g.genre AS key_genre,
    g.popularity_tier AS key_window,
    CASE WHEN g.movie_id > 0 THEN g.movie_id END AS movie_id,
    CASE WHEN g.genre <> '' THEN g.genre END AS genre,
    CASE WHEN g.popularity_tier <> '' THEN g.popularity_tier END AS popularity_tier,
    m.title AS title,
    g.review_count, g.avg_sentiment, g.positive_count, g.negative_count, g.neutral_count, g.rating_count, g.avg_rating,
    t.year AS item_year,
    nullif(t.month, 0) AS item_month,
    t.review_count AS item_review_count,
    t.avg_sentiment AS item_avg_sentiment,
    t.positive_count AS item_positive_count,
    t.negative_count AS item_negative_count,
    t.neutral_count AS item_neutral_count,
    t.rating_count AS item_rating_count,
    t.avg_rating AS item_avg_rating,
    t.sentiment_change AS item_sentiment_change
FROM gold_sentiment_trends AS g
JOIN gold_sentiment_trends AS t ON t.movie_id = g.movie_id AND t.genre = g.genre AND t.popularity_tier = g.popularity_tier AND t.year > 0
-- Of keys alone, so that it is a hash join; a genre's rows have movie 0.
LEFT JOIN silver_movies AS m ON m.movie_id = nullif(g.movie_id, 0)
WHERE g.year = 0
ORDER BY key_movie_id, key_genre, key_window, item_year, t.month
