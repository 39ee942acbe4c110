-- The hours whose rows a run's new records may change: a record's own, and those whose previous windows reach back to it
-- (docs/semantics.md, "Cascade": its window, the movie's next and next but one).
SELECT DISTINCT floor_to(moment, 3600000) AS hour
FROM (
    SELECT event_time AS moment FROM new_ratings WHERE decode_error IS NULL
    UNION ALL
    SELECT event_time + ${lookback_ms} AS moment FROM new_ratings WHERE decode_error IS NULL
    UNION ALL
    SELECT event_time + 2 * ${lookback_ms} AS moment FROM new_ratings WHERE decode_error IS NULL
    UNION ALL
    SELECT event_time AS moment FROM new_reviews WHERE decode_error IS NULL
    UNION ALL
    SELECT event_time + ${lookback_ms} AS moment FROM new_reviews WHERE decode_error IS NULL
    UNION ALL
    SELECT event_time AS moment FROM new_events WHERE decode_error IS NULL
) AS moments
WHERE moment >= ${silver_from_ms} AND moment < ${silver_to_ms}
ORDER BY hour
