-- View "temporal_analytics": one document a grain (in the key's window: year, month, decade), its periods.
SELECT
    grain AS key_window,
    grain,
    period AS item_period, movie_count AS item_movie_count, avg_rating AS item_avg_rating, avg_popularity AS item_avg_popularity,
    vote_count AS item_vote_count, total_revenue AS item_total_revenue, avg_budget AS item_avg_budget,
    movie_growth AS item_movie_growth, revenue_growth AS item_revenue_growth
FROM gold_temporal_analytics
ORDER BY key_window, item_period
