-- silver/reviews with the part of each row, by part.
SELECT staged.*, parts.part
FROM staged
LEFT JOIN silver_movies AS m ON m.movie_id = staged.movie_id
JOIN parts
    ON parts.year = CAST(year(date_from_ms(staged.created_at)) AS INT)
    AND parts.month = CAST(month(date_from_ms(staged.created_at)) AS INT) AND parts.genre = coalesce(first_of(m.genres), '')
ORDER BY parts.part, staged.movie_id, staged.created_at, staged.review_id
