-- gold/genre_analytics: a movie counts in each of its genres. One row a genre, and a genre and year of release, year and
-- month, popularity tier, year and tier; year and month 0 and tier '' mean all. Sums are of integers, so they are exact;
-- a runtime, budget or revenue of 0 means that TMDB doesn't know it and counts nowhere. A movie whose row is an ERROR is left out.
WITH by_genre AS (
    SELECT
        explode(genres) AS genre, coalesce(release_year, -1) AS release_year, coalesce(release_month, -1) AS release_month,
        coalesce(popularity_tier, 'unknown') AS tier, popularity_e4, vote_average_e4, vote_count,
        CASE WHEN vote_count > 0 THEN vote_average_e4 END AS rated_e4,
        CASE WHEN runtime > 0 THEN CAST(runtime AS BIGINT) END AS known_runtime,
        CASE WHEN budget > 0 THEN budget END AS known_budget,
        CASE WHEN revenue > 0 THEN revenue END AS known_revenue
    FROM silver_movies
    WHERE quality_flag <> 'ERROR'
),
levels AS (
    SELECT
        genre,
        CAST(coalesce(release_year, 0) AS INT) AS year,
        CAST(coalesce(release_month, 0) AS INT) AS month,
        coalesce(tier, '') AS popularity_tier,
        count(*) AS movie_count,
        count(rated_e4) AS rated_count,
        CAST(sum(rated_e4) AS DOUBLE) / nullif(count(rated_e4), 0) / 1e4 AS avg_rating,
        CAST(sum(popularity_e4) AS DOUBLE) / nullif(count(popularity_e4), 0) / 1e4 AS avg_popularity,
        CAST(coalesce(sum(vote_count), 0) AS BIGINT) AS vote_count,
        CAST(sum(known_runtime) AS DOUBLE) / nullif(count(known_runtime), 0) AS avg_runtime,
        count(known_budget) AS budget_count,
        CAST(coalesce(sum(known_budget), 0) AS BIGINT) AS total_budget,
        CAST(sum(known_budget) AS DOUBLE) / nullif(count(known_budget), 0) AS avg_budget,
        count(known_revenue) AS revenue_count,
        CAST(coalesce(sum(known_revenue), 0) AS BIGINT) AS total_revenue,
        CAST(sum(known_revenue) AS DOUBLE) / nullif(count(known_revenue), 0) AS avg_revenue
    FROM by_genre
    GROUP BY GROUPING SETS (
        (genre), (genre, release_year), (genre, release_year, release_month), (genre, tier), (genre, release_year, tier)
    )
)
SELECT
    genre, year, month, popularity_tier, movie_count, rated_count, avg_rating, avg_popularity, vote_count, avg_runtime, budget_count,
    total_budget, avg_budget, revenue_count, total_revenue, avg_revenue
FROM levels
WHERE year >= 0 AND month >= 0
ORDER BY genre, year, month, popularity_tier
