-- judged_ratings: each record of movie.ratings with its class, and its numbers in 1/10,000.
-- docs/semantics.md, "Each record is exactly one of": it depends on lower offsets of the record's partition only.
WITH logged AS (
    SELECT
        log_partition, log_offset, movie_id, event_time, vote_average, vote_count, popularity,
        decode_error IS NULL
            AND event_time BETWEEN -62135596800000 AND 253402300799999
            AND abs(popularity) <= 1e9
            AND abs(vote_average) <= 1e9 AS computable,
        max(append_time) OVER (
            PARTITION BY log_partition ORDER BY log_offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS append_high
    FROM bronze_ratings
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
    log_partition, log_offset, movie_id, event_time,
    floor_to(event_time, ${window_ms}) AS window_start,
    CASE WHEN good THEN to_e4(vote_average) END AS vote_average_e4,
    CASE WHEN good THEN to_e4(popularity) END AS popularity_e4,
    vote_count,
    CASE
        WHEN NOT good THEN 'bad'
        WHEN floor_to(event_time, 3600000) + 3600000 + ${retention_ms} <= event_high THEN 'expired'
        ELSE 'used'
    END AS class
FROM ordered
