-- The rows of silver/movies that go to file ${part}.
SELECT
    movie_id, title, original_title, original_language, overview, poster_path, status, release_date, release_year,
    release_month, genres, runtime, budget, revenue, cast_members, crew_members, keywords, companies, popularity_e4,
    vote_average_e4, vote_count, popularity_tier, rating_tier, quality_flag, quality_reasons, facts_at, details_at,
    credits_at, keywords_at, observed_at
FROM placed
WHERE part = ${part}
ORDER BY movie_id
