-- View "movie": the full document of each movie. The rules for column names stand in
-- src/batch/export.h.
SELECT
    movie_id AS key_movie_id,
    movie_id, title, original_title, original_language, overview, poster_path, status,
    CAST(release_date AS STRING) AS release_date,
    json_from_strings(genres) AS genres_json,
    CASE WHEN runtime > 0 THEN runtime END AS runtime,
    CASE WHEN budget > 0 THEN budget END AS budget,
    CASE WHEN revenue > 0 THEN revenue END AS revenue,
    json_from_structs(first_n(cast_members, 10)) AS cast_json,
    json_from_strings(names_of(directors_of(crew_members))) AS directors_json,
    json_from_strings(keywords) AS keywords_json,
    json_from_strings(companies) AS production_companies_json,
    popularity_e4 AS popularity_dec4, vote_average_e4 AS vote_average_dec4, vote_count, popularity_tier, rating_tier, quality_flag, quality_reasons,
    observed_at AS observed_at_ms
FROM silver_movies
WHERE quality_flag <> 'ERROR'
ORDER BY movie_id
