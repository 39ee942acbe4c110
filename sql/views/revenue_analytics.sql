-- View "revenue_analytics": one document a genre (none: all movies) and year (0: all years), with its budget tiers where it is about all
-- genres.
SELECT
    g.genre AS key_genre,
    g.year AS key_year,
    CASE WHEN g.genre <> '' THEN g.genre END AS genre,
    g.year, g.movie_count, g.total_budget, g.total_revenue, g.total_profit, g.return_on_budget, g.profitable_count,
    t.budget_tier AS item_budget_tier, t.movie_count AS item_movie_count, t.total_budget AS item_total_budget,
    t.total_revenue AS item_total_revenue, t.return_on_budget AS item_return_on_budget
FROM gold_revenue_analytics AS g
LEFT JOIN gold_revenue_analytics AS t ON t.genre = g.genre AND t.year = g.year AND t.budget_tier <> ''
WHERE g.budget_tier = ''
ORDER BY key_genre, key_year, item_budget_tier
