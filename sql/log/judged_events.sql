-- judged_events: each record of user.events with its class (as judged_ratings). Duplicates:
--   an id of our producers' form <producer>.<epoch>:<sequence>, when its sequence isn't above the highest at lower offsets
--   for that producer and epoch; a pause of 52 h of append time begins anew (a session);
--   any other id that stands at a lower offset at most 10 minutes of append time away.
WITH logged AS (
    SELECT
        log_partition, log_offset, movie_id, event_time, user_id, event_type, event_id,
        regexp_extract(event_id, '^([a-z0-9-]+)[.]([0-9]+):([0-9]+)$', 1) AS producer,
        regexp_extract(event_id, '^([a-z0-9-]+)[.]([0-9]+):([0-9]+)$', 2) AS epoch_text,
        regexp_extract(event_id, '^([a-z0-9-]+)[.]([0-9]+):([0-9]+)$', 3) AS sequence_text,
        decode_error IS NULL AND event_time BETWEEN -62135596800000 AND 253402300799999 AS computable,
        max(append_time) OVER (
            PARTITION BY log_partition ORDER BY log_offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS append_high
    FROM bronze_events
),
weighed AS (
    SELECT
        *,
        coalesce(computable AND event_time <= append_high + ${future_limit_ms}, FALSE) AS good,
        TRY_CAST(epoch_text AS BIGINT) AS epoch,
        TRY_CAST(sequence_text AS BIGINT) AS sequence
    FROM logged
),
-- The whole id has the form ($ may match before a last newline) and both numbers fit: else its sequence is null.
named AS (
    SELECT
        *,
        CASE
            WHEN concat(producer, '.', epoch_text, ':', sequence_text) = event_id AND epoch IS NOT NULL AND sequence IS NOT NULL
            THEN sequence
        END AS own_sequence
    FROM weighed
),
ordered AS (
    SELECT
        *,
        max(CASE WHEN good THEN event_time END) OVER (
            PARTITION BY log_partition ORDER BY log_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS event_high,
        lag(append_high) OVER (
            PARTITION BY log_partition, good, own_sequence IS NULL, producer, epoch ORDER BY log_offset
        ) AS append_before_own,
        lag(append_high) OVER (
            PARTITION BY log_partition, good, own_sequence IS NULL, event_id ORDER BY log_offset
        ) AS append_before_foreign
    FROM named
),
sessions AS (
    SELECT
        *,
        sum(CASE WHEN append_high - append_before_own >= 187200000 THEN 1 ELSE 0 END) OVER (
            PARTITION BY log_partition, good, own_sequence IS NULL, producer, epoch ORDER BY log_offset
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS session
    FROM ordered
),
sequenced AS (
    SELECT
        *,
        max(own_sequence) OVER (
            PARTITION BY log_partition, good, own_sequence IS NULL, producer, epoch, session ORDER BY log_offset
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS sequence_high
    FROM sessions
)
SELECT
    log_partition, log_offset, movie_id, event_time, user_id, event_type,
    floor_to(event_time, ${window_ms}) AS window_start,
    CASE
        WHEN NOT good THEN 'bad'
        WHEN floor_to(event_time, 3600000) + 3600000 + ${retention_ms} <= event_high THEN 'expired'
        WHEN own_sequence IS NOT NULL AND own_sequence <= sequence_high THEN 'duplicate'
        WHEN own_sequence IS NULL AND append_high - append_before_foreign <= 600000 THEN 'duplicate'
        ELSE 'used'
    END AS class
FROM sequenced
