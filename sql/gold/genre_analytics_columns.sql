-- Columns of gold/genre_analytics.
SELECT
    CAST(NULL AS STRING) AS genre,
    CAST(NULL AS INT) AS year,
    CAST(NULL AS INT) AS month,
    CAST(NULL AS STRING) AS popularity_tier,
    CAST(NULL AS BIGINT) AS movie_count,
    CAST(NULL AS BIGINT) AS rated_count,
    CAST(NULL AS DOUBLE) AS avg_rating,
    CAST(NULL AS DOUBLE) AS avg_popularity,
    CAST(NULL AS BIGINT) AS vote_count,
    CAST(NULL AS DOUBLE) AS avg_runtime,
    CAST(NULL AS BIGINT) AS budget_count,
    CAST(NULL AS BIGINT) AS total_budget,
    CAST(NULL AS DOUBLE) AS avg_budget,
    CAST(NULL AS BIGINT) AS revenue_count,
    CAST(NULL AS BIGINT) AS total_revenue,
    CAST(NULL AS DOUBLE) AS avg_revenue
WHERE 1 = 0
