-- judged_metadata: each record of movie.metadata with its class (as judged_ratings).
WITH logged AS (
    SELECT
        log_partition, log_offset, movie_id, event_time, title, release_date, genres, runtime, budget, revenue,
        decode_error IS NULL AND event_time BETWEEN -62135596800000 AND 253402300799999 AS computable,
        max(append_time) OVER (
            PARTITION BY log_partition ORDER BY log_offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS append_high
    FROM bronze_metadata
),
weighed AS (
    SELECT *, coalesce(computable AND event_time <= append_high + ${future_limit_ms}, FALSE) AS good
    FROM logged
),
ordered AS (
    SELECT
        *,
        max(CASE WHEN good THEN event_time END) OVER (
            PARTITION BY log_partition ORDER BY log_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS event_high
    FROM weighed
)
SELECT
    log_partition, log_offset, movie_id, event_time, title, release_date, genres, runtime, budget, revenue,
    CASE
        WHEN NOT good THEN 'bad'
        WHEN floor_to(event_time, 3600000) + 3600000 + ${retention_ms} <= event_high THEN 'expired'
        ELSE 'used'
    END AS class
FROM ordered
