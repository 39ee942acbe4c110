-- silver/movies with the part of each row, by part.
SELECT staged.*, parts.part
FROM staged
JOIN parts
    ON parts.year = coalesce(staged.release_year, 0) AND parts.month = coalesce(staged.release_month, 0)
    AND parts.genre = coalesce(first_of(staged.genres), '')
ORDER BY parts.part, staged.movie_id
