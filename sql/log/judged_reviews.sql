-- judged_reviews: each record of movie.reviews with its class (as judged_ratings). A duplicate is a version that isn't above
-- the highest one at lower offsets of the same review: its review_id, movie_id and created_at together.
WITH logged AS (
    SELECT
        log_partition, log_offset, review_id, movie_id, event_time, content, rating, author, url,
        coalesce(updated_at, event_time) AS version,
        greatest(event_time, coalesce(updated_at, event_time)) AS latest_time,
        decode_error IS NULL
            AND event_time BETWEEN -62135596800000 AND 253402300799999
            AND coalesce(updated_at, event_time) BETWEEN -62135596800000 AND 253402300799999 AS computable,
        max(append_time) OVER (
            PARTITION BY log_partition ORDER BY log_offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS append_high
    FROM bronze_reviews
),
weighed AS (
    SELECT *, coalesce(computable AND latest_time <= append_high + ${future_limit_ms}, FALSE) AS good
    FROM logged
),
ordered AS (
    SELECT
        *,
        max(CASE WHEN good THEN event_time END) OVER (
            PARTITION BY log_partition ORDER BY log_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS event_high,
        max(CASE WHEN good THEN version END) OVER (
            PARTITION BY log_partition, review_id, movie_id, event_time ORDER BY log_offset
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS version_high
    FROM weighed
)
SELECT
    log_partition, log_offset, review_id, movie_id, event_time, content, rating, author, url, version,
    floor_to(event_time, ${window_ms}) AS window_start,
    CASE
        WHEN NOT good THEN 'bad'
        WHEN floor_to(event_time, 3600000) + 3600000 + ${retention_ms} <= event_high THEN 'expired'
        WHEN version <= version_high THEN 'duplicate'
        ELSE 'used'
    END AS class
FROM ordered
