-- View "top_movies": one document, the thousand most popular movies.
SELECT
    movie_id AS item_movie_id,
    title AS item_title,
    popularity_e4 AS item_popularity_dec4,
    vote_average_e4 AS item_vote_average_dec4,
    vote_count AS item_vote_count,
    CAST(release_date AS STRING) AS item_release_date,
    json_from_strings(genres) AS item_genres_json
FROM silver_movies
WHERE quality_flag <> 'ERROR' AND popularity_e4 IS NOT NULL
ORDER BY popularity_e4 DESC, movie_id
LIMIT 1000
