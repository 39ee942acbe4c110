-- View "people": one document a person, with the hundred most popular movies that they worked on, a line a credit.
WITH works AS (
    SELECT person_id, movie_id FROM silver_people GROUP BY person_id, movie_id
),
placed AS (
    SELECT
        works.person_id, works.movie_id, m.title, m.release_date, m.popularity_e4, m.vote_average_e4, m.vote_count,
        row_number() OVER (PARTITION BY works.person_id ORDER BY m.popularity_e4 DESC NULLS LAST, works.movie_id) AS place
    FROM works
    JOIN silver_movies AS m ON m.movie_id = works.movie_id
)
SELECT
    g.person_id AS key_movie_id,
    g.person_id, g.name, g.known_for, g.movie_count, g.cast_count, g.crew_count, g.rated_count, g.avg_rating, g.avg_popularity,
    g.vote_count, g.total_revenue, g.first_year, g.last_year,
    placed.movie_id AS item_movie_id,
    placed.title AS item_title,
    CAST(placed.release_date AS STRING) AS item_release_date,
    credits.credit AS item_credit,
    credits.role AS item_role,
    credits.department AS item_department,
    placed.popularity_e4 AS item_popularity_dec4,
    placed.vote_average_e4 AS item_vote_average_dec4,
    placed.vote_count AS item_vote_count
FROM gold_people AS g
JOIN placed ON placed.person_id = g.person_id AND placed.place <= 100
JOIN silver_people AS credits ON credits.person_id = placed.person_id AND credits.movie_id = placed.movie_id
ORDER BY key_movie_id, placed.place, item_credit, credits.billing NULLS LAST, item_role
