-- gold/revenue_analytics: what came back of what was spent, over movies of which TMDB knows both (US dollars). One row overall, and by
-- genre, year, budget tier, genre and year, year and tier; '' and 0 mean all. Tiers: micro under 1 M, low under 10 M, medium under 50 M,
-- high under 150 M, blockbuster. return_on_budget = profit / budget of the sums.
WITH known AS (
    SELECT
        movie_id, genres, coalesce(release_year, -1) AS release_year, budget, revenue,
        CASE
            WHEN budget < 1000000 THEN 'micro'
            WHEN budget < 10000000 THEN 'low'
            WHEN budget < 50000000 THEN 'medium'
            WHEN budget < 150000000 THEN 'high'
            ELSE 'blockbuster'
        END AS tier
    FROM silver_movies
    WHERE quality_flag <> 'ERROR' AND budget > 0 AND revenue > 0
),
by_genre AS (
    SELECT explode(genres) AS genre, release_year, tier, budget, revenue FROM known
),
rows_of_all AS (
    SELECT
        '' AS genre, coalesce(release_year, 0) AS year, coalesce(tier, '') AS budget_tier,
        count(*) AS movie_count, sum(budget) AS total_budget, sum(revenue) AS total_revenue,
        sum(CASE WHEN revenue > budget THEN 1 ELSE 0 END) AS profitable_count
    FROM known
    GROUP BY GROUPING SETS ((), (release_year), (tier), (release_year, tier))
    HAVING count(*) > 0
    UNION ALL
    SELECT
        genre, coalesce(release_year, 0) AS year, '' AS budget_tier,
        count(*) AS movie_count, sum(budget) AS total_budget, sum(revenue) AS total_revenue,
        sum(CASE WHEN revenue > budget THEN 1 ELSE 0 END) AS profitable_count
    FROM by_genre
    GROUP BY GROUPING SETS ((genre), (genre, release_year))
)
SELECT
    genre, CAST(year AS INT) AS year, budget_tier, movie_count,
    CAST(total_budget AS BIGINT) AS total_budget,
    CAST(total_revenue AS BIGINT) AS total_revenue,
    CAST(total_revenue - total_budget AS BIGINT) AS total_profit,
    CAST(total_revenue - total_budget AS DOUBLE) / CAST(total_budget AS DOUBLE) AS return_on_budget,
    CAST(profitable_count AS BIGINT) AS profitable_count
FROM rows_of_all
WHERE year >= 0
ORDER BY genre, year, budget_tier
