-- The rows of silver/reviews that go to file ${part}.
SELECT
    movie_id, review_id, created_at, version, author, url, rating_e4, content_length, compound_e4, sentiment_label,
    sentiment_confidence, quality_flag, quality_reasons
FROM placed
WHERE part = ${part}
ORDER BY movie_id, created_at, review_id
