-- silver/people: who worked on which movie as what, once: of cast the character (billing: the place in the credits, from 0), of
-- crew the job and department. From the credits of silver/movies. People without an id or name are left out, and movies whose row is an ERROR.
WITH cast_found AS (
    SELECT movie_id, credits_at, explode(cast_members) AS member
    FROM silver_movies
    WHERE quality_flag <> 'ERROR'
),
crew_found AS (
    SELECT movie_id, credits_at, explode(crew_members) AS member
    FROM silver_movies
    WHERE quality_flag <> 'ERROR'
),
credits AS (
    SELECT
        member.id AS person_id, member.name AS name, movie_id, 'cast' AS credit, coalesce(member.character, '') AS role,
        CAST(NULL AS STRING) AS department, member.order AS billing, credits_at
    FROM cast_found
    UNION ALL
    SELECT
        member.id AS person_id, member.name AS name, movie_id, 'crew' AS credit, coalesce(member.job, '') AS role,
        member.department AS department, CAST(NULL AS INT) AS billing, credits_at
    FROM crew_found
),
placed AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY person_id, movie_id, credit, role ORDER BY billing NULLS LAST, department NULLS LAST, name
        ) AS place
    FROM credits
    WHERE person_id > 0 AND name <> ''
)
SELECT person_id, name, movie_id, credit, role, department, billing, credits_at
FROM placed
WHERE place = 1
ORDER BY person_id, movie_id, credit, role
