-- gold/people: figures of each person over the movies with a credit of theirs, each movie once however many credits it has. A
-- rating counts where the movie has votes, a revenue where TMDB knows it. known_for: Acting, or the department with the most credits (of equals the first by name).
-- The name is that of the credits that were asked for last.
WITH works AS (
    SELECT
        person_id, movie_id,
        max(CASE WHEN credit = 'cast' THEN 1 ELSE 0 END) AS acted,
        max(CASE WHEN credit = 'crew' THEN 1 ELSE 0 END) AS worked
    FROM silver_people
    GROUP BY person_id, movie_id
),
figures AS (
    SELECT
        works.person_id,
        count(*) AS movie_count,
        CAST(sum(works.acted) AS BIGINT) AS cast_count,
        CAST(sum(works.worked) AS BIGINT) AS crew_count,
        count(CASE WHEN m.vote_count > 0 THEN m.vote_average_e4 END) AS rated_count,
        CAST(sum(CASE WHEN m.vote_count > 0 THEN m.vote_average_e4 END) AS DOUBLE)
            / nullif(count(CASE WHEN m.vote_count > 0 THEN m.vote_average_e4 END), 0) / 1e4 AS avg_rating,
        CAST(sum(m.popularity_e4) AS DOUBLE) / nullif(count(m.popularity_e4), 0) / 1e4 AS avg_popularity,
        CAST(coalesce(sum(m.vote_count), 0) AS BIGINT) AS vote_count,
        CAST(coalesce(sum(CASE WHEN m.revenue > 0 THEN m.revenue END), 0) AS BIGINT) AS total_revenue,
        min(m.release_year) AS first_year,
        max(m.release_year) AS last_year
    FROM works
    JOIN silver_movies AS m ON m.movie_id = works.movie_id
    GROUP BY works.person_id
),
names AS (
    SELECT person_id, name
    FROM (
        SELECT person_id, name, row_number() OVER (PARTITION BY person_id ORDER BY credits_at DESC NULLS LAST, movie_id, name) AS place
        FROM silver_people
    ) AS placed
    WHERE place = 1
),
departments AS (
    SELECT person_id, CASE WHEN credit = 'cast' THEN 'Acting' ELSE department END AS department, count(*) AS credits
    FROM silver_people
    WHERE credit = 'cast' OR department <> ''
    GROUP BY person_id, CASE WHEN credit = 'cast' THEN 'Acting' ELSE department END
),
fields AS (
    SELECT person_id, department
    FROM (
        SELECT person_id, department, row_number() OVER (PARTITION BY person_id ORDER BY credits DESC, department) AS place
        FROM departments
    ) AS placed
    WHERE place = 1
)
SELECT
    figures.person_id, names.name, fields.department AS known_for, figures.movie_count, figures.cast_count, figures.crew_count,
    figures.rated_count, figures.avg_rating, figures.avg_popularity, figures.vote_count, figures.total_revenue,
    CAST(figures.first_year AS INT) AS first_year, CAST(figures.last_year AS INT) AS last_year
FROM figures
JOIN names ON names.person_id = figures.person_id
LEFT JOIN fields ON fields.person_id = figures.person_id
ORDER BY figures.person_id
