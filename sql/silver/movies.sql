-- silver/movies: what is known of each movie, once. Five groups of columns, each from the latest source that has it, its time
-- beside it: facts (facts_at: an answer of TMDB or a metadata record), details (details_at: an answer), credits (credits_at) and
-- keywords (keywords_at: an answer with that block, or to a call for the block alone), observation (observed_at: an answer or a
-- rating record). Sources: the run before (movies_before, origin 0), the log (1), the answers that this run brought (2). TMDB's own
-- texts are kept as long as its terms allow. The latest wins whatever came in which run, so a movie's row is the same when it is
-- computed at once. Of one moment an answer counts before the log, which is read again by each run: a row before that an answer
-- gave (its moment is that of the details) stays an answer's.
-- Of each movie only the answers that are a group's latest are taken apart: parsing thousands of bodies at once takes hundreds of MB.
-- Whether an answer has a block is seen by its key: quotes within a JSON text are escaped, so no text can look like it.
WITH sound AS (
    SELECT
        movie_id, concat(lpad(CAST(extraction_timestamp AS STRING), 20, '0'), md5(raw_json)) AS age,
        answer_title <> '' AS is_movie,
        api_endpoint LIKE '/movie/%/credits' AS is_credits, api_endpoint LIKE '/movie/%/keywords' AS is_keywords,
        raw_json LIKE '%"credits":%' AS has_credits, raw_json LIKE '%"keywords":%' AS has_keywords
    FROM new_answers
    WHERE api_endpoint LIKE '/movie/%' AND answer_id = movie_id
),
latest AS (
    SELECT
        movie_id,
        max(CASE WHEN is_movie THEN age END) AS movie_age,
        max(CASE WHEN is_credits OR is_movie AND has_credits THEN age END) AS credits_age,
        max(CASE WHEN is_keywords OR is_movie AND has_keywords THEN age END) AS keywords_age
    FROM sound
    GROUP BY movie_id
),
aged AS (
    SELECT
        latest.*, extraction_timestamp AS moment, concat(lpad(CAST(extraction_timestamp AS STRING), 20, '0'), md5(raw_json)) AS age,
        CASE
            WHEN api_endpoint LIKE '/movie/%/credits' THEN concat('{"credits":', raw_json, '}')
            WHEN api_endpoint LIKE '/movie/%/keywords' THEN concat('{"keywords":', raw_json, '}')
            ELSE raw_json
        END AS body
    FROM new_answers
    JOIN latest ON latest.movie_id = new_answers.movie_id
),
parts AS (
    SELECT
        movie_id, moment, age AS tie, age = movie_age AS is_movie, age = credits_age AS is_credits, age = keywords_age AS is_keywords,
        movie_from_json(body) AS m
    FROM aged
    WHERE age IN (movie_age, credits_age, keywords_age)
),
answers AS (
    SELECT movie_id, moment, tie, m FROM parts WHERE is_movie
),
facts_found AS (
    SELECT movie_id, facts_at AS moment, CASE WHEN facts_at = details_at THEN 2 ELSE 0 END AS origin, '' AS tie, title, release_date, genres, runtime, budget, revenue
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
    SELECT movie_id, details_at AS moment, 0 AS origin, '' AS tie, original_title, original_language, overview, poster_path, status, companies
    FROM movies_before WHERE details_at IS NOT NULL
    UNION ALL
    SELECT movie_id, moment, 2 AS origin, tie, m.original_title AS original_title,
        m.original_language AS original_language, m.overview AS overview, m.poster_path AS poster_path, m.status AS status,
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
credits_found AS (
    SELECT movie_id, credits_at AS moment, 0 AS origin, '' AS tie, cast_members, crew_members
    FROM movies_before WHERE credits_at IS NOT NULL
    UNION ALL
    SELECT movie_id, moment, 2 AS origin, tie, m.credits.cast AS cast_members, m.credits.crew AS crew_members
    FROM parts
    WHERE is_credits AND m.credits IS NOT NULL
),
credits AS (
    SELECT * FROM (
        SELECT *, row_number() OVER (PARTITION BY movie_id ORDER BY moment DESC, origin DESC, tie DESC) AS place
        FROM credits_found
    ) AS placed
    WHERE place = 1
),
keywords_found AS (
    SELECT movie_id, keywords_at AS moment, 0 AS origin, '' AS tie, keywords
    FROM movies_before WHERE keywords_at IS NOT NULL
    UNION ALL
    SELECT movie_id, moment, 2 AS origin, tie, names_of(m.keywords.keywords) AS keywords
    FROM parts
    WHERE is_keywords AND m.keywords IS NOT NULL
),
keywords AS (
    SELECT * FROM (
        SELECT *, row_number() OVER (PARTITION BY movie_id ORDER BY moment DESC, origin DESC, tie DESC) AS place
        FROM keywords_found
    ) AS placed
    WHERE place = 1
),
observations_found AS (
    SELECT
        movie_id, observed_at AS moment, CASE WHEN observed_at = details_at THEN 2 ELSE 0 END AS origin, CAST(0 AS BIGINT) AS log_offset,
        '' AS tie, popularity_e4, vote_average_e4, vote_count
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
        coalesce(keywords.keywords, no_strings()) AS keywords, coalesce(companies, no_strings()) AS companies,
        popularity_e4, vote_average_e4, vote_count,
        facts.moment AS facts_at, details.moment AS details_at, credits.moment AS credits_at, keywords.moment AS keywords_at,
        observations.moment AS observed_at
    FROM movie_ids
    LEFT JOIN facts ON facts.movie_id = movie_ids.movie_id
    LEFT JOIN details ON details.movie_id = movie_ids.movie_id
    LEFT JOIN credits ON credits.movie_id = movie_ids.movie_id
    LEFT JOIN keywords ON keywords.movie_id = movie_ids.movie_id
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
    facts_at, details_at, credits_at, keywords_at, observed_at
FROM checked
ORDER BY movie_id
