-- gold/temporal_analytics: releases over time. grain 'year' (period 2024, growth against the year before), 'month' (period 1 to 12 over all
-- years: the season), 'decade' (period 1990, growth against the decade before). Growth is a share, 0.1 is a tenth more; null where
-- the period before has no movies (no revenue). A budget or revenue of 0 is unknown.
WITH released AS (
    SELECT
        release_year, release_month, popularity_e4, vote_count,
        CASE WHEN vote_count > 0 THEN vote_average_e4 END AS rated_e4,
        CASE WHEN budget > 0 THEN budget END AS known_budget,
        CASE WHEN revenue > 0 THEN revenue END AS known_revenue
    FROM silver_movies
    WHERE quality_flag <> 'ERROR' AND release_year IS NOT NULL
),
grained AS (
    SELECT 'year' AS grain, release_year AS period, popularity_e4, vote_count, rated_e4, known_budget, known_revenue FROM released
    UNION ALL
    SELECT 'month' AS grain, release_month AS period, popularity_e4, vote_count, rated_e4, known_budget, known_revenue FROM released
    UNION ALL
    SELECT 'decade' AS grain, release_year - release_year % 10 AS period, popularity_e4, vote_count, rated_e4, known_budget,
        known_revenue
    FROM released
),
periods AS (
    SELECT
        grain, CAST(period AS INT) AS period,
        CASE grain WHEN 'year' THEN 1 WHEN 'decade' THEN 10 END AS step,
        count(*) AS movie_count,
        CAST(sum(rated_e4) AS DOUBLE) / nullif(count(rated_e4), 0) / 1e4 AS avg_rating,
        CAST(sum(popularity_e4) AS DOUBLE) / nullif(count(popularity_e4), 0) / 1e4 AS avg_popularity,
        CAST(coalesce(sum(vote_count), 0) AS BIGINT) AS vote_count,
        CAST(coalesce(sum(known_revenue), 0) AS BIGINT) AS total_revenue,
        CAST(sum(known_budget) AS DOUBLE) / nullif(count(known_budget), 0) AS avg_budget
    FROM grained
    GROUP BY grain, period
)
SELECT
    this.grain, this.period, this.movie_count, this.avg_rating, this.avg_popularity, this.vote_count, this.total_revenue, this.avg_budget,
    CAST(this.movie_count - before.movie_count AS DOUBLE) / before.movie_count AS movie_growth,
    CAST(this.total_revenue - before.total_revenue AS DOUBLE) / nullif(before.total_revenue, 0) AS revenue_growth
FROM periods AS this
LEFT JOIN periods AS before ON before.grain = this.grain AND before.period = this.period - this.step
ORDER BY this.grain, this.period
