-- View "genre_analytics": one document a genre (year 0), and a genre and year; with the ten most popular movies of each.
WITH by_genre AS (
    SELECT explode(genres) AS genre, release_year, movie_id, title, popularity_e4, vote_average_e4, vote_count
    FROM silver_movies
    WHERE quality_flag <> 'ERROR'
),
leveled AS (
    SELECT *, 0 AS year FROM by_genre
    UNION ALL
    SELECT *, release_year AS year FROM by_genre WHERE release_year IS NOT NULL
),
placed AS (
    SELECT *, row_number() OVER (PARTITION BY genre, year ORDER BY popularity_e4 DESC NULLS LAST, movie_id) AS place
    FROM leveled
)
SELECT
    g.genre AS key_genre,
    g.year AS key_year,
    g.genre, g.year, g.movie_count, g.rated_count, g.avg_rating, g.avg_popularity, g.vote_count, g.avg_runtime,
    g.budget_count, g.total_budget, g.avg_budget, g.revenue_count, g.total_revenue, g.avg_revenue,
    t.movie_id AS item_movie_id,
    t.title AS item_title,
    t.popularity_e4 AS item_popularity_dec4,
    t.vote_average_e4 AS item_vote_average_dec4,
    t.vote_count AS item_vote_count
FROM gold_genre_analytics AS g
LEFT JOIN placed AS t ON t.genre = g.genre AND t.year = g.year AND t.place <= 10
WHERE g.month = 0 AND g.popularity_tier = ''
ORDER BY key_genre, key_year, t.place
