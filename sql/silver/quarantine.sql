-- silver/quarantine: what came in and is in no other table of silver, and why: answers of TMDB about a movie, or its credits or keywords (source
-- 'tmdb'), that can't be read as that, records of the log (source: the topic) that are bad. Their bytes stand in bronze. Rows that are there but
-- flagged ERROR stay in their tables.
WITH answers AS (
    SELECT
        'tmdb' AS source, movie_id, api_endpoint, extraction_timestamp AS moment,
        CASE
            WHEN answer_id IS NULL THEN 'no JSON object with an id'
            WHEN answer_id <> movie_id THEN 'the id of another movie'
            WHEN coalesce(answer_title, '') = '' AND NOT api_endpoint LIKE '/movie/%/%' THEN 'no title'
        END AS reason
    FROM new_answers
    WHERE api_endpoint LIKE '/movie/%'
),
bad AS (
    SELECT 'movie.ratings' AS source, log_partition, log_offset FROM judged_ratings WHERE class = 'bad'
    UNION ALL
    SELECT 'movie.metadata' AS source, log_partition, log_offset FROM judged_metadata WHERE class = 'bad'
    UNION ALL
    SELECT 'movie.reviews' AS source, log_partition, log_offset FROM judged_reviews WHERE class = 'bad'
    UNION ALL
    SELECT 'user.events' AS source, log_partition, log_offset FROM judged_events WHERE class = 'bad'
),
archived AS (
    SELECT topic, log_partition, log_offset, movie_id, append_time, decode_error FROM bronze_ratings
    UNION ALL
    SELECT topic, log_partition, log_offset, movie_id, append_time, decode_error FROM bronze_metadata
    UNION ALL
    SELECT topic, log_partition, log_offset, movie_id, append_time, decode_error FROM bronze_reviews
    UNION ALL
    SELECT topic, log_partition, log_offset, movie_id, append_time, decode_error FROM bronze_events
),
found AS (
    SELECT
        source, movie_id, api_endpoint, CAST(NULL AS INT) AS log_partition, CAST(NULL AS BIGINT) AS log_offset, moment, reason
    FROM answers
    WHERE reason IS NOT NULL
    UNION
    SELECT
        bad.source, archived.movie_id, CAST(NULL AS STRING) AS api_endpoint, bad.log_partition, bad.log_offset,
        archived.append_time AS moment, coalesce(archived.decode_error, 'its time or a number is out of range') AS reason
    FROM bad
    JOIN archived
        ON archived.topic = bad.source AND archived.log_partition = bad.log_partition AND archived.log_offset = bad.log_offset
    UNION
    SELECT source, movie_id, api_endpoint, log_partition, log_offset, moment, reason FROM quarantine_before
)
SELECT source, movie_id, api_endpoint, log_partition, log_offset, moment, reason
FROM found
WHERE moment >= ${silver_from_ms}
ORDER BY source, log_partition NULLS FIRST, log_offset NULLS FIRST, moment, movie_id, api_endpoint, reason
