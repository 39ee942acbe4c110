-- gold/sentiment_trends: reviews by the year and month in which they were written, of each movie, of each genre (a review counts in
-- each genre of its movie), and of all (movie_id 0, genre ''); year and month 0 mean all. sentiment_change: the average less that
-- of the period of the same length before it that has reviews. Reviews whose row is an ERROR are left out. Sums are of integers.
WITH scored AS (
    SELECT
        movie_id, CAST(year(date_from_ms(created_at)) AS INT) AS year, CAST(month(date_from_ms(created_at)) AS INT) AS month,
        compound_e4, sentiment_label, CASE WHEN rating_e4 BETWEEN 0 AND 100000 THEN rating_e4 END AS rating_e4
    FROM silver_reviews
    WHERE quality_flag <> 'ERROR'
),
genres_found AS (
    SELECT movie_id, explode(genres) AS genre FROM silver_movies WHERE quality_flag <> 'ERROR'
),
subjects AS (
    SELECT movie_id AS subject, '' AS genre, year, month, compound_e4, sentiment_label, rating_e4 FROM scored
    UNION ALL
    SELECT 0 AS subject, '' AS genre, year, month, compound_e4, sentiment_label, rating_e4 FROM scored
    UNION ALL
    SELECT 0 AS subject, g.genre, s.year, s.month, s.compound_e4, s.sentiment_label, s.rating_e4
    FROM scored AS s
    JOIN genres_found AS g ON g.movie_id = s.movie_id
    WHERE g.genre <> ''
),
sums AS (
    SELECT
        subject, genre,
        coalesce(year, 0) AS year, coalesce(month, 0) AS month,
        count(*) AS review_count,
        CAST(sum(compound_e4) AS DOUBLE) / count(*) / 1e4 AS avg_sentiment,
        CAST(sum(CASE WHEN sentiment_label = 'positive' THEN 1 ELSE 0 END) AS BIGINT) AS positive_count,
        CAST(sum(CASE WHEN sentiment_label = 'negative' THEN 1 ELSE 0 END) AS BIGINT) AS negative_count,
        CAST(sum(CASE WHEN sentiment_label = 'neutral' THEN 1 ELSE 0 END) AS BIGINT) AS neutral_count,
        count(rating_e4) AS rating_count,
        CAST(sum(rating_e4) AS DOUBLE) / nullif(count(rating_e4), 0) / 1e4 AS avg_rating
    FROM subjects
    GROUP BY GROUPING SETS ((subject, genre), (subject, genre, year), (subject, genre, year, month))
)
SELECT
    CAST(subject AS INT) AS movie_id, genre, year, month, review_count, avg_sentiment, positive_count, negative_count,
    neutral_count, rating_count, avg_rating,
    CASE
        WHEN year > 0
        THEN avg_sentiment - lag(avg_sentiment) OVER (
            PARTITION BY subject, genre, CASE WHEN month > 0 THEN 2 WHEN year > 0 THEN 1 ELSE 0 END ORDER BY year, month
        )
    END AS sentiment_change
FROM sums
ORDER BY movie_id, genre, year, month
