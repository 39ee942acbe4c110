-- gold/sentiment_trends: reviews by the year and month in which they were written, of each movie, of each genre (a review counts in
-- each genre of its movie), of each popularity tier that movies have now, and of all; movie_id, year and month 0, genre and tier '' mean
-- all. sentiment_change: the average less that of the period of the same length before it that has reviews. Reviews whose row is an
-- ERROR are left out. Sums are of integers, so those of movies add up exactly.
WITH scored AS (
    SELECT
        movie_id, CAST(year(date_from_ms(created_at)) AS INT) AS year, CAST(month(date_from_ms(created_at)) AS INT) AS month,
        compound_e4, sentiment_label, CASE WHEN rating_e4 BETWEEN 0 AND 100000 THEN rating_e4 END AS rating_e4
    FROM silver_reviews
    WHERE quality_flag <> 'ERROR'
),
of_movies AS (
    SELECT
        movie_id, year, month, count(*) AS reviews, CAST(sum(compound_e4) AS BIGINT) AS compound_sum,
        CAST(sum(CASE WHEN sentiment_label = 'positive' THEN 1 ELSE 0 END) AS BIGINT) AS positive,
        CAST(sum(CASE WHEN sentiment_label = 'negative' THEN 1 ELSE 0 END) AS BIGINT) AS negative,
        CAST(sum(CASE WHEN sentiment_label = 'neutral' THEN 1 ELSE 0 END) AS BIGINT) AS neutral,
        count(rating_e4) AS ratings, CAST(coalesce(sum(rating_e4), 0) AS BIGINT) AS rating_sum
    FROM scored
    GROUP BY movie_id, year, month
),
genres_found AS (
    SELECT movie_id, explode(genres) AS genre FROM silver_movies WHERE quality_flag <> 'ERROR'
),
subjects AS (
    SELECT movie_id AS subject, '' AS genre, '' AS tier, year, month, reviews, compound_sum, positive, negative, neutral, ratings, rating_sum
    FROM of_movies
    UNION ALL
    SELECT 0 AS subject, '' AS genre, '' AS tier, year, month, reviews, compound_sum, positive, negative, neutral, ratings, rating_sum
    FROM of_movies
    UNION ALL
    SELECT
        0 AS subject, g.genre, '' AS tier, s.year, s.month, s.reviews, s.compound_sum, s.positive, s.negative, s.neutral, s.ratings,
        s.rating_sum
    FROM of_movies AS s
    JOIN genres_found AS g ON g.movie_id = s.movie_id
    WHERE g.genre <> ''
    UNION ALL
    SELECT
        0 AS subject, '' AS genre, m.popularity_tier AS tier, s.year, s.month, s.reviews, s.compound_sum, s.positive, s.negative, s.neutral,
        s.ratings, s.rating_sum
    FROM of_movies AS s
    JOIN silver_movies AS m ON m.movie_id = s.movie_id
    WHERE m.quality_flag <> 'ERROR' AND m.popularity_tier IS NOT NULL
),
sums AS (
    SELECT
        subject, genre, tier,
        coalesce(year, 0) AS year, coalesce(month, 0) AS month,
        CAST(sum(reviews) AS BIGINT) AS review_count,
        CAST(sum(compound_sum) AS DOUBLE) / CAST(sum(reviews) AS DOUBLE) / 1e4 AS avg_sentiment,
        CAST(sum(positive) AS BIGINT) AS positive_count,
        CAST(sum(negative) AS BIGINT) AS negative_count,
        CAST(sum(neutral) AS BIGINT) AS neutral_count,
        CAST(sum(ratings) AS BIGINT) AS rating_count,
        CAST(sum(rating_sum) AS DOUBLE) / nullif(CAST(sum(ratings) AS DOUBLE), 0e0) / 1e4 AS avg_rating
    FROM subjects
    GROUP BY GROUPING SETS ((subject, genre, tier), (subject, genre, tier, year), (subject, genre, tier, year, month))
)
SELECT
    CAST(subject AS INT) AS movie_id, genre, tier AS popularity_tier, year, month, review_count, avg_sentiment, positive_count,
    negative_count, neutral_count, rating_count, avg_rating,
    CASE
        WHEN year > 0
        THEN avg_sentiment - lag(avg_sentiment) OVER (
            PARTITION BY subject, genre, tier, CASE WHEN month > 0 THEN 2 WHEN year > 0 THEN 1 ELSE 0 END ORDER BY year, month
        )
    END AS sentiment_change
FROM sums
ORDER BY movie_id, genre, popularity_tier, year, month
