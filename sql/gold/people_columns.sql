-- Columns of gold/people.
SELECT
    CAST(NULL AS BIGINT) AS person_id,
    CAST(NULL AS STRING) AS name,
    CAST(NULL AS STRING) AS known_for,
    CAST(NULL AS BIGINT) AS movie_count,
    CAST(NULL AS BIGINT) AS cast_count,
    CAST(NULL AS BIGINT) AS crew_count,
    CAST(NULL AS BIGINT) AS rated_count,
    CAST(NULL AS DOUBLE) AS avg_rating,
    CAST(NULL AS DOUBLE) AS avg_popularity,
    CAST(NULL AS BIGINT) AS vote_count,
    CAST(NULL AS BIGINT) AS total_revenue,
    CAST(NULL AS INT) AS first_year,
    CAST(NULL AS INT) AS last_year
WHERE 1 = 0
