-- View "hour_counts": used records per hour, topic and partition below the cut; one document a day. With the speed layer's counts
-- it says how many records came after the cut.
SELECT hour, topic, log_partition, used_records
FROM used_counts
WHERE hour >= ${views_from_ms}
ORDER BY hour, topic, log_partition
