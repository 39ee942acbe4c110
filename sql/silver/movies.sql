-- silver/movies: what is known of each movie, once. Three groups of columns, each from the latest source that has it, its time
-- beside it: facts (facts_at: an answer of TMDB or a metadata record), details (details_at: an answer), observation
-- (observed_at: an answer or a rating record). Sources: the run before (movies_before, origin 0), the log (1), the answers that
-- this run brought (2). TMDB's own texts are kept as long as its terms allow. The latest wins whatever came in which run, so a movie's row is the same when it is computed at once.
-- Only the latest sound answer of each movie is taken apart: parsing thousands of bodies at once takes hundreds of MB.
WITH sound AS (
    SELECT movie_id, extraction_timestamp, md5(raw_json) AS tie
    FROM new_answers
    WHERE api_endpoint LIKE '/movie/%'
        AND answer_id = movie_id AND answer_title <> ''
),
latest AS (
    SELECT movie_id, extraction_timestamp, tie
    FROM (
        SELECT *, row_number() OVER (PARTITION BY movie_id ORDER BY extraction_timestamp DESC, tie DESC) AS place
        FROM sound
    ) AS placed
    WHERE place = 1
),
answers AS (
    SELECT latest.movie_id, latest.extraction_timestamp AS moment, latest.tie, movie_from_json(new_answers.raw_json) AS m
    FROM new_answers
    JOIN latest
        ON latest.movie_id = new_answers.movie_id AND latest.extraction_timestamp = new_answers.extraction_timestamp
        AND latest.tie = md5(new_answers.raw_json)
),
facts_found AS (
    SELECT movie_id, facts_at AS moment, 0 AS origin, '' AS tie, title, release_date, genres, runtime, budget, revenue
    FROM movies_before WHERE facts_at IS NOT NULL
    UNION ALL
    SELECT movie_id, event_time AS moment, 1 AS origin, lpad(CAST(log_offset AS STRING), 20, '0') AS tie, title,
        date_from_text(release_date) AS release_date, strings_from_json(genres) AS genres, runtime, budget, revenue
    FROM judged_metadata WHERE class <> 'bad'
    UNION ALL
    SELECT movie_id, moment, 2 AS origin, tie, m.title AS title,
        date_from_text(m.release_date) AS release_date, names_of(m.genres) AS genres, m.runtime AS runtime, m.budget AS budget,
        m.revenue AS revenue
    FROM answers
),
facts AS (
    SELECT * FROM (
        SELECT *, row_number() OVER (PARTITION BY movie_id ORDER BY moment DESC, origin DESC, tie DESC) AS place
        FROM facts_found
    ) AS placed
    WHERE place = 1
),
details_found AS (
    SELECT movie_id, details_at AS moment, 0 AS origin, '' AS tie, original_title, original_language, overview, poster_path, status,
        cast_members, crew_members, keywords, companies
    FROM movies_before WHERE details_at IS NOT NULL
    UNION ALL
    SELECT movie_id, moment, 2 AS origin, tie, m.original_title AS original_title,
        m.original_language AS original_language, m.overview AS overview, m.poster_path AS poster_path, m.status AS status,
        m.credits.cast AS cast_members, m.credits.crew AS crew_members, names_of(m.keywords.keywords) AS keywords,
        names_of(m.production_companies) AS companies
    FROM answers
),
details AS (
    SELECT * FROM (
        SELECT *, row_number() OVER (PARTITION BY movie_id ORDER BY moment DESC, origin DESC, tie DESC) AS place
        FROM details_found
    ) AS placed
    WHERE place = 1
),
observations_found AS (
    SELECT movie_id, observed_at AS moment, 0 AS origin, CAST(0 AS BIGINT) AS log_offset, '' AS tie, popularity_e4, vote_average_e4, vote_count
    FROM movies_before WHERE observed_at IS NOT NULL
    UNION ALL
    SELECT movie_id, event_time AS moment, 1 AS origin, log_offset, '' AS tie, popularity_e4, vote_average_e4, vote_count
    FROM judged_ratings WHERE class <> 'bad'
    UNION ALL
    SELECT movie_id, moment, 2 AS origin, CAST(0 AS BIGINT) AS log_offset, tie, to_e4(m.popularity) AS popularity_e4,
        to_e4(m.vote_average) AS vote_average_e4, m.vote_count AS vote_count
    FROM answers
    WHERE abs(m.popularity) <= 1e9 AND abs(m.vote_average) <= 1e9
),
observations AS (
    SELECT * FROM (
        SELECT *, row_number() OVER (PARTITION BY movie_id ORDER BY moment DESC, origin DESC, log_offset DESC, tie DESC) AS place
        FROM observations_found
    ) AS placed
    WHERE place = 1
),
movie_ids AS (
    SELECT movie_id FROM facts
    UNION
    SELECT movie_id FROM observations
),
joined AS (
    SELECT
        movie_ids.movie_id, facts.title, original_title, original_language, overview, poster_path, status,
        release_date, year(release_date) AS release_year, month(release_date) AS release_month,
        coalesce(genres, no_strings()) AS genres, runtime, budget, revenue, cast_members, crew_members,
        coalesce(keywords, no_strings()) AS keywords, coalesce(companies, no_strings()) AS companies,
        popularity_e4, vote_average_e4, vote_count,
        facts.moment AS facts_at, details.moment AS details_at, observations.moment AS observed_at
    FROM movie_ids
    LEFT JOIN facts ON facts.movie_id = movie_ids.movie_id
    LEFT JOIN details ON details.movie_id = movie_ids.movie_id
    LEFT JOIN observations ON observations.movie_id = movie_ids.movie_id
),
checked AS (
    SELECT
        *,
        CASE
            WHEN popularity_e4 >= 1000000 THEN 'viral'
            WHEN popularity_e4 >= 200000 THEN 'high'
            WHEN popularity_e4 >= 50000 THEN 'medium'
            WHEN popularity_e4 IS NOT NULL THEN 'low'
        END AS popularity_tier,
        CASE
            WHEN coalesce(vote_count, 0) < 10 THEN 'unrated'
            WHEN vote_average_e4 >= 75000 THEN 'excellent'
            WHEN vote_average_e4 >= 65000 THEN 'good'
            WHEN vote_average_e4 >= 50000 THEN 'average'
            ELSE 'poor'
        END AS rating_tier,
        CASE WHEN coalesce(title, '') = '' THEN 'no title' END AS error_reason,
        concat_ws(
            ', ',
            CASE WHEN has_control(title) THEN 'control characters in the title' END,
            CASE WHEN has_markup(title) THEN 'markup in the title' END,
            CASE WHEN release_date IS NULL THEN 'no release date' END,
            CASE WHEN release_year < 1874 OR release_year > ${cut_year} + 10 THEN 'release date out of range' END,
            CASE WHEN size_of(genres) = 0 THEN 'no genre' END,
            CASE WHEN runtime < 0 OR runtime > 1440 THEN 'runtime out of range' END,
            CASE WHEN budget < 0 THEN 'negative budget' END,
            CASE WHEN revenue < 0 THEN 'negative revenue' END,
            CASE WHEN vote_average_e4 < 0 OR vote_average_e4 > 100000 THEN 'vote average out of range' END,
            CASE WHEN vote_count < 0 THEN 'negative vote count' END
        ) AS warning_reasons
    FROM joined
)
SELECT
    movie_id, title, original_title, original_language,
    CASE WHEN details_at >= ${texts_from_ms} THEN overview END AS overview, poster_path, status,
    release_date, CAST(release_year AS INT) AS release_year, CAST(release_month AS INT) AS release_month, genres,
    runtime, budget, revenue, cast_members, crew_members, keywords, companies, popularity_e4, vote_average_e4, vote_count,
    popularity_tier, rating_tier,
    CASE WHEN error_reason IS NOT NULL THEN 'ERROR' WHEN warning_reasons <> '' THEN 'WARNING' ELSE 'OK' END AS quality_flag,
    concat_ws(', ', error_reason, CASE WHEN warning_reasons <> '' THEN warning_reasons END) AS quality_reasons,
    facts_at, details_at, observed_at
FROM checked
ORDER BY movie_id
