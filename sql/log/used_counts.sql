-- used_counts: used records per topic, partition and hour of their event time.
SELECT topic, log_partition, floor_to(event_time, 3600000) AS hour, count(*) AS used_records
FROM (
    SELECT 'movie.ratings' AS topic, log_partition, event_time FROM judged_ratings WHERE class = 'used'
    UNION ALL
    SELECT 'movie.metadata' AS topic, log_partition, event_time FROM judged_metadata WHERE class = 'used'
    UNION ALL
    SELECT 'movie.reviews' AS topic, log_partition, event_time FROM judged_reviews WHERE class = 'used'
    UNION ALL
    SELECT 'user.events' AS topic, log_partition, event_time FROM judged_events WHERE class = 'used'
) AS used
GROUP BY topic, log_partition, floor_to(event_time, 3600000)
