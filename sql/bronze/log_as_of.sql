-- An archive of the bus as it was at ${as_of_ms}: of each partition the records before the append time, which is the highest one
-- so far, passes it.
SELECT *
FROM (
    SELECT
        *,
        max(append_time) OVER (
            PARTITION BY log_partition ORDER BY log_offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS append_high
    FROM archived
) AS logged
WHERE append_high <= ${as_of_ms}
