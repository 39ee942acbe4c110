-- Columns of gold/revenue_analytics.
SELECT
    CAST(NULL AS STRING) AS genre,
    CAST(NULL AS INT) AS year,
    CAST(NULL AS STRING) AS budget_tier,
    CAST(NULL AS BIGINT) AS movie_count,
    CAST(NULL AS BIGINT) AS total_budget,
    CAST(NULL AS BIGINT) AS total_revenue,
    CAST(NULL AS BIGINT) AS total_profit,
    CAST(NULL AS DOUBLE) AS return_on_budget,
    CAST(NULL AS BIGINT) AS profitable_count
WHERE 1 = 0
