-- The cells of silver/reviews: year and month of writing, the first genre of the movie ('': none, or not known).
SELECT
    CAST(year(date_from_ms(staged.created_at)) AS INT) AS year, CAST(month(date_from_ms(staged.created_at)) AS INT) AS month,
    coalesce(first_of(m.genres), '') AS genre, count(*) AS row_count
FROM staged
LEFT JOIN silver_movies AS m ON m.movie_id = staged.movie_id
GROUP BY
    CAST(year(date_from_ms(staged.created_at)) AS INT), CAST(month(date_from_ms(staged.created_at)) AS INT),
    coalesce(first_of(m.genres), '')
