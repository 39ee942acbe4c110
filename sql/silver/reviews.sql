-- silver/reviews: each review once (its review_id, movie_id and created_at together), in its highest version, of equals the one
-- with the lowest offset, with VADER's score. Unlike hours_sentiment it includes what came too late for the speed layer. The text stays in
-- bronze, for as long as TMDB's terms allow; here its length. What the run before scored (reviews_before) isn't scored again.
WITH latest AS (
    SELECT *
    FROM (
        SELECT
            review_id, movie_id, event_time AS created_at, version, author, url, rating, content,
            row_number() OVER (
                PARTITION BY review_id, movie_id, event_time ORDER BY version DESC, log_partition, log_offset
            ) AS place
        FROM judged_reviews
        WHERE class <> 'bad'
    ) AS placed
    WHERE place = 1
),
fresh AS (
    SELECT
        latest.review_id, latest.movie_id, latest.created_at, latest.version, latest.author, latest.url,
        CASE WHEN abs(latest.rating) <= 1e9 THEN to_e4(latest.rating) END AS rating_e4,
        CAST(length(latest.content) AS BIGINT) AS content_length,
        CAST(vader_compound_e4(latest.content) AS BIGINT) AS compound_e4
    FROM latest
    LEFT JOIN reviews_before AS old
        ON old.review_id = latest.review_id AND old.movie_id = latest.movie_id AND old.created_at = latest.created_at
    WHERE old.version IS NULL OR latest.version > old.version
),
found AS (
    SELECT movie_id, review_id, created_at, version, author, url, rating_e4, content_length, compound_e4 FROM fresh
    UNION ALL
    SELECT
        old.movie_id, old.review_id, old.created_at, old.version, old.author, old.url, old.rating_e4, old.content_length, old.compound_e4
    FROM reviews_before AS old
    LEFT JOIN fresh
        ON fresh.review_id = old.review_id AND fresh.movie_id = old.movie_id AND fresh.created_at = old.created_at
    WHERE fresh.version IS NULL
),
checked AS (
    SELECT
        *,
        CASE WHEN review_id = '' THEN 'no review id' END AS error_reason,
        concat_ws(
            ', ',
            CASE WHEN content_length = 0 THEN 'no text' END,
            CASE WHEN content_length > 100000 THEN 'text too long' END,
            CASE WHEN author = '' THEN 'no author' END,
            CASE WHEN rating_e4 < 0 OR rating_e4 > 100000 THEN 'rating out of range' END
        ) AS warning_reasons
    FROM found
)
SELECT
    movie_id, review_id, created_at, version, author, url, rating_e4, content_length, compound_e4,
    CASE WHEN compound_e4 >= 500 THEN 'positive' WHEN compound_e4 <= -500 THEN 'negative' ELSE 'neutral' END AS sentiment_label,
    CASE
        WHEN abs(compound_e4) >= 500 THEN CAST(abs(compound_e4) - 500 AS DOUBLE) / 95e2
        ELSE 1e0 - CAST(abs(compound_e4) AS DOUBLE) / 5e2
    END AS sentiment_confidence,
    CASE WHEN error_reason IS NOT NULL THEN 'ERROR' WHEN warning_reasons <> '' THEN 'WARNING' ELSE 'OK' END AS quality_flag,
    concat_ws(', ', error_reason, CASE WHEN warning_reasons <> '' THEN warning_reasons END) AS quality_reasons
FROM checked
ORDER BY movie_id, created_at, review_id
