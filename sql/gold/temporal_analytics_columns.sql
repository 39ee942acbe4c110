-- Columns of gold/temporal_analytics.
SELECT
    CAST(NULL AS STRING) AS grain,
    CAST(NULL AS INT) AS period,
    CAST(NULL AS BIGINT) AS movie_count,
    CAST(NULL AS DOUBLE) AS avg_rating,
    CAST(NULL AS DOUBLE) AS avg_popularity,
    CAST(NULL AS BIGINT) AS vote_count,
    CAST(NULL AS BIGINT) AS total_revenue,
    CAST(NULL AS DOUBLE) AS avg_budget,
    CAST(NULL AS DOUBLE) AS movie_growth,
    CAST(NULL AS DOUBLE) AS revenue_growth
WHERE 1 = 0
