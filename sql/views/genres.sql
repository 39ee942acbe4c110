-- View "genres": one document, the figures of each genre over all years.
SELECT
    genre AS item_genre, movie_count AS item_movie_count, rated_count AS item_rated_count, avg_rating AS item_avg_rating,
    avg_popularity AS item_avg_popularity, vote_count AS item_vote_count, avg_runtime AS item_avg_runtime,
    budget_count AS item_budget_count, total_budget AS item_total_budget, avg_budget AS item_avg_budget,
    revenue_count AS item_revenue_count, total_revenue AS item_total_revenue, avg_revenue AS item_avg_revenue
FROM gold_genre_analytics
WHERE year = 0 AND month = 0 AND popularity_tier = ''
ORDER BY item_genre
