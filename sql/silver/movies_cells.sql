-- The cells of silver/movies: year and month of release (0: not known), the first genre ('': none).
SELECT
    coalesce(release_year, 0) AS year, coalesce(release_month, 0) AS month, coalesce(first_of(genres), '') AS genre,
    count(*) AS row_count
FROM staged
GROUP BY coalesce(release_year, 0), coalesce(release_month, 0), coalesce(first_of(genres), '')
